"""HPACK header compression (RFC 7541): full encoder for what we send, lazy decoder.

The decoder keeps and decodes only the headers it was asked for.  Dynamic table indices count from
the newest entry, so keeping an entry longer than the peer does is harmless; that is why the sizes
of unwanted entries need not be known exactly, only not be overestimated.
"""

from micropython import const

from microserver.wire import huffman
from microserver.wire.varint import WireError

_TABLE_SIZE = const(4096)  # SETTINGS_HEADER_TABLE_SIZE of both sides, the default
_ENTRY_OVERHEAD = const(32)
_FIRST_DYNAMIC = const(62)
_LONGEST_NAME = const(16)  # names longer than this are never wanted
_STATUSES = const(b"200204206304400404500")  # of the static table's entries 8 to 14
# Headers that are alike in most calls of a connection, besides those that begin with a colon.
_REPEATED = const(b" authorization content-type te user-agent ")


class Encoder:
    """Encodes header lists; repeated headers are sent once, then as an index of one byte."""

    def __init__(self):
        self._table = []  # (name, value), newest first
        self._size = 0
        self._limit = self._announced = _TABLE_SIZE

    def set_limit(self, size):
        """Follow the peer's SETTINGS_HEADER_TABLE_SIZE."""
        self._limit = min(size, _TABLE_SIZE)
        _insert(self)

    def encode(self, headers):
        """A header block (bytearray) of `headers`, (name, value) pairs of bytes."""
        out = bytearray()
        if self._announced != self._limit:
            self._announced = self._limit
            _put_integer(out, 0x20, 5, self._limit)
        for header in headers:
            if header in self._table:
                _put_integer(out, 0x80, 7, _FIRST_DYNAMIC + self._table.index(header))
                continue
            name, _ = header
            repeated = name[:1] == b":" or b" " + name + b" " in _REPEATED
            if repeated and _size(header) <= self._limit:
                out.append(0x40)
                _insert(self, header)
            else:
                out.append(0)
            for text in header:
                _put_integer(out, 0, 7, len(text))
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
                    raise WireError("HPACK table larger than allowed")
                _insert(self)
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
            _insert(self, (name, value))
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
            raise WireError("HPACK index %d" % index)
        return self._table[index - _FIRST_DYNAMIC]


def _insert(coder, *entries):
    """Put entries into the dynamic table of an Encoder or Decoder; evict what is over its limit."""
    for entry in entries:
        coder._table.insert(0, entry)
        coder._size += _size(entry)
    while coder._size > coder._limit:
        coder._size -= _size(coder._table.pop())


def _size(entry):
    name, value = entry
    return _ENTRY_OVERHEAD + (len(name) + len(value) if name else 0)


def _put_integer(out, first, bits, n):
    largest = (1 << bits) - 1
    if n < largest:
        out.append(first | n)
        return
    out.append(first | largest)
    n -= largest
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
    raise WireError("HPACK integer truncated or too large")


def _string(block, at, longest):
    """`(text, index behind it)`; the text is None, undecoded, when over `longest` bytes."""
    if at >= len(block):
        raise WireError("HPACK block cut short")
    coded = block[at] & 0x80
    size, at = _integer(block, at, 7)
    end = at + size
    if end > len(block):
        raise WireError("HPACK string cut short")
    if size > longest:
        return None, end
    text = block[at:end]
    return huffman.decode(text) if coded else bytes(text), end
