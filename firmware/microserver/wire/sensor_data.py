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

from microserver.wire.decimal import put_floats, put_int

_RECEIVED = const(14)  # from the seconds of time_requested to those of time_received
_FIRST_VALUE = const(3)  # behind slot and times
_FORMATS = {"f": "HH", "i": "i", "q": "q", "?": "B"}


def wall_of(unix_seconds, micros):
    """The wall time of boot in small integers, as `Template.stamp` takes it."""
    # By way of strings: what comes out of MicroPython's long arithmetic stays long.
    return int(str(unix_seconds >> 14)), int(str(unix_seconds & 0x3FFF)), micros


class Template:
    """The entry of one shape.

    `layout`: what `entry_builder.build` gives for the shape; `codes`: the letters of its leaves in
    the order of storage.
    """

    def __init__(self, layout, codes=""):
        self.entry, self._times, slots, self._lengths = layout
        self._cuts = [offset for offset, code in slots if code == "s"]
        self._wall = self._memo = None
        self._seconds = self._taken = -1
        self._last = None
        self.strings = len(self._cuts)
        self.size = len(self.entry)  # without strings
        self._plan([slot for slot in slots if slot[1] != "s"], codes)

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

    def __init__(self, layout, raw_format, fields):
        self._fields = fields
        self._raw_format = raw_format
        super().__init__(layout)

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
