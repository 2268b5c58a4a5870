"""Protobuf messages to dicts and back, driven by small field tables.

A table is one `bytes`: per field its number, kind, name length, name, and for a message field the
size (two bytes, little-endian) and bytes of the inner table.  `host_tools/generate_messages.py`
writes the tables in `messages/` from the descriptors that viam-sdk ships.
Shapes: google.protobuf.Struct is a dict, Value any JSON value, Timestamp and Duration are
`(seconds, nanos)`, Any(Value) is that value, a map is a dict, a repeated field a list.
What only configs and metadata need (Struct, Any, maps, doubles) is in `well_known.py`, which is
loaded when a message has it.
"""

from micropython import const

from microserver.wire.grpc import WireError

# Kinds of fields; with _REPEATED or _MAP (from string to the kind) in the upper half.  The other
# kinds are named in `well_known.py`.
_INT = const(0)  # int32, int64 and enums
_BOOL = const(1)
_STRING = const(4)
_MESSAGE = const(5)
_TIME = const(9)
_REPEATED = const(0x10)
_MAP = const(0x20)
_WIRE_TYPES = const(b"\0\0\0\1\2\2\2\2\2\2\2")

_TIME_TABLE = const(b"\x01\x00\x01s\x02\x00\x01n")
_MAX_DEPTH = const(32)  # of messages in messages: each level costs stack on the device


def read(data, at):
    """`(value, index behind it)` of the varint at `at`: seven bits per byte, the lowest first.

    WireError when `data` ends early or the value exceeds 64 bits.
    """
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value >> 64:
                break
            return value, at
        shift += 7
    raise WireError("bad varint")


def write(out, value):
    """Appends the varint of `value` (-2**63 <= value < 2**64) to the bytearray `out`."""
    if value < 0:
        value += 1 << 64
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def decode(table, data, values=None, depth=_MAX_DEPTH):
    """The message in `data` (any buffer) as a dict; WireError when it is malformed.

    Fields that the table does not know are skipped; absent fields are absent from the dict.
    `values` is a dict to add to; `depth` is how many messages there may be in one another.
    """
    values = values or {}
    if not depth:
        raise WireError("too deep")
    try:
        for number, wire_type, value in _fields(memoryview(data)):
            for _, kind, name, inner in _described(table, number):
                # like every protobuf reader, take another wire type for an unknown field
                if _WIRE_TYPES[kind & 15] == wire_type:
                    if kind & _REPEATED:
                        value = _value(kind & 15, inner, value, depth - 1, None)
                        values.setdefault(name, []).append(value)
                    else:
                        old = values.get(name)
                        values[name] = _value(kind, inner, value, depth - 1, old)
    except (UnicodeError, RuntimeError):  # RuntimeError: the board's stack is full
        raise WireError("not UTF-8, or too deep")
    return values


def encode(table, values, depth=_MAX_DEPTH):
    """`values` (the shapes of `decode`) as a bytearray; WireError when a key is unknown."""
    if not depth:
        raise WireError("too deep")
    out = bytearray()
    known = 0
    for number, kind, name, inner in _described(table):
        if name in values:
            known += 1
            items = values[name]
            if kind & _MAP:
                from microserver.wire import well_known

                kind, inner, items = well_known.entries(kind, items)
            elif not kind & _REPEATED:
                items = (items,)
            for value in items:
                _write(out, number, kind & 15, inner, value, depth - 1)
    if known != len(values):
        raise WireError("unknown field")
    return out


def _described(table, wanted=0):
    """Yields (number, kind, name, inner table) of the field `wanted`, or of every one."""
    table = memoryview(table)
    end = 0
    while end < len(table):
        at = end
        start = end = at + 3 + table[at + 2]
        kind = table[at + 1]
        if kind & 15 == _MESSAGE:
            start += 2
            end = start + table[start - 2] + (table[start - 1] << 8)
        if not wanted or wanted == table[at]:
            name = str(table[at + 3 : at + 3 + table[at + 2]], "utf-8")
            yield table[at], kind, name, table[start:end]


def _fields(data):
    """Yields (number, wire type, int or view of the payload) of each field on the wire."""
    at = 0
    while at < len(data):
        key, at = read(data, at)
        kind = key & 7
        if kind == 0:
            value, at = read(data, at)
        else:
            size = 8 if kind == 1 else 4
            if kind == 2:
                size, at = read(data, at)
            if kind not in b"\1\2\5" or size > len(data) - at:
                raise WireError("cut short, or wire type %d" % kind)
            value = data[at : at + size]
            at += size
        if key < 8:
            raise WireError("field 0")
        yield key >> 3, kind, value


def _value(kind, inner, value, depth, old):
    """The Python value of one field; `old` is what a repeated message or map merges into."""
    if kind == _INT:
        return value - (1 << 64) if value >> 63 else value
    if kind == _BOOL:
        return bool(value)
    if kind == _STRING:
        return str(value, "utf-8")
    if kind == _MESSAGE:
        return decode(inner, value, old, depth)
    if kind == _TIME:
        time = decode(_TIME_TABLE, value, None, depth)
        return time.get("s", 0), time.get("n", 0)
    from microserver.wire import well_known

    return well_known.decode(kind, value, depth, old)


def _write(out, number, kind, inner, value, depth):
    """Appends one field to the bytearray `out`."""
    wire_type = _WIRE_TYPES[kind]
    write(out, number << 3 | wire_type)
    if not wire_type:
        write(out, int(value or 0))
        return
    if kind == _STRING:
        value = value.encode()
    elif kind == _MESSAGE:
        value = encode(inner, value, depth)
    elif kind == _TIME:
        seconds, nanos = value
        value = bytearray(b"\x08")
        write(value, seconds)
        value.append(0x10)
        write(value, nanos)
    else:
        from microserver.wire import well_known

        value = well_known.encode(kind, value, depth)
    if wire_type == 2:
        write(out, len(value))
    out.extend(value)
