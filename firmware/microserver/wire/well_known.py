"""The protobuf types that only configs and metadata have: Struct, Any, maps, doubles.

They are messages too, with their content in "f".  All members of Value's oneof share that name, so
the last one wins; Any holds the bytes of a Value, as a message field would.
"""

import struct

from micropython import const

from microserver.wire import protobuf

# Kinds of fields, besides those of `protobuf.py`.
_NULL = const(2)
_DOUBLE = const(3)
_MESSAGE = const(5)
_STRUCT = const(6)
_LIST = const(7)
_ANY = const(8)
_VALUE = const(10)
_REPEATED = const(0x10)
_MAP = const(0x20)

_TABLES = const(
    (
        b"\x01\x2a\x01f",
        b"\x01\x1a\x01f",
        b"\x01\x04\x01t\x02\x0a\x01f",
        b"",  # a time, which `protobuf.py` reads itself
        b"\x01\x02\x01f\x02\x03\x01f\x03\x04\x01f\x04\x01\x01f\x05\x06\x01f\x06\x07\x01f",
    )
)
_VALUE_URL = const("type.googleapis.com/google.protobuf.Value")


def decode(kind, value, depth, old):
    """The Python value of one field; `old` is what an entry of a map is added to."""
    if kind == _DOUBLE:
        return _double(value)
    if kind & _MAP:
        old = old or {}
        entry = protobuf.decode(_map_table(kind), value, None, depth)
        old[entry.get("k", "")] = entry.get("f")
        return old
    if kind == _NULL:
        return None
    values = protobuf.decode(_TABLES[kind - _STRUCT], value, None, depth)
    return values.get("f", {} if kind == _STRUCT else [] if kind == _LIST else None)


def encode(kind, value, depth):
    """The payload of one field."""
    if kind == _DOUBLE:
        return struct.pack("<d", value)
    table = _TABLES[kind - _STRUCT]
    values = {"f": value}
    if kind == _ANY:
        values["t"] = _VALUE_URL
    elif kind == _VALUE:
        at = _value_member(value)
        table = table[at : at + 4]
    return protobuf.encode(table, values, depth)


def entries(kind, values):
    """The map `values` as what it is on the wire: kind, table and values of a repeated message."""
    items = [{"k": key, "f": values[key]} for key in sorted(values)]
    return _MESSAGE | _REPEATED, _map_table(kind), items


def _map_table(kind):
    """The table of a map's entries: key and value are called "k" and "f"."""
    return b"\x01\x04\x01k\x02" + bytes((kind & 15,)) + b"\x01f"


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
