"""gRPC on top of HTTP: request headers, message framing and the status that ends a call.

No I/O and no clock.  https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from micropython import const

_PREFIX_SIZE = const(5)  # compressed flag, then the length as four big-endian bytes
_UNKNOWN = const(2)
_RESOURCE_EXHAUSTED = const(8)
_UNIMPLEMENTED = const(12)
_INTERNAL = const(13)

# What an answer without grpc-status means (doc/http-grpc-status-mapping.md), as HTTP status less
# 400, gRPC status.
_STATUS_BY_HTTP = const(b"\x00\x0d\x01\x10\x03\x07\x04\x0c\x1d\x0e\x66\x0e\x67\x0e\x68\x0e")

# The name of status n is STATUS_NAMES.split()[n].
STATUS_NAMES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS"
    " PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE"
    " UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
)


class GrpcError(Exception):
    """The call ended with another status than OK: `status` (int) and `message` (str)."""

    def __init__(self, status, message):
        super().__init__("%s: %s" % (status_name(status), message))
        self.status = status
        self.message = message


def status_name(status):
    """`INTERNAL` for 13; `status 99` for a number that gRPC does not define."""
    names = STATUS_NAMES.split()
    return names[status] if 0 <= status < len(names) else "status %d" % status


def message_prefix(size):
    """The five bytes in front of an uncompressed message of `size` bytes."""
    return b"\0" + size.to_bytes(4, "big")


class MessageDecoder:
    """Collects received bytes and hands out one whole message at a time."""

    def __init__(self, max_size):
        self._received = bytearray()
        self._max_size = max_size

    def feed(self, data):
        """Take received bytes (any buffer), split anywhere."""
        self._received.extend(data)

    def next_message(self):
        """The next whole message as bytes, or None until more bytes arrive."""
        received = self._received
        if len(received) < _PREFIX_SIZE:
            return None
        if received[0]:
            raise GrpcError(_UNIMPLEMENTED, "compressed message without grpc-encoding")
        size = int.from_bytes(received[1:_PREFIX_SIZE], "big")
        if size > self._max_size:
            raise GrpcError(
                _RESOURCE_EXHAUSTED, "message of %d bytes, limit %d" % (size, self._max_size)
            )
        end = _PREFIX_SIZE + size
        if len(received) < end:
            return None
        message = bytes(memoryview(received)[_PREFIX_SIZE:end])
        received[:end] = b""  # in place: MicroPython has no `del received[:end]`
        return message


def single_message(body):
    """The one message that is the whole `body` of a unary answer, as bytes.

    GrpcError INTERNAL when the body holds less or more, UNIMPLEMENTED when it is compressed.
    """
    if len(body) >= _PREFIX_SIZE and body[0]:
        raise GrpcError(_UNIMPLEMENTED, "compressed message without grpc-encoding")
    message = bytes(memoryview(body)[_PREFIX_SIZE:])
    if body[:_PREFIX_SIZE] != message_prefix(len(message)):
        raise GrpcError(_INTERNAL, "the answer is not exactly one message")
    return message


def percent_decode(data):
    """grpc-message as text: `%XX` are bytes of UTF-8; what is malformed is kept as it came."""
    parts = bytes(data).split(b"%")
    out = bytearray(parts[0])
    for part in parts[1:]:
        try:
            out.append(int(str(part[:2], "ascii"), 16))
            out.extend(part[2:])
        except (ValueError, UnicodeError):
            out.extend(b"%" + part)
    try:
        return str(out, "utf-8")
    except UnicodeError:
        return repr(bytes(out))


def call_headers(path, authority, scheme, token, extra):
    """The request headers of a call, as (name, value) pairs of bytes, pseudo-headers first.

    `token` is a bearer token or None; `extra` is metadata as (name, value) pairs of str or bytes.
    """
    headers = [
        (b":method", b"POST"),
        (b":scheme", _bytes(scheme)),
        (b":path", _bytes(path)),
        (b":authority", _bytes(authority)),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
    ]
    if token:
        headers.append((b"authorization", b"Bearer " + _bytes(token)))
    for name, value in extra:
        headers.append((_bytes(name), _bytes(value)))
    return headers


def _bytes(text):
    return text.encode() if isinstance(text, str) else text


def final_status(http_status, grpc_status, grpc_message):
    """`(status, message)` that ends a call, from what the answer said.

    `grpc_status` and `grpc_message` are the header values as bytes, or None when there was none.
    OK comes only of HTTP 200 with grpc-status 0.
    """
    message = percent_decode(grpc_message) if grpc_message else ""
    if grpc_status is not None:
        if not grpc_status.isdigit():
            return _UNKNOWN, "grpc-status is not a number"
        status = int(grpc_status)
        if status or http_status == 200:
            return status, message
    if http_status == 200:
        return _UNKNOWN, "the answer ended without grpc-status"
    status = _UNKNOWN
    for at in range(0, len(_STATUS_BY_HTTP), 2):
        if _STATUS_BY_HTTP[at] == (http_status or 0) - 400:
            status = _STATUS_BY_HTTP[at + 1]
    return status, "HTTP status %s" % http_status
