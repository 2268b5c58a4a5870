"""`raises`: the one helper that tests need beyond bare assert, on both interpreters."""


def raises(expected, function, *arguments):
    """Calls `function(*arguments)` and gives back the `expected` exception it raised."""
    try:
        function(*arguments)
    except expected as error:
        return error
    raise AssertionError("%s was not raised" % expected.__name__)
