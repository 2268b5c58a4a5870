"""A frozen range of a ring's records, as encoded entries of one upload; a retry gives the same bytes."""

from microserver.capture.cursor import Cursor, RecordsGone
from microserver.wire.sensor_data import wall_of

__all__ = ["Batch", "RecordsGone"]


class Batch:
    """As many of the oldest records as encode to `max_bytes`; at least one, if there is any.

    `first` and `end` are sequence numbers, `count` is how many records there are, `size` the sum of
    their encoded bytes.  `wall`: `Clock.wall`, frozen with the batch.  `id` names the batch for as
    long as it lives, even when overflow makes it shrink: what was stored once under this name
    need not be stored again.
    """

    def __init__(self, ring, schemas, wall, max_bytes=32000):
        self._ring = ring
        self._schemas = schemas
        self._wall = wall_of(*wall)
        self._max_bytes = max_bytes
        self._freeze(None)
        self.id = self.end

    def refreeze(self):
        """Measures again if records of it are gone; False when none is left."""
        if self._ring.first > self.first or self._ring.lost != self._lost:
            self._freeze(self.end)
        return self.count > 0

    def _freeze(self, end):
        ring = self._ring
        while True:
            cursor = Cursor(ring)
            try:
                self._measure(cursor, end)
                break
            except RecordsGone:  # overflow was faster; what remains is measured anew
                continue
        self._lost = ring.lost
        ring.frozen = cursor
        self.end = cursor.next_sequence
        self.count = cursor.count

    def _measure(self, cursor, end):
        self.first = cursor.next_sequence
        self.size = 0
        while end is None or cursor.next_sequence < end:
            if not cursor.next():
                return
            size = self._template(cursor).size_of(cursor.buffer, cursor.strings_at)
            if end is not None and cursor.sequence >= end or size + self.size > self._max_bytes:
                if self.size:
                    cursor.step_back()
                    return
            if not self.size:
                self.first = cursor.sequence
            self.size += size

    def _template(self, cursor):
        return self._schemas[cursor.buffer[cursor.at]].template

    def parts(self, buffer):
        """The encoded entries as views of at most `len(buffer)` bytes, which `buffer` may hold.

        RecordsGone when overflow or corruption took a record of the batch; see `refreeze`.
        """
        ring = self._ring
        view = memoryview(buffer)
        try:
            ring.front_held = True  # while a record is read and encoded
            cursor = Cursor(ring)
            filled = 0
            while cursor.next_sequence < self.end:
                entry = self._next_entry(cursor, view, filled)
                if isinstance(entry, int):
                    filled = entry
                    continue
                ring.front_held = False
                if filled:
                    yield view[:filled]
                for at in range(0, len(entry) - len(view), len(view)):
                    yield memoryview(entry)[at : at + len(view)]
                rest = (len(entry) - 1) % len(view) + 1
                view[:rest] = entry[len(entry) - rest :]
                filled = rest
                ring.front_held = True
        finally:
            ring.front_held = False
        if filled:
            yield view[:filled]

    def _next_entry(self, cursor, view, filled):
        """Encodes behind the `filled` bytes; returns how many there are then, or, when there is no
        room, the entry as a buffer of its own."""
        if self._ring.first > self.first or not cursor.next() or self._ring.lost != self._lost:
            raise RecordsGone("records of the batch were overwritten")
        template = self._template(cursor)
        record = cursor.record
        template.stamp(
            self._wall, cursor.seconds, cursor.micros, record.taken_seconds, record.taken_micros
        )
        end = filled + template.size_of(cursor.buffer, cursor.strings_at)
        if end > len(view):
            entry = bytearray(end - filled)
            template.encode(cursor.buffer, cursor.at, cursor.strings_at, entry, 0)
            return entry
        return template.encode(cursor.buffer, cursor.at, cursor.strings_at, view, filled)
