"""What the status of a call is that did not simply end well; loaded when there is one."""

from micropython import const

_UNKNOWN = const(2)

# What an answer without grpc-status means (doc/http-grpc-status-mapping.md): the low bytes of
# 400 401 403 404 429 502 503 504, and the gRPC status of each and, last, of all others.
_HTTP_STATUSES = const(b"\x90\x91\x93\x94\xad\xf6\xf7\xf8")
_GRPC_STATUSES = const(b"\x0d\x10\x07\x0c\x0e\x0e\x0e\x0e\x02")

_NAMES = const(
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS"
    " PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE"
    " UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
)


def name(status):
    """The name that the specification gives `status` (int)."""
    names = _NAMES.split()
    return names[status] if status < len(names) else "status %d" % status


def percent_decode(data):
    """grpc-message as text: `%XX` are bytes of UTF-8; what is malformed is shown as it came."""
    first, *coded = bytes(data).split(b"%")
    try:
        text = bytearray(first)
        for part in coded:
            text.append(int(part[:2], 16))
            text.extend(part[2:])
        return str(text, "utf-8")
    except ValueError:  # UnicodeError is one
        return repr(data)


def final_status(http_status, grpc_status, grpc_message):
    """`(status, message)` that ends a call, from what the answer said.

    `grpc_status` and `grpc_message` are the header values as bytes, or None when there was none.
    OK comes only of HTTP 200 with grpc-status 0.
    """
    if grpc_status is not None:
        status = int(grpc_status) if grpc_status.isdigit() else _UNKNOWN
        if status or http_status == 200:
            return status, percent_decode(grpc_message or b"")
    if http_status == 200:
        return _UNKNOWN, "answer without grpc-status"
    at = _HTTP_STATUSES.find(bytes(((http_status or 0) & 255,)))
    return _GRPC_STATUSES[at], "HTTP status %s" % http_status
