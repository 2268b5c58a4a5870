"""A frozen range of a ring's records, encoded for one upload; a retry gives the same bytes."""

import struct

from micropython import const

from microserver.capture.cursor import Cursor, RecordsGone
from microserver.capture.record import micros_of_steps, seconds_of_steps
from microserver.wire.sensor_data import put_seconds

_MICROS = const(1000000)
_FINE = const((1 << 30) - 1)  # a time since the last record up to here is in microseconds
# Behind the place of time_requested's seconds: its nanos, time_received's seconds, its nanos.
_NANOS = const(6)
_RECEIVED = const(14)
_RECEIVED_NANOS = const(20)


class Batch:
    """As many of the oldest records as encode to `max_bytes`; at least one, if there is any.

    `first` and `end` are sequence numbers, `count` is how many records there are, `size` the sum
    of their encoded bytes.  `wall`: `Clock.wall`, frozen with the batch.  `id` names the batch
    for as long as it lives, even when overflow makes it shrink: what was stored once under this
    name need not be stored again.
    """

    def __init__(self, ring, schemas, wall, max_bytes=32000):
        self._ring = ring
        self._schemas = schemas
        seconds, micros = wall
        # By way of strings: what comes out of MicroPython's long arithmetic stays long.
        self._wall = int(str(seconds >> 14)), int(str(seconds & 0x3FFF)), micros
        self._max_bytes = max_bytes
        self._freeze(None)
        self.id = self.end

    def refreeze(self):
        """Measures again if records of it are gone; False when none is left."""
        if self._ring.first > self.first or self._ring.lost != self._lost:
            self._freeze(self.end)
        return self.count > 0

    def _freeze(self, end):
        """Measures up to record `end`, or to the newest one."""
        ring = self._ring
        self._lost = ring.lost
        ring.front_held = True  # these two belong together
        self._overwritten = ring.overwritten
        self.first = ring.first
        ring.front_held = False
        slot = self._schemas.only_slot(ring.first)
        end = ring.end if end is None else end
        if slot < 0 or ring.records() < ring.end - ring.first:
            self._walk(end)
        else:  # entries of one size
            size = self._schemas[slot].template.size
            count = max(0, min(end - self.first, max(1, self._max_bytes // size)))
            self._set(count, self.first + count, count * size)

    def _set(self, count, end, size):
        self.count = count
        self.end = end
        self.size = size

    def _walk(self, end):
        cursor = Cursor(self._ring)
        total = 0
        try:
            self._set(0, cursor.next_sequence, 0)
            while cursor.next_sequence < end and cursor.next():
                schema = self._schemas[cursor.buffer[cursor.start]]
                total += schema.template.size_of(cursor.buffer, cursor.start + schema.size)
                if cursor.next_sequence > end or (total > self._max_bytes and self.count):
                    break
                if not self.count:
                    self.first = cursor.next_sequence - 1
                self._set(cursor.count, cursor.next_sequence, total)
            self._lost = self._ring.lost
        except RecordsGone:  # overflow was faster; what remains is measured anew
            self._freeze(end)

    def parts(self, buffer):
        """The encoded entries as views of at most `len(buffer)` bytes, which `buffer` may hold.

        RecordsGone when overflow or corruption took a record of the batch; see `refreeze`.
        One long loop that keeps its state over the yields, because calls would cost more than
        the work: this is where an upload spends its time.
        """
        ring = self._ring
        cursor = Cursor(ring)
        if cursor.next_sequence > self.first:
            raise RecordsGone("records of the batch were overwritten")
        cursor.overwritten = self._overwritten
        # The interpreter is fastest with a function's first 16 variables: the busy ones.
        at = limit = filled = micros = micro = seconds = second = low = high = times = 0
        slot = requested = -1
        image = data = None
        unpack_from = struct.unpack_from
        pack_into = struct.pack_into
        wall = self._wall
        writers = {}  # what puts the values into the entry of a slot
        memo = {}  # what the conversion of floats wants to remember
        out = memoryview(buffer)
        room = len(out)
        end = self.end
        left = passed = end - cursor.next_sequence
        while left:
            ring.front_held = True  # what is read stays where it is until it is encoded
            try:
                if at >= limit or end - left < ring.ram_first:
                    if data:
                        cursor.passed(passed - left, at, seconds, micros - wall[2])
                    if not cursor.load() or ring.lost != self._lost:
                        raise RecordsGone("records of the batch are damaged")
                    left = passed = end - cursor.next_sequence
                    data = cursor.buffer
                    at = cursor.at
                    limit = cursor.limit
                    seconds = cursor.seconds
                    micros = cursor.micros + wall[2]
                if data[at] != slot:
                    slot = data[at]
                    schema = self._schemas[slot]
                    size = schema.size
                    template = schema.template
                    if slot not in writers:
                        writers[slot] = template.writer(memo)
                    write = writers[slot]
                    image = template.entry
                    times = template.times
                    time_format = template.format[0] + "IH"
                    strings = template.strings
                    entry = template.size
                    requested = received = -1  # seconds that the image shows
                if strings:
                    size = cursor.size_at(at)
                    entry = template.size + size - schema.size - 2 * strings
                count = min(left, (limit - at) // size, (room - filled) // entry)
                if at + size > limit:  # it goes beyond the end of RAM
                    limit = at
                elif entry > room:  # it fits in no part
                    count = not filled
                    if count:
                        room = entry
                        out = memoryview(bytearray(room))
                while count and data[at] == slot:
                    low, high = unpack_from(time_format, data, at + 1)
                    if low <= _FINE:
                        micros += low
                    else:
                        seconds += seconds_of_steps(low & _FINE)
                        micros += micros_of_steps(low & _FINE)
                    if micros >= _MICROS:
                        seconds += micros // _MICROS
                        micros %= _MICROS
                    if seconds != requested:
                        put_seconds(image, times, seconds, wall)
                        requested = seconds
                    micro = micros + (high if high < 0x8000 else (high & 0x7FFF) << 10)
                    second = seconds
                    # Nanoseconds are a varint of five bytes: two groups of 7 bits at a time.
                    low = micros * 1000
                    high = low >> 14
                    pack_into(
                        "<HHB",
                        image,
                        times + _NANOS,
                        (low & 0x3FFF) + (low & 0x3F80) + 0x8080,
                        (high & 0x3FFF) + (high & 0x3F80) + 0x8080,
                        high >> 14,
                    )
                    if micro >= _MICROS:
                        second += micro // _MICROS
                        micro %= _MICROS
                    if second != received:
                        put_seconds(image, times + _RECEIVED, second, wall)
                        received = second
                    low = micro * 1000
                    high = low >> 14
                    pack_into(
                        "<HHB",
                        image,
                        times + _RECEIVED_NANOS,
                        (low & 0x3FFF) + (low & 0x3F80) + 0x8080,
                        (high & 0x3FFF) + (high & 0x3F80) + 0x8080,
                        high >> 14,
                    )
                    write((data, at))
                    if strings:
                        template.put_strings(data, at + schema.size, out, filled)
                    else:
                        out[filled : filled + entry] = image
                    at += size
                    filled += entry
                    left -= 1
                    count = 0 if strings else count - 1
                if not left:
                    cursor.passed(passed, at, seconds, micros - wall[2])
                    ring.freeze(cursor)
            finally:
                ring.front_held = False
            if filled and (not left or filled + entry > room):
                if room == len(buffer):
                    yield out[:filled]
                else:
                    for start in range(0, filled, len(buffer)):
                        yield out[start : min(start + len(buffer), filled)]
                filled = 0
