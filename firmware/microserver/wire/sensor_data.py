"""One stored reading as its entry of DataCaptureUploadRequest, by patching a template.

    12 len | SensorData { 0a 1c SensorMetadata { time_requested, time_received }, 12 len Struct }

The entry of a shape is built once, with every length in place.  Then only the times and the
numbers that changed since the last reading are written into it.  Times have fixed places because
their varints are padded, which every protobuf reader accepts.  Only strings change the size:
lengths around a string are padded to three bytes and added up per reading.
"""

import struct
from array import array

from micropython import const

from microserver.wire.decimal import put_float32, put_floats, put_int

_TIMESTAMP = b"\x08\x80\x80\x80\x80\x00\x10\x80\x80\x80\x80\x00"  # seconds, nanos: 5 bytes each
_METADATA = b"\x0a\x1c\x0a\x0c" + _TIMESTAMP + b"\x12\x0c" + _TIMESTAMP
_RECEIVED = const(14)  # from the seconds of time_requested to those of time_received
_FIRST_VALUE = const(3)  # behind slot and times
_FORMATS = {"f": "HH", "i": "i", "q": "q", "?": "B"}


def wall_of(unix_seconds, micros):
    """The wall time of boot in small integers, as `Template.stamp` takes it."""
    # By way of strings: what comes out of MicroPython's long arithmetic stays long.
    return int(str(unix_seconds >> 14)), int(str(unix_seconds & 0x3FFF)), micros


class Template:
    """The entry of one shape.

    `shape`: nested dicts and lists; a leaf is a letter of capture/record.py, the index of a raw
    field (~index for a boolean), or a constant as a tuple of one.  `codes`: the letters in the
    order of storage.
    """

    def __init__(self, shape, codes=""):
        builder = _Builder(shape)
        self.entry = builder.entry
        self._cuts = [offset for offset, code in builder.slots if code == "s"]
        self._lengths = builder.lengths
        self._times = builder.times
        self._wall = self._memo = None
        self._seconds = self._taken = -1
        self._last = None
        self.strings = len(self._cuts)
        self.size = len(self.entry)  # without strings
        self._plan([slot for slot in builder.slots if slot[1] != "s"], codes)

    def _plan(self, slots, codes):
        """Sets `format`, that of a whole record, and where its values go."""
        self.format = "<BIH" + "".join([_FORMATS.get(code, "") for code in codes])
        self._floats = []
        self._others = []
        index = _FIRST_VALUE
        for offset, code in slots:
            if code == "f":
                self._floats.append((index, offset))
                index += 1
            else:
                self._others.append((index, offset, code == "?"))
            index += 1

    def size_of(self, buffer, strings_at):
        """The size of a record's entry; `strings_at`: where the record's strings start."""
        size = self.size
        for _ in range(self.strings):
            length = buffer[strings_at] | buffer[strings_at + 1] << 8
            size += length
            strings_at += 2 + length
        return size

    def use(self, wall, memo):
        """What the next entries are patched with: `wall` of `wall_of`, `memo` of `put_floats`."""
        self._memo = memo
        if self._wall is not wall:
            self._wall = wall
            self._seconds = self._taken = -1

    def patch(self, values, seconds, micros):
        """Makes `entry` that of a record: its fields by `format`, and its time since boot."""
        entry = self.entry
        at = self._times
        micros += self._wall[2]
        if micros >= 1000000:
            micros -= 1000000
            seconds += 1
        if seconds != self._seconds:
            self._put_seconds(at, seconds)
            self._seconds = seconds
        nanos = micros * 1000
        entry[at + 6] = nanos & 127 | 128
        entry[at + 7] = nanos >> 7 & 127 | 128
        entry[at + 8] = nanos >> 14 & 127 | 128
        entry[at + 9] = nanos >> 21 & 127 | 128
        entry[at + 10] = nanos >> 28
        taken = values[2]
        micros += taken if taken < 0x8000 else (taken & 0x7FFF) << 10
        while micros >= 1000000:
            micros -= 1000000
            seconds += 1
        at += _RECEIVED
        if seconds != self._taken:
            self._put_seconds(at, seconds)
            self._taken = seconds
        nanos = micros * 1000
        entry[at + 6] = nanos & 127 | 128
        entry[at + 7] = nanos >> 7 & 127 | 128
        entry[at + 8] = nanos >> 14 & 127 | 128
        entry[at + 9] = nanos >> 21 & 127 | 128
        entry[at + 10] = nanos >> 28
        self._put_values(values)

    def _put_seconds(self, at, seconds):
        high, low, _ = self._wall
        low += seconds & 0x3FFF
        high += (seconds >> 14) + (low >> 14)
        entry = self.entry
        entry[at] = low & 127 | 128
        entry[at + 1] = low >> 7 & 127 | 128
        entry[at + 2] = high & 127 | 128
        entry[at + 3] = high >> 7 & 127 | 128
        entry[at + 4] = high >> 14 & 127

    def _put_values(self, values):
        last = self._last
        self._last = values
        if self._floats:
            put_floats(values, last, self._floats, self.entry, self._memo)
        for index, offset, boolean in self._others:
            value = values[index]
            if last is None or value != last[index]:
                if boolean:
                    self.entry[offset] = 1 if value else 0
                else:
                    put_int(value, self.entry, offset)

    def put_strings(self, buffer, strings_at, out, to):
        """Copies the entry to `out` with the strings in their places; adds up lengths."""
        entry = memoryview(self.entry)
        done = total = 0
        totals = [0]
        for cut in self._cuts:
            size = buffer[strings_at] | buffer[strings_at + 1] << 8
            at = to + total
            out[at + done : at + cut] = entry[done:cut]
            strings_at += 2
            out[at + cut : at + cut + size] = memoryview(buffer)[strings_at : strings_at + size]
            strings_at += size
            total += size
            totals.append(total)
            done = cut
        end = to + total + self.size
        out[to + total + done : end] = entry[done:]
        for offset, base, first, behind in self._lengths:
            _put_padded(out, to + offset + totals[first], base + totals[behind] - totals[first])


