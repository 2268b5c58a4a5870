"""HTTP/2 framing (RFC 9113, 4): received bytes in, whole small frames and pieces of DATA out."""

from micropython import const

from microserver.wire.varint import WireError

_HEADER_SIZE = const(9)
_MAX_FRAME = const(16384)  # the smallest limit a peer may be given
_PRIORITY_SIZE = const(5)

_DATA = const(0)
_HEADERS = const(1)
_SETTINGS = const(4)
_WINDOW_UPDATE = const(8)
_CONTINUATION = const(9)
_CONNECTION_FRAMES = const(b"\x04\x06\x07")  # SETTINGS, PING, GOAWAY: on stream 0 only

_ACK = const(1)
_END_HEADERS = const(4)
_PADDED = const(8)
_WITH_PRIORITY = const(0x20)

_PROTOCOL_ERROR = const(1)
_FRAME_SIZE_ERROR = const(6)
_ENHANCE_YOUR_CALM = const(11)

# Limits, named for the attack that they stop.
_HEADER_BOMB_BYTES = const(4096)  # a header block with its CONTINUATIONs, or another control frame
_FRAME_FLOOD = const(2000)  # frames since an answer last made progress: PING, SETTINGS, RST, ...
_ANSWER_FLOOD_BYTES = const(8192)  # acknowledgements that the peer does not read


class Http2Error(WireError):
    """The connection cannot go on; `code` is HTTP/2's error code (RFC 9113, 7)."""

    def __init__(self, code, message=""):
        super().__init__(message or "HTTP/2 error %d" % code)
        self.code = code


def require(condition, code):
    """Http2Error with `code` unless the peer kept to the rule."""
    if not condition:
        raise Http2Error(code)


def frame_header(size, kind, flags, stream):
    """The nine bytes in front of a frame's payload of `size` bytes."""
    return size.to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")


class FrameReader:
    """Splits a byte stream into frames.  A subclass has `_data(stream, view)` for each piece of
    DATA, and `_frame(kind, flags, stream, payload)` at the end of each frame: of a header block
    only the last, with the whole block and the flags of its first frame.  `payload` is reused."""

    def __init__(self):
        self.outgoing = bytearray()
        self._head = bytearray(_HEADER_SIZE)
        self._have = 0  # bytes of the frame header that are there; all: the payload comes
        self._kind = None  # of the frame; None before the first, which must be SETTINGS
        self._stream = 0
        self._left = 0  # bytes of the payload
        self._padding = 0  # at the end of DATA; -1: its length comes first
        self._payload = bytearray()  # of frames other than DATA
        self._flags = 0  # of the frame that began the header block
        self._block = 0  # the stream whose header block CONTINUATION must go on with
        self._frames = 0  # since the last progress
        self._received = 0  # bytes of DATA that no WINDOW_UPDATE gave back yet

    def _read(self, view):
        """Take a piece of a frame header or of one payload; returns the rest of `view`."""
        have = self._have
        if have < _HEADER_SIZE:
            count = min(_HEADER_SIZE - have, len(view))
            self._have += count
            self._head[have : have + count] = view[:count]
            if self._have == _HEADER_SIZE:
                self._begin(self._head)
        else:
            count = min(self._left, len(view))
            self._left -= count
            self._piece(view[:count])
        if self._have == _HEADER_SIZE and not self._left:
            self._have = 0
            self._end(self._head[4])
        return view[count:]

    def _begin(self, head):
        kind = head[3]
        if self._kind is None and (kind != _SETTINGS or head[4] & _ACK):
            raise Http2Error(_PROTOCOL_ERROR, "the peer does not speak HTTP/2")
        self._kind = kind
        self._left = size = int.from_bytes(head[:3], "big")
        self._stream = stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
        require(size <= _MAX_FRAME, _FRAME_SIZE_ERROR)
        if kind < _WINDOW_UPDATE or kind == _CONTINUATION:
            require(bool(stream) != (kind in _CONNECTION_FRAMES), _PROTOCOL_ERROR)
        require(self._block == (stream if kind == _CONTINUATION else 0), _PROTOCOL_ERROR)
        if kind == _DATA:
            self._padding = -1 if head[4] & _PADDED else 0
            self._received += size
        elif kind <= _CONTINUATION:
            if kind < _CONTINUATION:
                self._payload[:] = b""
            require(len(self._payload) + size <= _HEADER_BOMB_BYTES, _ENHANCE_YOUR_CALM)
        self._frames += 1
        flooded = self._frames > _FRAME_FLOOD or len(self.outgoing) > _ANSWER_FLOOD_BYTES
        require(not flooded, _ENHANCE_YOUR_CALM)

    def _piece(self, view):
        if self._kind:
            if self._kind <= _CONTINUATION:
                self._payload.extend(view)
            return
        if self._padding < 0:
            self._padding = view[0]
            view = view[1:]
            require(self._padding <= self._left + len(view), _PROTOCOL_ERROR)
        count = len(view) + min(0, self._left - self._padding)
        if count > 0:
            self._data(self._stream, view[:count])

    def _end(self, flags):
        kind = self._kind
        if kind == _HEADERS:
            self._flags = flags
            self._strip(self._payload, flags)
        if kind in (_HEADERS, _CONTINUATION):
            self._block = 0 if flags & _END_HEADERS else self._stream
            if self._block:
                return
            kind = _HEADERS
            flags = self._flags
        self._frame(kind, flags, self._stream, self._payload)

    def _strip(self, payload, flags):
        """Leave of a HEADERS payload only the header block."""
        start = padding = 0
        if flags & _PADDED:
            start = 1
            padding = payload[0] if payload else 1
        if flags & _WITH_PRIORITY:
            start += _PRIORITY_SIZE
        end = len(payload) - padding
        require(end >= start, _PROTOCOL_ERROR)
        payload[:] = payload[start:end]
