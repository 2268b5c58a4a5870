"""Protobuf messages to dicts and back, driven by small field tables.

A table is one `bytes`: per field its number, kind, name length, name, and for a message field the
size (two bytes, little-endian) and bytes of the inner table.  `host_tools/generate_messages.py`
writes the tables in `messages/` from the descriptors that viam-sdk ships.
Shapes: google.protobuf.Struct is a dict, Value any JSON value, Timestamp and Duration are
`(seconds, nanos)`, Any(Value) is that value, a map is a dict, a repeated field a list.
"""

import struct

from micropython import const

from microserver.wire.varint import WireError, read

# Kinds of fields; with _REPEATED or _MAP (from string to the kind) in the upper half.
_INT = const(0)  # int32, int64 and enums
_BOOL = const(1)
_NULL = const(2)
_DOUBLE = const(3)
_STRING = const(4)
_MESSAGE = const(5)
_STRUCT = const(6)
_LIST = const(7)
_ANY = const(8)
_TIME = const(9)
_VALUE = const(10)
_REPEATED = const(0x10)
_MAP = const(0x20)
_WIRE_TYPES = const(b"\0\0\0\1\2\2\2\2\2\2\2")

# The well-known types are messages too, with their content in "f".  All members of Value's oneof
# share that name, so the last one wins; Any holds the bytes of a Value, as a message field would.
_WELL_KNOWN = const(
    (
        b"\x01\x2a\x01f",
        b"\x01\x1a\x01f",
        b"\x01\x04\x01t\x02\x0a\x01f",
        b"\x01\x00\x01s\x02\x00\x01n",
        b"\x01\x02\x01f\x02\x03\x01f\x03\x04\x01f\x04\x01\x01f\x05\x06\x01f\x06\x07\x01f",
    )
)
_VALUE_URL = const("type.googleapis.com/google.protobuf.Value")

_MAX_DEPTH = const(32)  # of messages in messages: each level costs stack on the device


def decode(table, data):
    """The message in `data` (any buffer) as a dict; WireError when it is malformed.

    Fields that the table does not know are skipped; absent fields are absent from the dict.
    """
    try:
        return _merge({}, memoryview(table), memoryview(data), _MAX_DEPTH)
    except (UnicodeError, RuntimeError):  # RuntimeError: the board's stack is full
        raise WireError("not UTF-8, or too deep")


def encode(table, values):
    """`values` (the shapes of `decode`) as bytes; WireError when a key is not in the table."""
    return bytes(_message(memoryview(table), values, _MAX_DEPTH))


def _next(table, at):
    end = at + 3 + table[at + 2]
    if table[at + 1] & 15 == _MESSAGE:
        end += 2 + table[end] + (table[end + 1] << 8)
    return end


def _find(table, number):
    at = 0
    while at < len(table):
        if table[at] == number:
            return at
        at = _next(table, at)
    return -1


def _describe(table, at):
    """Name, kind and inner table of the field described at `at`."""
    end = at + 3 + table[at + 2]
    return str(table[at + 3 : end], "utf-8"), table[at + 1], table[end + 2 : _next(table, at)]


def _map_entry(kind):
    """The table of a map's entries: key and value are called "k" and "f"."""
    return memoryview(b"\x01\x04\x01k\x02" + bytes((kind & 15,)) + b"\x01f")


def _fields(view):
    """Yields (number, wire type, int or view of the payload) of each field on the wire."""
    at = 0
    while at < len(view):
        key, at = read(view, at)
        wire_type = key & 7
        if wire_type == 0:
            value, at = read(view, at)
        else:
            size = 8 if wire_type == 1 else 4
            if wire_type == 2:
                size, at = read(view, at)
            elif wire_type not in (1, 5):
                raise WireError("wire type %d" % wire_type)
            if size > len(view) - at:
                raise WireError("cut short")
            value = view[at : at + size]
            at += size
        if key < 8:
            raise WireError("field 0")
        yield key >> 3, wire_type, value


