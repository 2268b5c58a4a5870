"""The client's end of an HTTP/2 connection that carries gRPC calls (RFC 9113).

No I/O and no clock: `receive` takes what came, `outgoing` holds control bytes to send.  The driver
sends `outgoing` before DATA, never inside a DATA frame, and empties it in place.
"""

from struct import pack, unpack_from

from micropython import const

from microserver.wire.grpc import Call, WireError, require
from microserver.wire.hpack import HeaderCodec

_DATA = const(0)
_HEADERS = const(1)
_RST_STREAM = const(3)
_SETTINGS = const(4)
_PING = const(6)
_GOAWAY = const(7)
_WINDOW_UPDATE = const(8)
_CONTINUATION = const(9)
_OF_A_CALL = const(b"\x00\x01\x03\x09")  # frames that are part of one

# Per kind of frame: the size that its payload must have, 0 for any, plus bits that forbid it on
# stream 0 (the connection as a whole) or on others.  PUSH_PROMISE is forbidden on both.
_SIZE = const(0x0F)
_NOT_ON_CONNECTION = const(0x10)
_NOT_ON_STREAM = const(0x20)
_RULES = const(b"\x10\x10\x10\x14\x20\x30\x28\x20\x04\x10")
_HEADER_SIZE = const(9)
_END_STREAM = const(1)
_ACK = const(1)
_END_HEADERS = const(4)
_PADDED = const(8)
_PADDED_OR_PRIORITY = const(0x28)
_PROTOCOL_ERROR = const(1)
_INTERNAL_ERROR = const(2)
_FLOW_CONTROL_ERROR = const(3)
_FRAME_SIZE_ERROR = const(6)
_REFUSED_STREAM = const(7)
_CANCEL = const(8)
_ENHANCE_YOUR_CALM = const(11)
_RESOURCE_EXHAUSTED = const(8)  # of gRPC

# Limits, named for the attack that they stop.
_HEADER_BOMB_BYTES = const(4096)  # a header block with its CONTINUATIONs, or another control frame
_FRAME_FLOOD = const(2000)  # frames since an answer last made progress: PING, SETTINGS, RST, ...
_ANSWER_FLOOD_BYTES = const(8192)  # acknowledgements that the peer does not read
_LARGEST_WINDOW = const(0x7FFFFFFF)
_WINDOW_STEP = const(16384)  # received bytes per WINDOW_UPDATE of the connection
_MAX_FRAME = const(16384)  # the smallest limit a peer may be given
_LAST_STREAM = const(0x3FFFFFFF)  # half of what the protocol allows: still a small int

# The preface, then SETTINGS: no push, header lists of 4096 bytes, and the initial window, whose
# value follows.  A stream's window is what an answer may have; only padding is given back.
_PREFACE = const(
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\4\0\0\0\0\0\0\2\0\0\0\0\0\6\0\0\x10\0\0\4"
)
_WANTED = const(b":status grpc-status grpc-message date")


def frame_header(size, kind, flags, stream):
    """The nine bytes in front of a frame's payload of `size` bytes."""
    return pack(">IBI", size << 8 | kind, flags, stream)


