"""A gRPC call: its message framing, its state, and the two errors that it may end in.

No I/O and no clock.  https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from micropython import const

_PREFIX_SIZE = const(5)  # compressed flag, then the length as four big-endian bytes
_INTERNAL = const(13)


class WireError(ValueError):
    """The bytes are not what the protocol allows; nothing of them can be trusted.

    `code` is HTTP/2's error code (RFC 9113, 7), for a connection that ends with it.
    """

    code = 9  # COMPRESSION_ERROR: HPACK raises this without a code


def require(value, code, message="HTTP/2 error"):
    """WireError with HTTP/2's error `code` unless `value` is true."""
    if not value:
        error = WireError("%s %d" % (message, code))
        error.code = code
        raise error


class GrpcError(Exception):
    """The call ended with another status than OK: `status` (int) and `message` (str)."""

    def __init__(self, status, message):
        from microserver.wire import grpc_status  # most boards run without an error for long

        super().__init__("%s: %s" % (grpc_status.name(status), message))
        self.status = status
        self.message = message


class Call:
    """One request and its answer; a driver reads it, only the connection changes it."""

    http_status = None
    grpc_status = None  # int, once the answer ended or was too large
    grpc_message = ""
    date = None  # bytes, when the answer has that header
    done = False  # nothing more comes: END_STREAM, reset, or GOAWAY before this call
    ended_sending = False
    reset_code = None  # HTTP/2 error code when either end reset the stream
    refused = False  # the peer has surely not processed the call

    def __init__(self, stream, window):
        self.id = stream
        self.window = window  # how many DATA bytes the peer takes on this stream
        self.body = bytearray()  # length-prefixed messages

    def conclude(self, headers):
        """Set the status from what `headers` (of bytes), or trailers, say of it."""
        status = headers.get(b"grpc-status")
        message = headers.get(b"grpc-message")
        if self.http_status == 200 and status == b"0" and not message:
            self.grpc_status = 0
        else:
            from microserver.wire.grpc_status import final_status

            status = final_status(self.http_status, status, message)
            self.grpc_status, self.grpc_message = status


def message_prefix(size):
    """The five bytes in front of an uncompressed message of `size` bytes."""
    return b"\0" + size.to_bytes(4, "big")


def single_message(body):
    """A view of the one message that is the whole `body` of a unary answer.

    GrpcError INTERNAL when the body holds less or more, or something compressed.
    """
    message = memoryview(body)[_PREFIX_SIZE:]
    if body[:_PREFIX_SIZE] != message_prefix(len(message)):
        raise GrpcError(_INTERNAL, "not exactly one message")
    return message
