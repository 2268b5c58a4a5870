"""Lays out the entry of a shape: every tag and length in place, and where the values go.

Needed once per shape, so this module need not stay in the heap; sensor_data.py patches the entry.
"""

import struct

from micropython import const

from microserver.wire.decimal import float_writer, put_int

_TIMESTAMP = b"\x08\x80\x80\x80\x80\x00\x10\x80\x80\x80\x80\x00"  # seconds, nanos: 5 bytes each
_METADATA = b"\x0a\x1c\x0a\x0c" + _TIMESTAMP + b"\x12\x0c" + _TIMESTAMP


_HEADER = const(7)  # of a record: slot and times


def build(shape):
    """The layout of a shape, which fills a Template.

    `shape`: nested dicts and lists; a leaf is a letter of capture/record.py, the index of a raw
    field (~index for a boolean), or a constant as a tuple of one.
    """
    return _Builder(shape)


class _Builder:
    """Builds an entry from its end to its start, so that each length is known when it is due.

    Places are counted from the end until the entry is complete.
    """

    def __init__(self, shape):
        self._data = b""
        self._strings = 0
        self._slots = []
        self._lengths = []
        message = self._mark()
        self._fields(shape, message, b"\x12")
        self._data = _METADATA + self._data
        times = len(self._data) - 5
        self._close(b"\x12", message)
        size = len(self._data)
        count = self._strings
        self._times = size - times
        self._slots = [(size - place, code) for place, code in reversed(self._slots)]
        self._lengths = [
            (size - place, base, count - behind, count - first)
            for place, base, first, behind in self._lengths
        ]

    def fill(self, template, codes, fields):
        """Sets what a Template has.

        `codes`: the letters of the leaves in the order of storage; or else the struct format of
        raw `fields`, (path, scale, offset) each, where scale None is a boolean.
        """
        template.entry = bytearray(self._data)
        template.times = self._times
        template.cuts = [offset for offset, code in self._slots if code == "s"]
        template.lengths = self._lengths
        template.floats = []
        template.others = []
        if fields:
            self._fill_raw(template, codes, fields)
            return
        template.format = "<"
        offset = _HEADER
        for place, code in self._slots:
            if code == "f":
                template.floats.append([offset, place, -1, -1])
                offset += 4
            elif code != "s":
                kind = "<B" if code == "?" else "<" + code
                template.others.append([kind, offset, place, code == "?", None])
                offset += struct.calcsize(kind)

    def _fill_raw(self, template, format, fields):
        template.format = order = format[0]
        template.scales = []
        for place, code in self._slots:
            code = max(code, ~code)
            _, scale, add = fields[code]
            offset = _HEADER + struct.calcsize(format[: 1 + code])
            kind = order + format[1 + code]
            if scale is None or (scale == 1 and not add):
                template.others.append([kind, offset, place, scale is None, None])
            else:
                start = 4 * len(template.scales)
                template.floats.append([start, place, -1, -1])
                template.scales.append((start, kind, offset, scale, add))
        template.scaled = bytearray(4 * len(template.scales))

    def _mark(self):
        return len(self._data), self._strings

    def _close(self, tag, mark):
        """Puts tag and length before all that was added since `mark`."""
        end, first = mark
        size = len(self._data) - end
        if self._strings > first:
            self._data = b"\x80\x80\x00" + self._data
            self._lengths.append((len(self._data), size, first, self._strings))
        else:
            self._data = _varint(size) + self._data
        self._data = tag + self._data

    def _fields(self, node, mark, tag):
        """A google.protobuf.Struct."""
        for key in sorted(node, reverse=True):
            entry = self._mark()
            self._value(node[key], b"\x12")
            name = key.encode()
            self._data = b"\x0a" + _varint(len(name)) + name + self._data
            self._close(b"\x0a", entry)
        self._close(tag, mark)

    def _value(self, node, tag):
        """A google.protobuf.Value behind `tag`."""
        mark = self._mark()
        if isinstance(node, dict):
            self._fields(node, mark, b"\x2a")
        elif isinstance(node, list):
            for item in reversed(node):
                self._value(item, b"\x0a")
            self._close(b"\x32", mark)
        elif isinstance(node, tuple):
            self._data = _constant(node[0]) + self._data
        else:
            self._leaf(node, mark)
        self._close(tag, mark)

    def _leaf(self, code, mark):
        if code == "n":
            self._data = b"\x08\x00" + self._data
        elif code == "s":
            self._slots.append((len(self._data), code))
            self._strings += 1
            self._close(b"\x1a", mark)
        else:
            boolean = code == "?" or (isinstance(code, int) and code < 0)
            places = b"\x20\x00" if boolean else b"\x11" + bytes(8)
            self._data = places + self._data
            self._slots.append((len(self._data) - 1, code))


def _varint(value):
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _constant(value):
    """An encoded google.protobuf.Value: None, bool, str, or a number."""
    if value is None:
        return b"\x08\x00"
    if isinstance(value, bool):
        return b"\x20\x01" if value else b"\x20\x00"
    if isinstance(value, str):
        text = value.encode()
        return b"\x1a" + _varint(len(text)) + text
    double = bytearray(9)
    double[0] = 0x11
    if isinstance(value, int):
        put_int(value, double, 1)
    else:
        writer = float_writer(([0, 1, -1, -1],), double, {})
        next(writer)
        writer.send((struct.pack("<f", value), 0))
    return bytes(double)
