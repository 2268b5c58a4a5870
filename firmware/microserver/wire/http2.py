"""The client's end of an HTTP/2 connection that carries gRPC calls (RFC 9113).

No I/O and no clock: `receive` takes what came, `outgoing` holds control bytes to send.  The driver
sends `outgoing` before DATA, never inside a DATA frame, and empties it in place.
"""

from micropython import const

from microserver.wire.grpc import final_status, percent_decode
from microserver.wire.hpack import Decoder, Encoder
from microserver.wire.http2_frames import FrameReader, Http2Error, frame_header
from microserver.wire.varint import WireError

_DATA = const(0)
_HEADERS = const(1)
_RST_STREAM = const(3)
_SETTINGS = const(4)
_PUSH_PROMISE = const(5)
_PING = const(6)
_GOAWAY = const(7)
_WINDOW_UPDATE = const(8)

_END_STREAM = const(1)
_ACK = const(1)
_END_HEADERS = const(4)

_PROTOCOL_ERROR = const(1)
_INTERNAL_ERROR = const(2)
_FLOW_CONTROL_ERROR = const(3)
_FRAME_SIZE_ERROR = const(6)
_REFUSED_STREAM = const(7)
_CANCEL = const(8)
_COMPRESSION_ERROR = const(9)

_GRPC_RESOURCE_EXHAUSTED = const(8)
_GRPC_INTERNAL = const(13)

_DEFAULT_WINDOW = const(65535)
_LARGEST_WINDOW = const(0x7FFFFFFF)
_WINDOW_STEP = const(16384)  # received bytes per WINDOW_UPDATE of the connection
_MAX_FRAME = const(16384)
_LAST_STREAM = const(0x3FFFFFFF)  # half of what the protocol allows: still a small int
_HEADER_LIST_SIZE = const(4096)
_WANTED = const((b":status", b"grpc-status", b"grpc-message", b"date"))


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

    A subclass has `_call(stream)`, `_headers(call, headers, ended)` and `_ended(call)`.
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
        self._unreported = 0  # received DATA bytes that no WINDOW_UPDATE gave back yet
        self._max_calls = 100

    def receive(self, data):
        """Take received bytes (any buffer, split anywhere).

        Http2Error when the connection cannot go on; a GOAWAY is in `outgoing` then.
        """
        view = memoryview(data)
        try:
            while len(view) and not self.closed:
                view = self._read(view)
        except WireError as error:
            self._fail(_COMPRESSION_ERROR, str(error))
        except Http2Error as error:
            self._fail(error.code, str(error))

    def sendable(self, call):
        """How many bytes of DATA may be sent now."""
        if call.done or call.ended_sending:
            return 0
        return max(0, min(self._window, call.window, _MAX_FRAME))

    def data_header(self, call, size, end_stream):
        """The header of a DATA frame whose `size` (<= `sendable`) bytes the caller sends next."""
        if call.done or call.ended_sending or (size and size > self.sendable(call)):
            raise ValueError("DATA that may not be sent")
        self._window -= size
        call.window -= size
        call.ended_sending = end_stream
        return frame_header(size, _DATA, _END_STREAM if end_stream else 0, call.id)

    def cancel(self, call, code=_CANCEL):
        """Give the call up with RST_STREAM, unless it is done."""
        if not call.done:
            call.reset_code = code
            self._reset(call.id, code)
            self._close(call)

    def _fail(self, code, message):
        self.closed = True
        self._queue(_GOAWAY, 0, 0, b"\0\0\0\0" + code.to_bytes(4, "big"))
        raise Http2Error(code, message)

    def _queue(self, kind, flags, stream, payload):
        self.outgoing.extend(frame_header(len(payload), kind, flags, stream))
        self.outgoing.extend(payload)

    def _reset(self, stream, code):
        self._queue(_RST_STREAM, 0, stream, code.to_bytes(4, "big"))

    def _close(self, call):
        call.done = True
        self._calls.pop(call.id)

    def _abort(self, call, code, status, message):
        """Reset a call whose answer is unusable, and give it a gRPC status."""
        call.body = bytearray()
        call.grpc_status = status
        call.grpc_message = message
        self.cancel(call, code)

    def _data(self, stream, view):
        call = self._call(stream)
        if call is None:
            return
        self._frames = 0
        if len(call.body) + len(view) > self._max_body:
            message = "more than %d bytes received" % self._max_body
            self._abort(call, _CANCEL, _GRPC_RESOURCE_EXHAUSTED, message)
        else:
            call.body.extend(view)

    def _frame(self, kind, flags, stream, payload):
        if kind == _DATA:
            self._count_received()
            call = self._call(stream)
            if call and flags & _END_STREAM:
                self._ended(call)
        elif kind == _HEADERS:
            headers = self._decoder.decode(payload)
            call = self._call(stream)
            if call:
                self._frames = 0
                self._headers(call, headers, flags & _END_STREAM)
        elif kind == _SETTINGS:
            if len(payload) % 6 or (flags & _ACK and payload):
                raise Http2Error(_FRAME_SIZE_ERROR, "SETTINGS of wrong size")
            if not flags & _ACK:
                self._apply_settings(payload)
                self._queue(_SETTINGS, _ACK, 0, b"")
        elif kind == _PING:
            _check_size(payload, 8)
            if not flags & _ACK:
                self._queue(_PING, _ACK, 0, payload)
        elif kind == _GOAWAY:
            self._go_away(payload)
        elif kind == _RST_STREAM:
            _check_size(payload, 4)
            self._was_reset(self._call(stream), _u32(payload, 0))
        elif kind == _WINDOW_UPDATE:
            _check_size(payload, 4)
            self._widen(stream, _u32(payload, 0) & _LARGEST_WINDOW)
        elif kind == _PUSH_PROMISE:
            raise Http2Error(_PROTOCOL_ERROR, "PUSH_PROMISE, which is switched off")

    def _count_received(self):
        self._unreported += self._size
        if self._unreported >= _WINDOW_STEP:
            self._queue(_WINDOW_UPDATE, 0, 0, self._unreported.to_bytes(4, "big"))
            self._unreported = 0

    def _apply_settings(self, payload):
        for at in range(0, len(payload), 6):
            name = payload[at] << 8 | payload[at + 1]
            value = _u32(payload, at + 2)
            if name == 1:
                self._encoder.set_limit(value)
            elif name == 3:
                self._max_calls = value
            elif name == 4:
                if value > _LARGEST_WINDOW:
                    raise Http2Error(_FLOW_CONTROL_ERROR, "initial window over 2**31-1")
                for call in self._calls.values():
                    call.window += value - self._initial_window
                    _check_window(call.window)
                self._initial_window = value
            elif name == 5 and not _MAX_FRAME <= value <= 0xFFFFFF:
                raise Http2Error(_PROTOCOL_ERROR, "frame size limit %d" % value)

    def _go_away(self, payload):
        if len(payload) < 8:
            raise Http2Error(_FRAME_SIZE_ERROR, "GOAWAY of wrong size")
        last = _u32(payload, 0) & _LARGEST_WINDOW
        self.goaway = (_u32(payload, 4), last)
        for stream in list(self._calls):
            if stream > last:
                self._was_reset(self._calls[stream], _REFUSED_STREAM)

    def _was_reset(self, call, code):
        if call:
            call.reset_code = code
            call.refused = code == _REFUSED_STREAM
            self._close(call)

    def _widen(self, stream, increment):
        call = self._call(stream) if stream else None
        if not increment:
            raise Http2Error(_PROTOCOL_ERROR, "WINDOW_UPDATE by 0")
        if call:
            call.window += increment
            _check_window(call.window)
        elif not stream:
            self._window += increment
            _check_window(self._window)


