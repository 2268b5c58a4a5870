"""HPACK header compression (RFC 7541): requests out, the headers that are wanted in.

Requests are literals, only the authorization goes through the dynamic table: it is the long one,
and being the only entry it always has the first index.  Of what comes in, the codec keeps and
decodes only the headers it was asked for.  Dynamic table indices count from the newest entry, so
keeping an entry longer than the peer does is harmless; that is why the sizes of unwanted entries
need not be known exactly, only not be overestimated.
"""

from micropython import const

from microserver.wire.grpc import WireError

_TABLE_SIZE = const(4096)  # SETTINGS_HEADER_TABLE_SIZE of both sides, the default
_ENTRY_OVERHEAD = const(32)
_FIRST_DYNAMIC = const(62)
_DATE = const(33)
_LONGEST_NAME = const(16)  # names longer than this are never wanted
_STATUSES = const(b"200204206304400404500")  # of the static table's entries 8 to 14
_MALFORMED = const("bad HPACK")

# Pieces of a header block (RFC 7541, 6 and appendix A).
_POST = const(0x83)
_HTTP = const(0x86)  # of :scheme; https follows
_AUTHORITY = const(0x01)  # literals, with the index of the name
_PATH = const(0x04)
_GRPC = const(b"\0\x02te\x08trailers\x0f\x10\x10application/grpc")
_NEW_TOKEN = const(0x57)  # authorization, to be put into the table ...
_SAME_TOKEN = const(0xBE)  # ... where it is the only entry
_LONG_TOKEN = const(b"\x0f\x08")  # authorization, not for the table
_LONGEST_INDEXED = const(4051)  # with its name and HPACK's 32 bytes the whole table
_NO_TABLE = const(b"\x20")


def write(out, text):
    """Appends the string `text` (bytes) to the header block `out`, without Huffman code."""
    size = len(text)
    if size > 126:
        out.append(127)
        size -= 127
        while size > 127:
            out.append(size & 127 | 128)
            size >>= 7
    out.append(size)
    out.extend(text)


def _integer(block, at, largest):
    """`(value, index behind it)` of an integer whose first byte has the bits `largest` for it."""
    value = block[at] & largest
    shift = 0
    if value == largest:
        while shift < 28:
            at += 1
            value += (block[at] & 127) << shift
            if block[at] < 128:
                break
            shift += 7
        else:
            raise WireError(_MALFORMED)
    return value, at + 1


def _string(block, at, longest):
    """`(text, index behind it)`; the text is empty, undecoded, when over `longest` bytes."""
    coded = block[at] & 0x80
    size, at = _integer(block, at, 127)
    end = at + size
    if end > len(block):
        raise WireError(_MALFORMED)
    if size > longest:
        return b"", end
    text = bytes(block[at:end])
    if coded:
        # loaded when first needed: grpcio, and so our own cloud, never uses this code
        from microserver.wire import huffman

        text = huffman.decode(text)
    return text, end


class HeaderCodec:
    """What both ends of a client's connection remember to compress headers.

    Of the headers that come only those in `wanted` are kept: a tuple of names, or names with
    spaces between them in one `bytes`; a part of such a name is then kept too, which does no harm.
    """

    def __init__(self, scheme, authority, wanted):
        self._common = bytearray((_POST, _HTTP + (scheme == "https"), _AUTHORITY))
        write(self._common, authority.encode())
        self._common.extend(_GRPC)
        self._token = None  # the one in the peer's table
        self._no_table = None  # what to say once the peer has no room for our entry
        self._wanted = wanted
        self._table = []  # (name, value), newest first; both are empty in an unwanted entry
        self._size = 0  # at most what the peer counts
        self._limit = _TABLE_SIZE

    def stop_indexing(self):
        """The peer's table is smaller than the default (SETTINGS_HEADER_TABLE_SIZE): use none."""
        if self._no_table is None:
            self._no_table = _NO_TABLE
            self._token = None

    def encode(self, path, token, extra):
        """The header block (bytearray) of a gRPC request; see `Http2Client.open_call`."""
        out = bytearray(self._no_table or b"")
        if out:
            self._no_table = b""
        out.append(_PATH)
        write(out, path.encode())
        out.extend(self._common)
        if token and token == self._token:
            out.append(_SAME_TOKEN)
        elif token:
            value = b"Bearer " + token.encode()
            if self._no_table is None and len(value) <= _LONGEST_INDEXED:
                self._token = token
                out.append(_NEW_TOKEN)
            else:
                out.extend(_LONG_TOKEN)
            write(out, value)
        for pair in extra:
            out.append(0)
            for text in pair:
                write(out, text.encode())
        return out

    def decode(self, block):
        """The wanted headers of a whole block as a dict; WireError when the block is malformed."""
        headers = {}
        block = memoryview(block)
        at = 0
        try:
            while at < len(block):
                if block[at] & 0xE0 == 0x20:
                    self._limit, at = _integer(block, at, 31)
                    if self._limit > _TABLE_SIZE:
                        raise WireError(_MALFORMED)
                else:
                    name, value, at = self._header(block, at)
                    if name:
                        headers[name] = value
                while self._size > self._limit:
                    name, value = self._table.pop()
                    self._size -= _ENTRY_OVERHEAD + len(name) + len(value)
        except IndexError:  # behind the end of the block or of the table
            raise WireError(_MALFORMED)
        return headers

    def _header(self, block, at):
        first = block[at]
        if first & 0x80:
            index, at = _integer(block, at, 127)
            name, value = self._entry(index)
            return name, value, at
        index, at = _integer(block, at, 63 if first & 0x40 else 15)
        if index:
            name = self._entry(index)[0]
        else:
            name, at = _string(block, at, _LONGEST_NAME)
            if name not in self._wanted:
                name = b""
        value, at = _string(block, at, len(block) if name else 0)
        if first & 0x40:
            self._table.insert(0, (name, value))
            self._size += _ENTRY_OVERHEAD + len(name) + len(value)
        return name, value, at

    def _entry(self, index):
        if index >= _FIRST_DYNAMIC:
            return self._table[index - _FIRST_DYNAMIC]
        if not index:
            raise WireError(_MALFORMED)
        if 8 <= index <= 14:
            at = index * 3 - 24
            return b":status", _STATUSES[at : at + 3]
        return b"date" if index == _DATE else b"", b""