class Http2Client:
    """A connection that opens calls.  The answer of each may be `max_body` bytes long.

    What has no underscore and no docstring is for `http2_control.py`.
    """

    closed = False
    goaway = None  # (error code, last stream that the peer processes)

    def __init__(self, scheme, authority, max_body=8192):
        """`scheme` ("http" or "https") and `authority` (host:port) are those of every call."""
        self.outgoing = bytearray(_PREFACE + pack(">I", max_body + 1))
        self.window = self.initial_window = 65535  # the RFC's default
        self.max_calls = 100  # until the peer says how many
        self.calls = {}
        self.codec = HeaderCodec(scheme, authority, _WANTED)
        self._max_body = max_body
        self._next = 1  # stream of the next call
        self._head = bytearray(_HEADER_SIZE)  # of the frame that is being received
        self._have = 0  # bytes of the header that are there; all: the payload comes
        self._kind = None  # None before the first, which must be SETTINGS
        self._flags = 0  # of a header block those of its first frame, and END_HEADERS
        self._stream = 0
        self._left = 0  # bytes of the payload that are still to come
        self._padding = 0  # at the end of DATA; -1: its length comes first
        self._data = bytearray()  # payload of others than DATA; a whole header block
        self._block = 0  # the stream whose header block CONTINUATION must go on with
        self._frames = 0  # since the last progress
        self._received = 0  # bytes of DATA that no WINDOW_UPDATE gave back yet

    def open_call(self, path, token=None, extra=()):
        """A new `Call`, its HEADERS queued; `extra` is metadata: (name, value) pairs of str.

        WireError with code REFUSED_STREAM (7) when no further call is possible, at least now.
        """
        stream = self._next
        full = len(self.calls) >= self.max_calls or stream > _LAST_STREAM
        require(not (full or self.closed or self.goaway), _REFUSED_STREAM)
        call = self.calls[stream] = Call(stream, self.initial_window)
        self._next = stream + 2
        self._frames = 0
        self._write(_HEADERS, stream, self.codec.encode(path, token, extra), _END_HEADERS)
        return call

    def sendable(self, call):
        """How many bytes of DATA may be sent now."""
        if call.done or call.ended_sending:
            return 0
        return max(0, min(self.window, call.window, _MAX_FRAME))

    def data_header(self, call, size, end):
        """The header of a DATA frame, maybe the `end`, whose `size` bytes the caller sends next.

        WireError with code INTERNAL_ERROR (2) when `size` is more than `sendable`.
        """
        ended = call.done or call.ended_sending
        require(not ended and size <= self.sendable(call), _INTERNAL_ERROR)
        self.window -= size
        call.window -= size
        call.ended_sending = end
        return frame_header(size, _DATA, end, call.id)

    def cancel(self, call):
        """Give the call up with RST_STREAM, unless it is done."""
        if not call.done:
            self._write(_RST_STREAM, call.id, pack(">I", _CANCEL))
            self.finish(call, _CANCEL)

    def receive(self, data):
        """Take received bytes (any buffer, split anywhere).  WireError when the connection cannot
        go on; a GOAWAY is in `outgoing` then."""
        data = memoryview(data)
        at = 0
        try:
            while at < len(data) and not self.closed:
                at = self._read(data, at)
        except WireError as error:
            self.closed = True
            self._write(_GOAWAY, 0, pack(">II", 0, error.code))
            require(False, error.code, "%s, frame type %s, code" % (error, self._kind))

    def _read(self, data, at):
        # What `data` has from `at` on of a frame's header or payload; returns its end.
        if self._have < _HEADER_SIZE:
            end = min(at + _HEADER_SIZE - self._have, len(data))
            for index in range(at, end):
                self._head[self._have] = data[index]
                self._have += 1
            if self._have == _HEADER_SIZE:
                self._begin()
        else:
            end = min(at + self._left, len(data))
            self._left -= end - at
            if self._kind == _DATA:
                self._take(data[at:end])
            elif self._kind <= _CONTINUATION:
                self._data.extend(data[at:end])
        if self._have == _HEADER_SIZE and not self._left:
            self._have = 0
            end_frame = self._end if self._kind in _OF_A_CALL else self._control
            end_frame(self._kind, self._flags, self._data)
        return end

    def _begin(self):
        # A frame's header is there: is the frame allowed?
        size, flags, stream = unpack_from(">IBI", self._head)  # as frame_header
        size, kind = size >> 8, size & 255
        stream &= _LARGEST_WINDOW
        alien = self._kind is None and (kind != _SETTINGS or flags & _ACK)
        require(not alien, _PROTOCOL_ERROR, "the peer does not speak HTTP/2: error")
        self._kind = kind
        require(size <= _MAX_FRAME, _FRAME_SIZE_ERROR)
        require(self._block == (stream if kind == _CONTINUATION else 0), _PROTOCOL_ERROR)
        if kind == _DATA:
            self._padding = -1 if flags & _PADDED else 0
            self._received += size
        elif kind == _CONTINUATION:
            flags = self._flags | flags & _END_HEADERS
        else:
            self._data[:] = b""
        if kind <= _CONTINUATION:
            rule = _RULES[kind]
            wrong = rule & (_NOT_ON_STREAM if stream else _NOT_ON_CONNECTION)
            require(not wrong, _PROTOCOL_ERROR)
            require(not rule & _SIZE or rule & _SIZE == size, _FRAME_SIZE_ERROR)
            require(not kind or len(self._data) + size <= _HEADER_BOMB_BYTES, _ENHANCE_YOUR_CALM)
        self._flags = flags
        self._stream = stream
        self._left = size
        self._frames += 1
        flood = self._frames > _FRAME_FLOOD or len(self.outgoing) > _ANSWER_FLOOD_BYTES
        require(not flood, _ENHANCE_YOUR_CALM)

    def _take(self, data):
        # A piece of DATA, with what padding it has.
        if self._padding < 0:
            self._padding = data[0]
            data = data[1:]
            require(self._padding <= self._left + len(data), _PROTOCOL_ERROR)
        size = len(data) + min(0, self._left - self._padding)
        call = self._call()
        if call and size > 0:
            self._frames = 0
            if len(call.body) + size <= self._max_body:
                call.body.extend(data[:size])
            else:
                call.body = b""
                call.grpc_status = _RESOURCE_EXHAUSTED
                call.grpc_message = "answer over %d bytes" % self._max_body
                self.cancel(call)

    def _end(self, kind, flags, data):
        # The end of a frame of a stream; of a header block only with its last frame.
        call = self._call()
        if kind == _DATA:
            if self._received >= _WINDOW_STEP:
                self._write(_WINDOW_UPDATE, 0, pack(">I", self._received))
                self._received = 0
            if call and flags & _PADDED:  # only the message may use the stream's window up
                self._write(_WINDOW_UPDATE, call.id, pack(">I", self._padding + 1))
            if call and flags & _END_STREAM:
                self._finish(call, {})
        elif kind == _RST_STREAM:
            if call:
                self.finish(call, unpack_from(">I", data)[0])
        else:
            if kind == _HEADERS and flags & _PADDED_OR_PRIORITY:
                from microserver.wire import http2_control

                http2_control.strip(data, flags)
            self._block = 0 if flags & _END_HEADERS else self._stream
            if not self._block:
                headers = self.codec.decode(data)
                if call:
                    self._headers(call, headers, flags & _END_STREAM)

    def _control(self, kind, flags, data):
        # The end of a frame of the connection, or one that widens a window.
        if kind == _PING:
            if not flags & _ACK:
                self._write(_PING, 0, data, _ACK)
        elif kind == _WINDOW_UPDATE:
            value = unpack_from(">I", data)[0] & _LARGEST_WINDOW
            require(value, _PROTOCOL_ERROR)
            end = self._call() if self._stream else self
            if end:
                end.window += value
                require(end.window <= _LARGEST_WINDOW, _FLOW_CONTROL_ERROR)
        elif kind == _SETTINGS and flags & _ACK:
            require(not data, _FRAME_SIZE_ERROR)
        elif kind <= _GOAWAY:
            from microserver.wire import http2_control

            if kind == _GOAWAY:
                http2_control.go_away(self, data)
            elif kind == _SETTINGS:
                http2_control.apply_settings(self, data)
                self._write(_SETTINGS, 0, b"", _ACK)

    def _write(self, kind, stream, data, flags=0):
        self.outgoing.extend(frame_header(len(data), kind, flags, stream))
        self.outgoing.extend(data)

    def finish(self, call, code):
        call.reset_code = code
        call.refused = code == _REFUSED_STREAM
        call.done = True
        self.calls.pop(call.id)

    def _call(self):
        # The open call of this frame; None when it is over, WireError when it never was.
        require(self._stream & 1 and self._stream < self._next, _PROTOCOL_ERROR)
        return self.calls.get(self._stream)

    def _headers(self, call, headers, end):
        self._frames = 0
        if call.http_status is None:
            status = headers.get(b":status", b"")
            status = int(status) if status.isdigit() else 0
            if 100 <= status < 200:
                return  # the answer proper follows
            call.http_status = status
            call.date = headers.get(b"date")
            if not end:
                return
        require(end, _PROTOCOL_ERROR)  # these are the trailers
        self._finish(call, headers)

    def _finish(self, call, headers):
        call.conclude(headers)
        if call.ended_sending:
            self.finish(call, None)
        else:
            self.cancel(call)  # RFC 9113, 8.1: the rest of the request is not wanted
