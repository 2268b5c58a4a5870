"""HTTP/2 framing (RFC 9113, 4): received bytes in, whole small frames and pieces of DATA out."""

from micropython import const

_HEADER_SIZE = const(9)
_MAX_FRAME = const(16384)  # the smallest limit a peer may be given
_PRIORITY_SIZE = const(5)

_DATA = const(0)
_HEADERS = const(1)
_SETTINGS = const(4)
_GOAWAY = const(7)
_WINDOW_UPDATE = const(8)
_CONTINUATION = const(9)
_CONNECTION_FRAMES = const(b"\x04\x06\x07")  # SETTINGS, PING, GOAWAY: on stream 0 only

_ACK = const(1)
_PADDED = const(8)
_WITH_PRIORITY = const(0x20)

_PROTOCOL_ERROR = const(1)
_FRAME_SIZE_ERROR = const(6)
_ENHANCE_YOUR_CALM = const(11)

# Limits, named for the attack that they stop.
_HEADER_BOMB_BYTES = const(4096)  # a header block, its CONTINUATION frames included
_BIG_SETTINGS_BYTES = const(512)  # one frame that is neither DATA nor a header block
_FRAME_FLOOD = const(2000)  # frames since an answer last made progress: PING, SETTINGS, RST, ...
_ANSWER_FLOOD_BYTES = const(8192)  # acknowledgements that the peer does not read


class Http2Error(Exception):
    """The connection cannot go on; `code` is HTTP/2's error code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def frame_header(size, kind, flags, stream):
    """The nine bytes in front of a frame's payload of `size` bytes."""
    return size.to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")


class FrameReader:
    """Splits a byte stream into frames.  A subclass has `_data(stream, view)` for each piece of
    DATA, and `_frame(kind, flags, stream, payload)` at the end of each frame (of a header block
    only the last, with the whole block and the flags of its first frame; payload is reused)."""

    def __init__(self):
        self.outgoing = bytearray()
        self._head = bytearray(_HEADER_SIZE)
        self._have = 0  # bytes of the frame header that are there; all: the payload comes
        self._size = self._left = 0  # of the payload
        self._padding = 0  # at the end of DATA; -1: its length comes first
        self._payload = bytearray()  # of frames other than DATA
        self._block_flags = 0
        self._block_stream = 0  # whose header block CONTINUATION must continue, 0: none
        self._greeted = False  # the first frame, which must be SETTINGS, has come
        self._frames = 0  # since the last progress

    def _read(self, view):
        """Take a piece of a frame header or of one payload; returns the rest of `view`."""
        if self._have < _HEADER_SIZE:
            count = min(_HEADER_SIZE - self._have, len(view))
            self._head[self._have : self._have + count] = view[:count]
            self._have += count
            if self._have == _HEADER_SIZE:
                self._begin()
        else:
            count = min(self._left, len(view))
            self._left -= count
            self._piece(view[:count])
        if self._have == _HEADER_SIZE and not self._left:
            self._have = 0
            self._end()
        return view[count:]

    def _begin(self):
        head = self._head
        kind = head[3]
        self._size = self._left = head[0] << 16 | head[1] << 8 | head[2]
        stream = self._stream()
        if not self._greeted and (kind != _SETTINGS or head[4] & _ACK):
            raise Http2Error(_PROTOCOL_ERROR, "the peer does not speak HTTP/2")
        self._greeted = True
        if self._left > _MAX_FRAME:
            raise Http2Error(_FRAME_SIZE_ERROR, "frame of %d bytes" % self._left)
        if kind != _WINDOW_UPDATE and kind <= _CONTINUATION:
            if (kind in _CONNECTION_FRAMES) == bool(stream):
                raise Http2Error(_PROTOCOL_ERROR, "frame %d on stream %d" % (kind, stream))
        if self._block_stream != (stream if kind == _CONTINUATION else 0):
            raise Http2Error(_PROTOCOL_ERROR, "header block interrupted")
        self._frames += 1
        if self._frames > _FRAME_FLOOD or len(self.outgoing) > _ANSWER_FLOOD_BYTES:
            raise Http2Error(_ENHANCE_YOUR_CALM, "flood of control frames")
        self._prepare(kind, head[4])

    def _prepare(self, kind, flags):
        payload = self._payload
        if kind == _DATA:
            self._padding = -1 if flags & _PADDED else 0
            return
        if kind != _CONTINUATION:
            payload[:] = b""
        if kind in (_HEADERS, _CONTINUATION):
            if len(payload) + self._left > _HEADER_BOMB_BYTES:
                raise Http2Error(_ENHANCE_YOUR_CALM, "header block too large")
        elif kind == _SETTINGS and self._left > _BIG_SETTINGS_BYTES:
            raise Http2Error(_ENHANCE_YOUR_CALM, "SETTINGS too large")

    def _stream(self):
        return int.from_bytes(self._head[5:9], "big") & 0x7FFFFFFF

    def _piece(self, view):
        if self._head[3]:
            self._keep(view)
            return
        if self._padding < 0:
            self._padding = view[0]
            view = view[1:]
            if self._padding >= self._size:
                raise Http2Error(_PROTOCOL_ERROR, "DATA is all padding")
        count = len(view) + min(0, self._left - self._padding)
        if count > 0:
            self._data(self._stream(), view[:count])

    def _keep(self, view):
        """Collect what is not DATA; of GOAWAY's debug text and unknown frames only the start."""
        room = _BIG_SETTINGS_BYTES
        if self._head[3] in (_HEADERS, _CONTINUATION):
            room = _HEADER_BOMB_BYTES
        self._payload.extend(view[: room - len(self._payload)])

    def _end(self):
        kind = self._head[3]
        flags = self._head[4]
        stream = self._stream()
        if kind == _HEADERS:
            self._block_flags = flags
            if flags & (_PADDED | _WITH_PRIORITY):
                self._strip(flags)
        if kind in (_HEADERS, _CONTINUATION):
            self._block_stream = 0 if flags & 4 else stream
            if self._block_stream:
                return
            kind = _HEADERS
            flags = self._block_flags
        self._frame(kind, flags, stream, self._payload)

    def _strip(self, flags):
        """Leave of a HEADERS payload only the header block."""
        payload = self._payload
        start = 1 if flags & _PADDED else 0
        end = len(payload) - (payload[0] if start and payload else 0)
        if flags & _WITH_PRIORITY:
            start += _PRIORITY_SIZE
        if end < start:
            raise Http2Error(_PROTOCOL_ERROR, "HEADERS is all padding")
        payload[:] = payload[start:end]
