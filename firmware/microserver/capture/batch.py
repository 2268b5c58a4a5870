"""A frozen range of a ring's records, encoded for one upload; a retry gives the same bytes."""

import struct

from micropython import const

from microserver.capture.cursor import Cursor, RecordsGone
from microserver.capture.record import micros_of_steps, seconds_of_steps
from microserver.wire.sensor_data import wall_of

__all__ = ["Batch", "RecordsGone"]

_MICROS = const(1000000)
_FINE = const((1 << 30) - 1)  # a time since the last record up to here is in microseconds


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
        self._wall = wall_of(*wall)
        self._plan = (-1,) + 7 * (None,)
        self._memo = {}  # what the conversion of numbers wants to remember
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
        """
        ring = self._ring
        cursor = Cursor(ring)
        if cursor.next_sequence > self.first:
            raise RecordsGone("records of the batch were overwritten")
        cursor.overwritten = self._overwritten
        self._plan = (-1,) + 7 * (None,)
        view = memoryview(buffer)
        filled = 0
        while cursor.next_sequence < self.end:
            count = cursor.count
            end = self._fill(cursor, view, filled)
            if cursor.count > count:
                filled = end
                if cursor.at < cursor.limit:  # no room for one more
                    yield view[:filled]
                    filled = 0
            elif filled:
                yield view[:filled]
                filled = 0
            else:  # no room in the whole buffer
                entry = memoryview(bytearray(end))
                self._fill(cursor, entry, 0)
                for at in range(0, end, len(view)):
                    yield entry[at : at + len(view)]
        if filled:
            yield view[:filled]

    def _fill(self, cursor, view, filled):
        """Encodes records of one run behind `filled` bytes, as many as there is room for.

        Returns the number of bytes filled; of bytes needed, when there is no room for any.
        """
        ring = self._ring
        ring.front_held = True  # what is read stays where it is until it is encoded
        try:
            found = cursor.load()
            if not found or ring.lost != self._lost:
                raise RecordsGone("records of the batch are damaged")
            filled = self._encode(cursor, view, filled)
        finally:
            ring.front_held = False
        if cursor.next_sequence >= self.end:
            ring.freeze(cursor)
        return filled

    def _plan_of(self, slot):
        """What encoding a record of this slot needs, at hand for the inner loop."""
        schema = self._schemas[slot]
        template = schema.template
        template.use(self._wall, self._memo)
        return (
            slot,
            schema.size,
            template.size,
            template.strings,
            template.format,
            template.entry,
            template.patch,
            template,
        )

    def _encode(self, cursor, view, filled):
        data = cursor.buffer
        at = cursor.at
        limit = cursor.limit
        seconds = cursor.seconds
        micros = cursor.micros
        left = most = self.end - cursor.next_sequence
        room = len(view)
        unpack_from = struct.unpack_from
        slot, size, entry, strings, format, image, patch, template = self._plan
        while at < limit and left:
            if data[at] != slot:
                self._plan = self._plan_of(data[at])
                slot, size, entry, strings, format, image, patch, template = self._plan
            if strings:
                whole = cursor.size_at(at)
                entry = template.size + whole - size - 2 * strings
            if at + (whole if strings else size) > limit:
                break
            if filled + entry > room:
                if left == most:
                    return entry
                break
            values = unpack_from(format, data, at)
            since = values[1]
            if since <= _FINE:
                micros += since
            else:
                since &= _FINE
                seconds += seconds_of_steps(since)
                micros += micros_of_steps(since)
            if micros >= _MICROS:
                seconds += micros // _MICROS
                micros %= _MICROS
            patch(values, seconds, micros)
            if strings:
                template.put_strings(data, at + size, view, filled)
                at += whole
            else:
                view[filled : filled + entry] = image
                at += size
            filled += entry
            left -= 1
        cursor.passed(most - left, at, seconds, micros)
        return filled
