"""What the firmware's pure modules need of `micropython`, for CPython."""


def const(value):  # type: ignore[no-untyped-def]
    """Return `value`: mpy-cross folds it at compile time, CPython just reads it."""
    return value
