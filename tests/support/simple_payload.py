"""The payload of a simple source, as a collector makes it."""


def simple_payload(source, result=None):
    """Of what the source's getter gives, or of a `result` that it gave."""
    if result is None:
        result = source.getter()
    return source.payload_of(result) if source.payload_of else {"readings": result}