class RawTemplate(Template):
    """The entry of a fast source: raw fields of a struct, scaled when they are encoded.

    `fields`: (path, scale, offset) per value of `raw_format`; scale None is a boolean.
    """

    def __init__(self, shape, raw_format, fields):
        self._fields = fields
        self._raw_format = raw_format
        super().__init__(shape)

    def _plan(self, slots, codes):
        self.format = self._raw_format[0] + "BIH" + self._raw_format[1:]
        self._floats = []
        self._others = []
        self._scales = []
        self._scaled_places = []
        for offset, code in slots:
            _, scale, add = self._fields[max(code, ~code)]
            index = _FIRST_VALUE + max(code, ~code)
            if scale is None or (scale == 1 and not add):
                self._others.append((index, offset, scale is None))
            else:
                self._scaled_places.append((2 * len(self._scales), offset))
                self._scales.append((index, scale, add))
        self._scaled = array("f", [0] * len(self._scales))
        self._words_format = "<%dH" % (2 * len(self._scales))
        self._words = None

    def _put_values(self, values):
        if self._others:
            super()._put_values(values)
        if not self._scales:
            return
        scaled = self._scaled
        for at, (index, scale, add) in enumerate(self._scales):
            scaled[at] = values[index] * scale + add if add else values[index] * scale
        words = struct.unpack_from(self._words_format, scaled)
        put_floats(words, self._words, self._scaled_places, self.entry, self._memo)
        self._words = words


def _put_padded(buffer, at, size):
    buffer[at] = size & 127 | 128
    buffer[at + 1] = size >> 7 & 127 | 128
    buffer[at + 2] = size >> 14


class _Builder:
    """Builds an entry from its end to its start, so that each length is known when it is due.

    Places are counted from the end until the entry is complete.
    """

    def __init__(self, shape):
        self._data = b""
        self._strings = 0
        self.slots = []
        self.lengths = []
        message = self._mark()
        self._fields(shape, message, b"\x12")
        self._data = _METADATA + self._data
        times = len(self._data) - 5
        self._close(b"\x12", message)
        size = len(self._data)
        count = self._strings
        self.entry = bytearray(self._data)
        self.times = size - times
        self.slots = [(size - place, code) for place, code in reversed(self.slots)]
        self.lengths = [
            (size - place, base, count - behind, count - first)
            for place, base, first, behind in self.lengths
        ]

    def _mark(self):
        return len(self._data), self._strings

    def _close(self, tag, mark):
        """Puts tag and length before all that was added since `mark`."""
        end, first = mark
        size = len(self._data) - end
        if self._strings > first:
            self._data = b"\x80\x80\x00" + self._data
            self.lengths.append((len(self._data), size, first, self._strings))
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
            self.slots.append((len(self._data), code))
            self._strings += 1
            self._close(b"\x1a", mark)
        else:
            boolean = code == "?" or (isinstance(code, int) and code < 0)
            places = b"\x20\x00" if boolean else b"\x11" + bytes(8)
            self._data = places + self._data
            self.slots.append((len(self._data) - 1, code))


def _varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


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
        put_float32(value, double, 1)
    return bytes(double)