def _u32(data, at):
    return int.from_bytes(data[at : at + 4], "big")


def _check_size(payload, size):
    if len(payload) != size:
        raise Http2Error(_FRAME_SIZE_ERROR, "frame of wrong size")


def _check_window(window):
    if window > _LARGEST_WINDOW:
        raise Http2Error(_FLOW_CONTROL_ERROR, "window over 2**31-1")


class Http2Client(Connection):
    """A connection that opens calls.  The answer of each may be `max_body` bytes long."""

    def __init__(self, max_body=8192):
        super().__init__(max_body, _WANTED)
        self._next_id = 1
        self.outgoing.extend(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        # No push; a stream's window is what an answer may have, so that none ever needs widening.
        settings = b"\0\2\0\0\0\0\0\4" + (max_body + 1).to_bytes(4, "big")
        settings += b"\0\6" + _HEADER_LIST_SIZE.to_bytes(4, "big")
        self._queue(_SETTINGS, 0, 0, settings)

    def open_call(self, headers):
        """A new `Call`, its HEADERS queued; `headers` as of `grpc.call_headers`.

        Http2Error REFUSED_STREAM when this connection takes no further call, at least now.
        """
        if self.closed or self.goaway or self._next_id > _LAST_STREAM:
            raise Http2Error(_REFUSED_STREAM, "the connection is closing")
        if len(self._calls) >= self._max_calls:
            raise Http2Error(_REFUSED_STREAM, "the peer allows %d calls" % self._max_calls)
        block = self._encoder.encode(headers)
        if len(block) > _MAX_FRAME:
            self._fail(_INTERNAL_ERROR, "request headers too long")
        call = self._calls[self._next_id] = Call(self._next_id, self._initial_window)
        self._next_id += 2
        self._frames = 0
        self._queue(_HEADERS, _END_HEADERS, call.id, block)
        return call

    def _call(self, stream):
        """The open call of `stream`; None when it is over, Http2Error when it never was."""
        if not stream & 1 or stream >= self._next_id:
            raise Http2Error(_PROTOCOL_ERROR, "frame on idle stream %d" % stream)
        return self._calls.get(stream)

    def _headers(self, call, headers, ended):
        if call.http_status is None:
            status = headers.get(b":status", b"")
            if not status.isdigit():
                self._abort(call, _PROTOCOL_ERROR, _GRPC_INTERNAL, "answer without :status")
                return
            if status[:1] == b"1" and not ended:
                return  # 1xx: the answer proper follows
            call.http_status = int(status)
            if b"date" in headers:
                call.headers["date"] = percent_decode(headers[b"date"])
            if not ended:
                return
        elif not ended:
            self._abort(call, _PROTOCOL_ERROR, _GRPC_INTERNAL, "trailers that do not end")
            return
        self._ended(call, headers)

    def _ended(self, call, trailers=None):
        trailers = trailers or {}
        if call.http_status is None:
            self._abort(call, _PROTOCOL_ERROR, _GRPC_INTERNAL, "answer without headers")
            return
        call.grpc_status, call.grpc_message = final_status(
            call.http_status, trailers.get(b"grpc-status"), trailers.get(b"grpc-message")
        )
        if not call.ended_sending:
            self._reset(call.id, _CANCEL)  # RFC 9113, 8.1: the rest of the request is not wanted
        self._close(call)
