"""A unary gRPC-Web call over HTTP/1.1: the request's head, and a parser of the response.

No I/O and no clock.  https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
"""

from micropython import const

from microserver.wire.grpc import Call, WireError

_RESOURCE_EXHAUSTED = const(8)
_INTERNAL = const(13)

# Limits, named for the attack that they stop.
_HEAD_BOMB_BYTES = const(4096)  # of head and chunk trailers together
_LONG_LINE_BYTES = const(2048)

# What the next line is.
_STATUS_LINE = const(0)
_HEADER = const(1)
_CHUNK_SIZE = const(2)
_CHUNK_END = const(3)
_TRAILER = const(4)

_ENDLESS = const(0x3FFFFFFF)  # body without a length: it ends with the gRPC trailers

_REQUEST = const(
    "POST %s HTTP/1.1\r\nhost: %s\r\ncontent-type: application/grpc-web+proto\r\n"
    "accept: application/grpc-web+proto\r\nx-grpc-web: 1\r\ncontent-length: %d\r\n"
)


def request_head(host, path, token, extra, content_length):
    """The head of a request whose body is `content_length` bytes, as bytes.

    `token` is a bearer token or None; `extra` is metadata as (name, value) pairs of str.
    """
    head = _REQUEST % (path, host, content_length)
    if token:
        head += "authorization: Bearer %s\r\n" % token
    for pair in extra:
        head += "%s: %s\r\n" % pair
    return (head + "\r\n").encode()


class Response(Call):
    """Parses one response, whose body may be `max_body` bytes.

    Once `done`, `grpc_status` (int) is set; when it is 0, `message` holds the answer's bytes.
    `date` is the header's bytes.
    """

    def __init__(self, max_body):
        self.message = b""
        self.keep_alive = False  # whether the connection may carry another request
        self._headers = {}
        self._body = bytearray()
        self._max_body = max_body
        self._expected = _STATUS_LINE
        self._line = bytearray()
        self._head_bytes = 0
        self._left = 0  # of the body or of a chunk
        self._chunked = False

    def receive(self, data):
        """Take received bytes (any buffer, split anywhere); WireError when they are not HTTP."""
        view = memoryview(data)
        while len(view) and not self.done:
            view = self._take_body(view) if self._left else self._take_line(view)
        if len(view):
            self.keep_alive = False  # more than the response: the connection is out of step

    def _take_line(self, view):
        end = 0
        while end < len(view) and view[end] != 10:
            end += 1
        self._line.extend(view[:end])
        if len(self._line) > _LONG_LINE_BYTES:
            raise WireError("HTTP line too long")
        if end == len(view):
            return view[end:]
        line = bytes(self._line).strip()
        self._line[:] = b""
        self._parse_line(line)
        return view[end + 1 :]

    def _take_body(self, view):
        count = min(len(view), self._left)
        if len(self._body) + count > self._max_body:
            message = "more than %d bytes received" % self._max_body
            self._give_up(_RESOURCE_EXHAUSTED, message)
            return view
        self._body.extend(view[:count])
        self._left -= count
        if self._left > _ENDLESS // 2:
            self._finish_if_whole()
        elif not self._left and not self._chunked:
            self._finish()
        return view[count:]

    def _parse_line(self, line):
        expected = self._expected
        if expected == _CHUNK_SIZE:
            self._start_chunk(line)
        elif expected == _CHUNK_END:
            if line:
                raise WireError("chunk longer than its size")
            self._expected = _CHUNK_SIZE
        elif expected == _STATUS_LINE:
            self._parse_status(line)
        else:
            self._head_bytes += len(line)
            if self._head_bytes > _HEAD_BOMB_BYTES:
                raise WireError("HTTP head too large")
            if line:
                self._parse_header(line)
            elif expected == _TRAILER:
                self._finish()
            else:
                self._start_body()

    def _parse_status(self, line):
        fields = line.split()
        if line[:7] != b"HTTP/1." or len(fields) < 2 or not fields[1].isdigit():
            raise WireError("not an HTTP response")
        self.http_status = int(fields[1])
        self.keep_alive = fields[0] == b"HTTP/1.1"
        self._expected = _HEADER

    def _parse_header(self, line):
        name, colon, value = line.partition(b":")
        if not colon:
            raise WireError("HTTP header without colon")
        self._headers[name.lower()] = value.strip()

    def _start_chunk(self, line):
        try:
            size = int(str(line.split(b";")[0], "ascii"), 16)
        except ValueError:
            size = -1
        if not 0 <= size < _ENDLESS // 2:
            raise WireError("chunk size that is none")
        self._left = size
        self._expected = _CHUNK_END if size else _TRAILER

    def _start_body(self):
        if self.http_status < 200:  # 1xx: the answer proper follows
            self._expected = _STATUS_LINE
            self._headers = {}
            return
        headers = self._headers
        self.date = headers.get(b"date")
        if b"close" in headers.get(b"connection", b"").lower():
            self.keep_alive = False
        content_type = headers.get(b"content-type", b"")
        if self.http_status != 200 or not content_type.startswith(b"application/grpc"):
            self.keep_alive = False  # an error page: not worth reading
            self._end_call()
            return
        self._chunked = headers.get(b"transfer-encoding", b"").lower() == b"chunked"
        length = headers.get(b"content-length", b"")
        if self._chunked:
            self._expected = _CHUNK_SIZE
        elif length.isdigit():
            self._left = int(length)
            if self._left > self._max_body:
                self._give_up(_RESOURCE_EXHAUSTED, "answer of %d bytes" % self._left)
            elif not self._left:
                self._finish()
        else:
            self._left = _ENDLESS
            self.keep_alive = False

    def _finish_if_whole(self):
        """End a body without length when its last frame, the trailers, is there."""
        body = self._body
        at = 0
        while at + 5 <= len(body):
            end = at + 5 + int.from_bytes(body[at + 1 : at + 5], "big")
            if body[at] & 0x80 and end <= len(body):
                self._finish()
                return
            at = end

    def _finish(self):
        body = self._body
        messages = 0
        at = 0
        while at < len(body):
            start = at + 5
            flags = body[at]
            at = start + int.from_bytes(body[at + 1 : start], "big")
            if at > len(body) or flags & 0x7F:
                raise WireError("gRPC-Web frame cut short or compressed")
            payload = bytes(memoryview(body)[start:at])
            if flags:
                for line in payload.split(b"\r\n"):
                    if line:
                        self._parse_header(line)
            else:
                self.message = payload
                messages += 1
        self._end_call()
        if self.grpc_status == 0 and messages != 1:
            self.grpc_status = _INTERNAL
            self.grpc_message = "the answer is not exactly one message"

    def _end_call(self):
        self.conclude(self._headers)
        self._body = self._headers = None
        self.done = True

    def _give_up(self, status, message):
        self.grpc_status = status
        self.grpc_message = message
        self.keep_alive = False
        self._body = self._headers = None
        self.done = True
