"""Walks a ring's records from the oldest to the newest while capture goes on.

Flash is read chunk by chunk into the pool's one buffer; when someone else used the buffer meanwhile,
the chunk is read again.  RAM is read where it is.
"""

from microserver.capture.flash_pool import CHUNK_HEADER
from microserver.capture.record import RecordReader

_UNWRAPPED = 1 << 20


class RecordsGone(Exception):
    """Overflow or flash corruption took records that were to be read."""


class Cursor:
    """After `next()` returned True: `sequence`, `buffer`, `at`, `strings_at`, `record` (a
    RecordReader) and the requested time `seconds`, `micros` since boot."""

    def __init__(self, ring):
        self._ring = ring
        self.record = RecordReader(ring.schemas)
        self.buffer = ring.ram
        self.at = self.strings_at = self.sequence = 0
        self._segment = None
        self._offset = self._at = self._limit = 0  # of the chunk, and in the buffer
        self._chunk_first = self._chunk_position = 0
        self.count = 0  # records passed
        held = ring.front_held
        ring.front_held = True
        self.overwritten = ring.overwritten
        self.next_sequence = ring.first
        self.position = ring.front_position
        self.seconds = ring.seconds  # right in RAM; flash sets it
        self.micros = ring.micros
        ring.front_held = held

    def next(self):
        """Goes on to the next record; False at the end, RecordsGone when it exists no more."""
        ring = self._ring
        held = ring.front_held
        ring.front_held = True
        while True:
            sequence = self.next_sequence
            gone = sequence < ring.first
            found = not gone and sequence < ring.end
            if not found:
                break
            if sequence >= ring.ram_first:
                self._read_ram(ring)
                break
            if self._at < self._limit and ring.pool.owner is self or self._load(ring):
                self._read_chunk(ring.pool.buffer)
                break
        ring.front_held = held
        if gone:
            raise RecordsGone("record %d was overwritten" % sequence)
        return found

    def _read_ram(self, ring):
        size = len(ring.ram)
        at = self.position % size
        record = self.record
        record.read(ring.ram, at, size)
        self.strings_at = record.strings_at
        if at + record.size <= size:
            self.buffer = ring.ram
        else:  # once per lap
            self.buffer = bytes(ring.ram[at:]) + bytes(ring.ram[: at + record.size - size])
            self.strings_at -= at
            at = 0
        self.at = at
        self._pass(ring)

    def _read_chunk(self, buffer):
        record = self.record
        record.read(buffer, self._at, _UNWRAPPED)
        self.buffer = buffer
        self.at = self._at
        self.strings_at = record.strings_at
        self._at += record.size
        self._pass(self._ring)

    def _pass(self, ring):
        record = self.record
        self.sequence = self.next_sequence
        self.next_sequence += 1
        self.count += 1
        self.position = (self.position + record.size) % ring.positions
        self.seconds += record.seconds
        self.micros += record.micros
        if self.micros >= 1000000:
            self.micros -= 1000000
            self.seconds += 1

    def step_back(self):
        """Ends before the record just read; no `next` may follow."""
        record = self.record
        self.next_sequence = self.sequence
        self.count -= 1
        self.position = (self.position - record.size) % self._ring.positions
        self.seconds -= record.seconds
        self.micros -= record.micros
        if self.micros < 0:
            self.micros += 1000000
            self.seconds -= 1

    def _load(self, ring):
        """Brings the next record's chunk into the buffer; False when that record is lost."""
        target = self.next_sequence
        segment = ring.segment_of(target)
        if segment.sector is None:
            self.next_sequence = segment.end
            self.position, self.seconds, self.micros = ring.end_position(segment)
            return False
        if segment is not self._segment:  # walk there: times and places add up from its start
            self._segment = segment
            self._offset = segment.start
            self._at = self._limit = 0
            self.next_sequence = segment.first
            self.position = segment.position
            self.seconds = segment.seconds
            self.micros = segment.micros
        count = self.count
        found = self._find(ring, segment, target)
        self.next_sequence = target
        self.count = count
        return found

    def _find(self, ring, segment, target):
        pool = ring.pool
        while True:
            if self._at >= self._limit:
                self._offset += self._limit
                self._at = CHUNK_HEADER
                self._chunk_first = self.next_sequence
                self._chunk_position = self.position
            size = pool.read(segment.sector, self._offset, self._chunk_first)
            if not size:
                ring.lose(segment, self._chunk_first, self._chunk_position)
                self._segment = None
                return False
            pool.owner = self
            self._limit = CHUNK_HEADER + size
            while self._at < self._limit and self.next_sequence < target:
                self._read_chunk(pool.buffer)
            if self._at < self._limit:
                return True
            if self.next_sequence <= ring.first:  # the next cursor need not walk this chunk again
                end = self._offset + self._limit
                segment.begin(end, self.next_sequence, self.position, self.seconds, self.micros)
