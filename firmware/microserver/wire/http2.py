"""The client's end of an HTTP/2 connection that carries gRPC calls (RFC 9113).

No I/O and no clock: `receive` takes what came, `outgoing` holds control bytes to send.  The driver
sends `outgoing` before DATA, never inside a DATA frame, and empties it in place.
"""

from micropython import const

from microserver.wire.grpc import final_status, percent_decode
from microserver.wire.hpack import Decoder, Encoder
from microserver.wire.http2_frames import FrameReader, Http2Error, frame_header, require
from microserver.wire.varint import WireError

_DATA = const(0)
_HEADERS = const(1)
_RST_STREAM = const(3)
_SETTINGS = const(4)
_PUSH_PROMISE = const(5)
_PING = const(6)
_GOAWAY = const(7)
_WINDOW_UPDATE = const(8)
_STREAM_FRAMES = const(b"\x00\x01\x03")

_END_STREAM = const(1)
_ACK = const(1)
_END_HEADERS = const(4)
_PADDED = const(8)

_PROTOCOL_ERROR = const(1)
_INTERNAL_ERROR = const(2)
_FLOW_CONTROL_ERROR = const(3)
_FRAME_SIZE_ERROR = const(6)
_REFUSED_STREAM = const(7)
_CANCEL = const(8)
_COMPRESSION_ERROR = const(9)

_GRPC_RESOURCE_EXHAUSTED = const(8)

_DEFAULT_WINDOW = const(65535)
_LARGEST_WINDOW = const(0x7FFFFFFF)
_WINDOW_STEP = const(16384)  # received bytes per WINDOW_UPDATE of the connection
_MAX_FRAME = const(16384)
_LAST_STREAM = const(0x3FFFFFFF)  # half of what the protocol allows: still a small int
_WANTED = const((b":status", b"grpc-status", b"grpc-message", b"date"))

# The preface, then SETTINGS: no push, header lists of 4096 bytes, and the initial window, whose
# value follows.  A stream's window is what an answer may have, so that only padding
# needs to be given back.
_PREFACE = const(
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\4\0\0\0\0\0\0\2\0\0\0\0\0\6\0\0\x10\0\0\4"
)


class Call:
    """One request and its answer; a driver reads it, only the connection changes it."""

    def __init__(self, stream, window):
        self.id = stream
        self.window = window  # how many DATA bytes the peer takes on this stream
        self.http_status = None
        self.grpc_status = None  # int, once the answer ended or was too large
        self.grpc_message = ""
        self.headers = {}  # "date" (str) when the answer has it
        self.body = bytearray()  # length-prefixed messages
        self.done = False  # nothing more comes: END_STREAM, reset, or GOAWAY before this call
        self.ended_sending = False
        self.reset_code = None  # HTTP/2 error code when either end reset the stream
        self.refused = False  # the peer has surely not processed the call


