"""Walks a ring's records from the oldest to the newest while capture goes on.

Flash is read chunk by chunk into the pool's one buffer; when someone else used the buffer
meanwhile, the chunk is read again.  RAM is read where it is.
"""

from micropython import const

from microserver.capture.flash_pool import CHUNK_HEADER
from microserver.capture.record import RecordReader

_UNWRAPPED = const(1 << 20)
_MICROS = const(1000000)


class RecordsGone(Exception):
    """Overflow or flash corruption took records that were to be read."""


class Cursor:
    """Where the walk stands: `next_sequence`, `position`, and the requested time of the record
    passed last, `seconds` and `micros` since boot.

    `load` brings whole records into `buffer[at:limit]`; `passed` says how many of them were used.
    `next` does both for one record, which is then at `buffer[start:at]` and has the number
    `next_sequence - 1`.
    """

    def __init__(self, ring):
        self._ring = ring
        self._reader = RecordReader(ring.schemas)
        self.buffer = None
        self.start = self.at = self.limit = 0
        self._segment = None
        self._offset = self._size = 0  # of the chunk
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
        try:
            if not self.load():
                return False
            self._pass_one()
            return True
        finally:
            ring.front_held = held

    def _pass_one(self):
        reader = self._reader
        reader.read(self.buffer, self.at, _UNWRAPPED)
        self.start = self.at
        seconds = self.seconds + reader.seconds
        self.passed(1, self.at + reader.size, seconds, self.micros + reader.micros)

    def passed(self, count, at, seconds, micros):
        """`count` records were used, the last of which ends at `buffer[at]` and has this time;
        `micros` may be up to a second below or above its range."""
        self.position = (self.position + at - self.at) % self._ring.positions
        self.at = at
        self.next_sequence += count
        self.count += count
        self.seconds = seconds + micros // _MICROS
        self.micros = micros % _MICROS

    def size_at(self, at):
        """The size of the record at `buffer[at]`, even if it goes beyond `limit`."""
        self._reader.read(self.buffer, at, len(self.buffer))
        return self._reader.size

    def load(self):
        """Brings the next records into the buffer, which is theirs until the front is let go.

        The front of the ring must be held.  False at the end; RecordsGone.
        """
        ring = self._ring
        while True:
            sequence = self.next_sequence
            if sequence >= ring.end:
                return False
            if sequence < ring.first:
                raise RecordsGone("record %d was overwritten" % sequence)
            if sequence >= ring.ram_first:
                self._load_ram(ring)
                return True
            if self._segment and self.at < self.limit and ring.tail.pool.owner is self:
                return True
            if self._load(ring):
                return True

    def _load_ram(self, ring):
        size = len(ring.ram)
        stored = (ring.end_position - self.position) % ring.positions
        self._segment = None
        self.buffer = ring.ram
        self.at = self.position % size
        self.limit = min(self.at + stored, size)
        if self.at + stored > size:
            self._reader.read(ring.ram, self.at, size)
            over = self.at + self._reader.size - size
            if over > 0:  # the record that crosses the end of RAM, once per lap
                self.buffer = bytes(ring.ram[self.at :]) + bytes(ring.ram[:over])
                self.at = 0
                self.limit = self._reader.size

    def _load(self, ring):
        """Brings the next record's chunk into the buffer; False when that record is lost."""
        target = self.next_sequence
        segment = ring.tail.segment_of(target)
        if segment.sector is None:
            self.next_sequence = segment.end
            self.position, self.seconds, self.micros = ring.tail.end_of(segment)
            return False
        if segment is not self._segment:  # walk there: times and places add up from its start
            self._segment = segment
            self._offset = segment.start
            self.at = self.limit = self._size = 0
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
        pool = ring.tail.pool
        while True:
            if self.at >= self.limit:
                self._offset += self._size
                self.at = CHUNK_HEADER
                self._chunk_first = self.next_sequence
                self._chunk_position = self.position
            size = pool.read(segment.sector, self._offset, self._chunk_first)
            if not size:
                ring.tail.lose(segment, self._chunk_first, self._chunk_position)
                self._segment = None
                return False
            pool.owner = self
            self.buffer = pool.buffer
            self.limit = self._size = CHUNK_HEADER + size
            while self.at < self.limit and self.next_sequence < target:
                self._pass_one()
            if self.at < self.limit:
                return True
            if self.next_sequence <= ring.first:  # the next cursor need not walk this chunk again
                end = self._offset + self._size
                segment.begin(end, self.next_sequence, self.position, self.seconds, self.micros)
