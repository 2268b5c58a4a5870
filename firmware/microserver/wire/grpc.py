"""gRPC on top of HTTP: request headers, message framing and the status that ends a call.

No I/O and no clock.  https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from micropython import const

_PREFIX_SIZE = const(5)  # compressed flag, then the length as four big-endian bytes
_UNKNOWN = const(2)
_INTERNAL = const(13)

# What an answer without grpc-status means (doc/http-grpc-status-mapping.md): the low bytes of
# 400 401 403 404 429 502 503 504, and the gRPC status of each and, last, of all others.
_HTTP_STATUSES = const(b"\x90\x91\x93\x94\xad\xf6\xf7\xf8")
_GRPC_STATUSES = const(b"\x0d\x10\x07\x0c\x0e\x0e\x0e\x0e\x02")

_HEADERS = const(
    ":method POST\n:scheme %s\n:path %s\n:authority %s\nte trailers\ncontent-type application/grpc"
)

# The name of status n is STATUS_NAMES.split()[n].
STATUS_NAMES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS"
    " PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE"
    " UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
)


class GrpcError(Exception):
    """The call ended with another status than OK: `status` (int) and `message` (str)."""

    def __init__(self, status, message):
        names = STATUS_NAMES.split()
        name = names[status] if status < len(names) else "status %d" % status
        super().__init__("%s: %s" % (name, message))
        self.status = status
        self.message = message


def message_prefix(size):
    """The five bytes in front of an uncompressed message of `size` bytes."""
    return b"\0" + size.to_bytes(4, "big")


def single_message(body):
    """The one message that is the whole `body` of a unary answer, as bytes.

    GrpcError INTERNAL when the body holds less or more, or something compressed.
    """
    message = bytes(memoryview(body)[_PREFIX_SIZE:])
    if body[:_PREFIX_SIZE] != message_prefix(len(message)):
        raise GrpcError(_INTERNAL, "not exactly one message")
    return message


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


def call_headers(path, authority, scheme, token, extra):
    """The request headers of a call, as (name, value) pairs of bytes, pseudo-headers first.

    `token` is a bearer token or None; `extra` is metadata as (name, value) pairs of str.
    """
    lines = _HEADERS % (scheme, path, authority)
    if token:
        lines += "\nauthorization Bearer " + token
    for pair in extra:
        lines += "\n%s %s" % pair
    return [tuple(line.split(b" ", 1)) for line in lines.encode().split(b"\n")]


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
