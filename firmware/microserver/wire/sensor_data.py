"""One stored reading as its entry of DataCaptureUploadRequest, by patching a template.

    12 len | SensorData { 0a 1c SensorMetadata { time_requested, time_received }, 12 len Struct }

The entry of a shape is built once, with every length in place.  Then only the times and the
numbers that changed since the last reading are written into it.  Times have fixed places because
their varints are padded, which every protobuf reader accepts.  Only strings change the size:
lengths around a string are padded to three bytes and added up per reading.
"""

import struct

from microserver.wire.decimal import float_writer, put_int


def put_seconds(entry, at, seconds, wall):
    """Writes `seconds` since boot as a Timestamp's seconds: a varint of five bytes.

    `wall`: the unix seconds of boot above 14 bits, the lower 14 bits, and anything else.
    """
    high, low, _ = wall
    low += seconds & 0x3FFF
    high += (seconds >> 14) + (low >> 14)
    entry[at] = low & 127 | 128
    entry[at + 1] = low >> 7 & 127 | 128
    entry[at + 2] = high & 127 | 128
    entry[at + 3] = high >> 7 & 127 | 128
    entry[at + 4] = high >> 14 & 127


class Template:
    """The entry of one shape, as `entry_builder` lays it out.

    `entry`: the bytes, without strings `size` of them; `times`: where the seconds of
    time_requested are; `format`: of a record's payload, its byte order first; `floats`: the places
    that `float_writer` takes; `others`: (struct format, offset in the record, place, whether it is
    a boolean); `cuts`: where strings go; `lengths`: (offset, length without strings, number of the
    first string inside, of the first one behind).  `scales`: for raw fields (offset in `scaled`,
    struct format, offset in the record, factor, addend).
    """

    entry: "bytearray"
    floats: "list"
    others: "list"
    cuts: "list"
    lengths: "list"
    scaled: "bytearray"
    scales = ()

    def __init__(self, layout, codes, fields=()):
        layout.fill(self, codes, fields)
        self.strings = len(self.cuts)
        self.size = len(self.entry)

    def writer(self, memo):
        """A function that is called with (bytes, start) of a record and puts its values into the
        entry, if they are not those of the call before.  `memo`: see `float_writer`."""
        for place in self.floats:
            place[2] = place[3] = -1
        for place in self.others:
            place[4] = None
        writer = float_writer(self.floats, self.entry, memo)
        next(writer)
        if not self.others and not self.scales:
            return writer.send
        all_values = self._write_all(writer.send)
        next(all_values)
        return all_values.send

    def _write_all(self, write_floats):
        """A generator, for the same reason as `float_writer`."""
        entry = self.entry
        unpack_from = struct.unpack_from
        while True:
            record = yield
            data, start = record
            for place in self.others:
                format, offset, at, boolean, last = place
                value = unpack_from(format, data, start + offset)[0]
                if value != last:
                    place[4] = value
                    if boolean:
                        entry[at] = 1 if value else 0
                    else:
                        put_int(value, entry, at)
            for place, format, offset, scale, add in self.scales:
                value = unpack_from(format, data, start + offset)[0] * scale
                struct.pack_into("<f", self.scaled, place, value + add if add else value)
            write_floats((self.scaled, 0) if self.scales else record)

    def size_of(self, buffer, strings_at):
        """The size of a record's entry; `strings_at`: where the record's strings start."""
        size = self.size
        for _ in self.cuts:
            length = buffer[strings_at] | buffer[strings_at + 1] << 8
            size += length
            strings_at += 2 + length
        return size

    def put_strings(self, buffer, strings_at, out, to):
        """Copies the entry to `out` with the strings in their places; adds up lengths."""
        entry = memoryview(self.entry)
        done = total = 0
        totals = [0]
        for cut in self.cuts:
            size = 2 + (buffer[strings_at] | buffer[strings_at + 1] << 8)
            at = to + total
            out[at + done : at + cut] = entry[done:cut]
            at += cut
            out[at : at + size - 2] = memoryview(buffer)[strings_at + 2 : strings_at + size]
            strings_at += size
            total += size - 2
            totals.append(total)
            done = cut
        out[to + total + done : to + total + self.size] = entry[done:]
        for offset, size, first, behind in self.lengths:
            size += totals[behind] - totals[first]
            at = to + offset + totals[first]
            out[at] = size & 127 | 128
            out[at + 1] = size >> 7 & 127 | 128
            out[at + 2] = size >> 14