class Connection(FrameReader):
    """What both ends of a connection do: settings, windows, PING, GOAWAY, header compression.

    A subclass has `_call(stream)`, `_headers(call, headers, ended)` and `_ended(call, trailers)`.
    """

    def __init__(self, max_body, wanted):
        super().__init__()
        self.closed = False
        self.goaway = None  # (error code, last stream that the peer processes)
        self._max_body = max_body
        self._calls = {}
        self._encoder = Encoder()
        self._decoder = Decoder(wanted)
        self._window = self._initial_window = _DEFAULT_WINDOW
        self._max_calls = 100

    def receive(self, data):
        """Take received bytes (any buffer, split anywhere).

        Http2Error when the connection cannot go on; a GOAWAY is in `outgoing` then.
        """
        view = memoryview(data)
        try:
            while len(view) and not self.closed:
                view = self._read(view)
        except WireError as error:  # of HPACK, or an Http2Error
            self.closed = True
            code = getattr(error, "code", _COMPRESSION_ERROR)
            self._queue(_GOAWAY, 0, 0, b"\0\0\0\0" + code.to_bytes(4, "big"))
            raise Http2Error(code, "%s, frame type %s" % (error, self._kind))

    def sendable(self, call):
        """How many bytes of DATA may be sent now."""
        if call.done or call.ended_sending:
            return 0
        return max(0, min(self._window, call.window, _MAX_FRAME))

    def data_header(self, call, size, end_stream):
        """The header of a DATA frame whose `size` bytes the caller sends next.

        Http2Error INTERNAL_ERROR (2) when `size` is more than `sendable`.
        """
        allowed = not (call.done or call.ended_sending)
        require(allowed and (not size or size <= self.sendable(call)), _INTERNAL_ERROR)
        self._window -= size
        call.window -= size
        call.ended_sending = end_stream
        return frame_header(size, _DATA, _END_STREAM if end_stream else 0, call.id)

    def cancel(self, call, code=_CANCEL):
        """Give the call up with RST_STREAM, unless it is done."""
        if not call.done:
            self._queue(_RST_STREAM, 0, call.id, code.to_bytes(4, "big"))
            self._close(call, code)

    def _queue(self, kind, flags, stream, payload):
        self.outgoing.extend(frame_header(len(payload), kind, flags, stream))
        self.outgoing.extend(payload)

    def _close(self, call, reset_code):
        call.reset_code = reset_code
        call.done = True
        self._calls.pop(call.id)

    def _data(self, stream, view):
        call = self._call(stream)
        if call:
            self._frames = 0
            if len(call.body) + len(view) > self._max_body:
                call.body = bytearray()
                call.grpc_status = _GRPC_RESOURCE_EXHAUSTED
                call.grpc_message = "answer over %d bytes" % self._max_body
                self.cancel(call)
            else:
                call.body.extend(view)

    def _frame(self, kind, flags, stream, payload):
        if kind in _STREAM_FRAMES:
            self._stream_frame(kind, flags, self._call(stream), payload)
        elif kind == _SETTINGS:
            if flags & _ACK:
                require(not payload, _FRAME_SIZE_ERROR)
            else:
                require(not len(payload) % 6, _FRAME_SIZE_ERROR)
                self._apply_settings(payload)
                self._queue(_SETTINGS, _ACK, 0, b"")
        elif kind == _PING:
            require(len(payload) == 8, _FRAME_SIZE_ERROR)
            if not flags & _ACK:
                self._queue(_PING, _ACK, 0, payload)
        elif kind == _GOAWAY:
            require(len(payload) >= 8, _FRAME_SIZE_ERROR)
            last = _u32(payload, 0) & _LARGEST_WINDOW
            self.goaway = (_u32(payload, 4), last)
            for call in list(self._calls.values()):
                if call.id > last:
                    call.refused = True
                    self._close(call, _REFUSED_STREAM)
        elif kind == _WINDOW_UPDATE:
            require(len(payload) == 4, _FRAME_SIZE_ERROR)
            increment = _u32(payload, 0) & _LARGEST_WINDOW
            require(increment, _PROTOCOL_ERROR)
            if not stream:
                self._window = _widened(self._window, increment)
            elif call := self._call(stream):
                call.window = _widened(call.window, increment)
        else:
            require(kind != _PUSH_PROMISE, _PROTOCOL_ERROR)

    def _stream_frame(self, kind, flags, call, payload):
        if kind == _DATA:
            if self._received >= _WINDOW_STEP:
                self._queue(_WINDOW_UPDATE, 0, 0, self._received.to_bytes(4, "big"))
                self._received = 0
            if call and flags & _PADDED:  # only the message may use the stream's window up
                back = (self._padding + 1).to_bytes(4, "big")
                self._queue(_WINDOW_UPDATE, 0, call.id, back)
            if call and flags & _END_STREAM:
                self._ended(call, {})
        elif kind == _HEADERS:
            headers = self._decoder.decode(payload)
            if call:
                self._frames = 0
                self._headers(call, headers, flags & _END_STREAM)
        elif kind == _RST_STREAM:
            require(len(payload) == 4, _FRAME_SIZE_ERROR)
            if call:
                code = _u32(payload, 0)
                call.refused = code == _REFUSED_STREAM
                self._close(call, code)

    def _apply_settings(self, payload):
        for at in range(0, len(payload), 6):
            name = payload[at] << 8 | payload[at + 1]
            value = _u32(payload, at + 2)
            if name == 1:
                self._encoder.set_limit(value)
            elif name == 3:
                self._max_calls = value
            elif name == 4:
                change = _widened(value, 0) - self._initial_window
                self._initial_window = value
                for call in self._calls.values():
                    call.window = _widened(call.window, change)
            elif name == 5:
                require(_MAX_FRAME <= value <= 0xFFFFFF, _PROTOCOL_ERROR)


def _u32(data, at):
    return int.from_bytes(data[at : at + 4], "big")


def _widened(window, increment):
    require(window + increment <= _LARGEST_WINDOW, _FLOW_CONTROL_ERROR)
    return window + increment


class Http2Client(Connection):
    """A connection that opens calls.  The answer of each may be `max_body` bytes long."""

    def __init__(self, max_body=8192):
        super().__init__(max_body, _WANTED)
        self._next_id = 1
        self.outgoing.extend(_PREFACE + (max_body + 1).to_bytes(4, "big"))

    def open_call(self, headers):
        """A new `Call`, its HEADERS queued; `headers` as of `grpc.call_headers`.

        Http2Error REFUSED_STREAM (7) when this connection takes no further call, at least now.
        """
        calls = self._calls
        number = self._next_id
        full = len(calls) >= self._max_calls or number > _LAST_STREAM
        require(not (full or self.closed or self.goaway), _REFUSED_STREAM)
        call = calls[number] = Call(number, self._initial_window)
        self._next_id = number + 2
        self._frames = 0
        self._queue(_HEADERS, _END_HEADERS, number, self._encoder.encode(headers))
        return call

    def _call(self, stream):
        """The open call of `stream`; None when it is over, Http2Error when it never was."""
        require(stream & 1 and stream < self._next_id, _PROTOCOL_ERROR)
        return self._calls.get(stream)

    def _headers(self, call, headers, ended):
        if call.http_status is None:
            status = headers.get(b":status", b"")
            status = int(status) if status.isdigit() else 0
            if 100 <= status < 200:
                return  # the answer proper follows
            call.http_status = status
            if b"date" in headers:
                call.headers["date"] = percent_decode(headers[b"date"])
            if not ended:
                return
        require(ended, _PROTOCOL_ERROR)  # these are the trailers
        self._ended(call, headers)

    def _ended(self, call, trailers):
        call.grpc_status, call.grpc_message = final_status(
            call.http_status, trailers.get(b"grpc-status"), trailers.get(b"grpc-message")
        )
        if call.ended_sending:
            self._close(call, None)
        else:
            self.cancel(call)  # RFC 9113, 8.1: the rest of the request is not wanted