def _merge(values, table, view, depth):
    if not depth:
        raise WireError("too deep")
    for number, wire_type, value in _fields(view):
        at = _find(table, number)
        # like every protobuf reader, take a known number of another wire type for unknown
        if at < 0 or _WIRE_TYPES[table[at + 1] & 15] != wire_type:
            continue
        name, kind, inner = _describe(table, at)
        if kind & _MAP:
            entry = _merge({}, _map_entry(kind), value, depth - 1)
            values.setdefault(name, {})[entry.get("k", "")] = entry.get("f")
        elif kind & _REPEATED:
            item = _read(kind & 15, inner, value, depth, {})
            values.setdefault(name, []).append(item)
        else:
            values[name] = _read(kind, inner, value, depth, values.get(name))
    return values


def _read(kind, inner, value, depth, old):
    """The Python value of one field; `old` is what a repeated singular message merges into."""
    if kind == _INT:
        return value - (1 << 64) if value >> 63 else value
    if kind == _BOOL:
        return bool(value)
    if kind == _NULL:
        return None
    if kind == _DOUBLE:
        return _double(value)
    if kind == _STRING:
        return str(value, "utf-8")
    if kind == _MESSAGE:
        return _merge(old or {}, inner, value, depth - 1)
    values = _merge({}, _WELL_KNOWN[kind - _STRUCT], value, depth - 1)
    if kind == _TIME:
        return values.get("s", 0), values.get("n", 0)
    return values.get("f", {} if kind == _STRUCT else [] if kind == _LIST else None)


def _double(view):
    """An int when the number is whole: exact up to 2**53 even where floats are single."""
    low, high = struct.unpack("<II", view)
    exponent = (high >> 20 & 0x7FF) - 1023
    if not low and not high << 1 & 0xFFFFFFFF:
        return 0
    if 0 <= exponent <= 52:
        mantissa = (high & 0xFFFFF | 0x100000) << 32 | low
        whole = mantissa >> 52 - exponent
        if whole << 52 - exponent == mantissa:
            return -whole if high >> 31 else whole
    return struct.unpack("<d", view)[0]


def _varint(out, n):
    if n < 0:
        n += 1 << 64
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)


def _message(table, values, depth):
    if not depth:
        raise WireError("too deep")
    out = bytearray()
    at = known = 0
    while at < len(table):
        name, kind, inner = _describe(table, at)
        if name in values:
            known += 1
            items = values[name]
            if kind & _MAP:
                inner = _map_entry(kind)
                items = [{"k": key, "f": items[key]} for key in sorted(items)]
                kind = _MESSAGE
            elif not kind & _REPEATED:
                items = (items,)
            for item in items:
                _write(out, table[at], kind & 15, inner, item, depth)
        at = _next(table, at)
    if known != len(values):
        raise WireError("unknown field")
    return out


def _write(out, number, kind, inner, value, depth):
    _varint(out, number << 3 | _WIRE_TYPES[kind])
    if kind < _DOUBLE:
        _varint(out, int(value or 0))
    elif kind == _DOUBLE:
        out.extend(struct.pack("<d", value))
    else:
        payload = _payload(kind, inner, value, depth - 1)
        _varint(out, len(payload))
        out.extend(payload)


def _payload(kind, inner, value, depth):
    if kind == _STRING:
        return value.encode()
    if kind == _MESSAGE:
        return _message(inner, value, depth)
    inner = _WELL_KNOWN[kind - _STRUCT]
    values = {"f": value}
    if kind == _TIME:
        values = {"s": value[0], "n": value[1]}
    elif kind == _ANY:
        values["t"] = _VALUE_URL
    elif kind == _VALUE:
        at = _value_member(value)
        inner = inner[at : at + 4]
    return _message(inner, values, depth)


def _value_member(value):
    """Where in the table of Value the member is that holds `value`."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return 12
    if isinstance(value, str):
        return 8
    if isinstance(value, dict):
        return 16
    return 4 if isinstance(value, (int, float)) else 20
