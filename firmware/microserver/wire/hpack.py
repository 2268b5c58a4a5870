"""HPACK header compression (RFC 7541): a small encoder and a lazy decoder.

The decoder keeps and decodes only the headers it was asked for.  Dynamic table indices count from
the newest entry, so keeping an entry longer than the peer does is harmless; that is why the sizes
of unwanted entries need not be known exactly, only not be overestimated.
"""

from micropython import const

from microserver.wire.varint import WireError

_MALFORMED = const("bad HPACK")
_TABLE_SIZE = const(4096)  # SETTINGS_HEADER_TABLE_SIZE of both sides, the default
_ENTRY_OVERHEAD = const(32)
_FIRST_DYNAMIC = const(62)
_LONGEST_NAME = const(16)  # names longer than this are never wanted
_STATUSES = const(b"200204206304400404500")  # of the static table's entries 8 to 14


class Encoder:
    """Encodes header lists as literals, only the authorization goes through the dynamic table: it
    is the long one, and being the only entry it always has the first index."""

    def __init__(self):
        self._sent = None  # the authorization header in the peer's table
        self._prefix = b""  # announces the end of our use of the table
        self._shrunk = False

    def set_limit(self, size):
        """Follow the peer's SETTINGS_HEADER_TABLE_SIZE: no table when it is below the default."""
        if size < _TABLE_SIZE and not self._shrunk:
            self._shrunk = True
            self._prefix = b"\x20"

    def encode(self, headers):
        """A header block (bytearray) of `headers`, (name, value) pairs of bytes."""
        out = bytearray(self._prefix)
        self._prefix = b""
        for header in headers:
            indexed = header[0] == b"authorization" and not self._shrunk
            if indexed and header == self._sent:
                out.append(0x80 | _FIRST_DYNAMIC)
                continue
            if indexed and _size(header) <= _TABLE_SIZE:
                self._sent = header
                out.append(0x40)
            else:
                out.append(0)
            for text in header:
                _put_size(out, len(text))
                out.extend(text)
        return out


class Decoder:
    """Decodes header blocks, of which only the headers in `wanted` (bytes) are kept."""

    def __init__(self, wanted):
        self._wanted = wanted
        self._table = []  # (name, value), newest first; (None, None) stands for an unwanted one
        self._size = 0  # at most what the peer counts
        self._limit = _TABLE_SIZE

    def decode(self, block):
        """The wanted headers of a whole block as a dict; WireError when the block is malformed."""
        headers = {}
        at = 0
        while at < len(block):
            first = block[at]
            if first & 0xE0 == 0x20:
                self._limit, at = _integer(block, at, 5)
                if self._limit > _TABLE_SIZE:
                    raise WireError(_MALFORMED)
                self._evict()
                continue
            if first & 0x80:
                index, at = _integer(block, at, 7)
                name, value = self._entry(index)
            else:
                name, value, at = self._literal(block, at)
            if name:
                headers[name] = value
        return headers

    def _literal(self, block, at):
        added = block[at] & 0x40
        index, at = _integer(block, at, 6 if added else 4)
        if index:
            name = self._entry(index)[0]
        else:
            name, at = _string(block, at, _LONGEST_NAME)
            if name not in self._wanted:
                name = None
        value, at = _string(block, at, len(block) if name else -1)
        if added:
            entry = name, value
            self._table.insert(0, entry)
            self._size += _size(entry)
            self._evict()
        return name, value, at

    def _entry(self, index):
        if 8 <= index <= 14:
            at = index * 3 - 24
            return b":status", _STATUSES[at : at + 3]
        if index == 33:
            return b"date", b""
        if 0 < index < _FIRST_DYNAMIC:
            return None, None
        if not index or index >= _FIRST_DYNAMIC + len(self._table):
            raise WireError(_MALFORMED)
        return self._table[index - _FIRST_DYNAMIC]

    def _evict(self):
        while self._size > self._limit:
            self._size -= _size(self._table.pop())


def _size(entry):
    name, value = entry
    return _ENTRY_OVERHEAD + (len(name) + len(value) if name else 0)


def _put_size(out, n):
    """The length of a string that is not Huffman-coded."""
    if n < 127:
        out.append(n)
        return
    out.append(127)
    n -= 127
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)


def _integer(block, at, bits):
    """`(value, index behind it)` of an integer whose first byte has `bits` bits for it."""
    if at < len(block):
        largest = (1 << bits) - 1
        value = block[at] & largest
        at += 1
        if value < largest:
            return value, at
        for shift in (0, 7, 14, 21):
            if at == len(block):
                break
            value += (block[at] & 127) << shift
            at += 1
            if block[at - 1] < 128:
                return value, at
    raise WireError(_MALFORMED)


def _string(block, at, longest):
    """`(text, index behind it)`; the text is None, undecoded, when over `longest` bytes."""
    if at >= len(block):
        raise WireError(_MALFORMED)
    coded = block[at] & 0x80
    size, at = _integer(block, at, 7)
    end = at + size
    if end > len(block):
        raise WireError(_MALFORMED)
    if size > longest:
        return None, end
    text = bytes(block[at:end])
    if coded:
        # loaded when first needed: grpcio, and so our own cloud, never uses this code
        from microserver.wire import huffman

        text = huffman.decode(text)
    return text, end
