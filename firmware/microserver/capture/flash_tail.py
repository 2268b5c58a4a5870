"""The part of a ring that is in flash: spilling to it, finding in it, and giving it back.

All of this runs in the main loop; only `pop_size` is called by the timer's callback.
"""

from array import array

from micropython import const

from microserver.capture.cursor import Cursor
from microserver.capture.flash_pool import CHUNK_HEADER, SECTOR, SECTOR_HEADER
from microserver.capture.record import RecordReader

_USABLE = const(3840)  # of a sector, pessimistic: headers, and the gap where no record fits
_KNOWN_SIZES = const(24)  # of the oldest flash records, for drops in the callback
_FEW_SIZES = const(12)


def begin(ring, pool, cap_bytes):
    """Extends `ring` to `cap_bytes` in flash, if the pool has enough sectors left."""
    sectors = -(-cap_bytes // _USABLE) + 2  # one is partly free, and one partly written
    if pool.reserve(sectors):
        ring.tail = FlashTail(ring, pool, sectors)
        ring.cap = cap_bytes
        ring.limit = min(ring.limit, pool.largest)


class Segment:
    """The records [first, end) of one ring in one sector; `sector` None: they are lost."""

    def __init__(self, sector):
        self.sector = sector
        self.end = 0
        self.fill = SECTOR_HEADER  # offset behind the last chunk
        self.bad = False  # nothing more is written to it

    def begin(self, start, first, position, seconds, micros):
        """`start`: offset of the chunk that begins with the record `first`, at `position`;
        `seconds`, `micros`: the requested time of the record before it."""
        self.start = start
        self.first = first
        self.position = position
        self.seconds = seconds
        self.micros = micros


class FlashTail:
    """The oldest records of `ring`, in sectors of `pool`, of which `reserved` are set aside."""

    def __init__(self, ring, pool, reserved):
        self._ring = ring
        self._reserved = reserved
        self._sizes = array("H", bytes(2 * _KNOWN_SIZES))
        self._at = self._end = 0
        self.pool = pool
        self.segments = []

    def pop_size(self):
        """The size of the oldest record, which is dropped now; 0 when it is not known."""
        at = self._at
        if at >= self._end:
            return 0
        self._at = at + 1
        return self._sizes[at]

    def lost_ahead(self):
        """How many of the records between front and RAM are not readable."""
        first = self._ring.first
        return sum([s.end - max(s.first, first) for s in self.segments if s.sector is None])

    def move_front(self, end, position):
        """The oldest record is now number `end`, at `position`; the front is held."""
        ring = self._ring
        ring.front_position = position
        ring.first = end
        self._at = self._end = 0

    def service(self, budget):
        """Spills, in at most `budget` chunks, and learns what the callback may need to know."""
        ring = self._ring
        self.release()
        half = len(ring.ram) // 2
        while budget and ring.ram_used() > half and ring.tail:
            budget -= 1
            self._spill()
        if self._end - self._at < _FEW_SIZES and ring.cap - ring.used() < 2 * half:
            self._learn_sizes()
        if self.segments:
            self.pool.service()

    def acknowledged(self):
        """The front was moved by an ack."""
        self._at = self._end = 0
        self.release()

    def lose(self, segment, sequence, position):
        """The records from `sequence` at `position` to the end of `segment` are not readable."""
        ring = self._ring
        first = max(sequence, ring.first)
        ring.lost += segment.end - first
        index = self.segments.index(segment)
        gone = Segment(None)
        gone.begin(0, sequence, position, 0, 0)
        gone.end = segment.end
        segment.bad = True
        segment.end = sequence
        self.segments.insert(index + 1, gone)
        self._at = self._end = 0

    def segment_of(self, sequence):
        """The segment that holds a record which is in flash."""
        for segment in self.segments:
            if sequence < segment.end:
                return segment
        raise ValueError("record %d is not in flash" % sequence)

    def end_of(self, segment):
        """The position behind the last record of a segment, and the time of that record."""
        ring = self._ring
        index = self.segments.index(segment) + 1
        behind = self.segments[index] if index < len(self.segments) else None
        if behind is None:
            return ring.ram_out, ring.seconds, ring.micros
        return behind.position, behind.seconds, behind.micros

    def release(self):
        """Gives back the segments whose records are all gone; skips lost ones at the front."""
        ring = self._ring
        segments = self.segments
        while segments:
            oldest = segments[0]
            if oldest.sector is None and ring.first >= oldest.first:
                if ring.first < oldest.end:
                    self.move_front(oldest.end, self.end_of(oldest)[0])
            elif ring.first < oldest.end or (len(segments) == 1 and not oldest.bad):
                return  # the last one still has room for more chunks
            self._give_back(segments.pop(0))

    def _give_back(self, segment):
        if segment.sector is not None:
            self.pool.give(segment.sector, segment.bad)

    def _spill(self):
        """Writes one chunk of RAM's oldest records."""
        ring = self._ring
        segment = self._open_segment()
        size = self._collect(SECTOR - segment.fill) if segment else 0
        if not size:
            segment = self._new_segment()
            if not segment:
                return
            size = self._collect(SECTOR - segment.fill)
        if not self.pool.write(segment.sector, segment.fill, size, ring.ram_first):
            segment.bad = True  # what it holds is safe, and this chunk is still in RAM
            return
        segment.fill += CHUNK_HEADER + size
        end = (ring.ram_out + size) % ring.positions
        while ring.ram_out != end:
            ring.drop_from_ram()
            ring.spilled += 1
        segment.end = ring.ram_first

    def _open_segment(self):
        """The newest segment, when chunks can still be added to it."""
        ring = self._ring
        segment = self.segments[-1] if self.segments else None
        if not segment or segment.bad or segment.sector is None:
            return None
        if self.pool.is_sealed(segment.sector):
            return None
        if segment.end != ring.ram_first:  # all of it was delivered: begin anew where it stands
            self._begin(segment)
        return segment

    def _begin(self, segment):
        """The segment's first record will be RAM's oldest."""
        ring = self._ring
        first = segment.end = ring.ram_first
        segment.begin(segment.fill, first, ring.ram_out, ring.seconds, ring.micros)

    def _collect(self, room):
        """Copies whole records from RAM's front into the pool's buffer; returns their size."""
        ring = self._ring
        buffer = self.pool.buffer
        room = min(room, len(buffer)) - CHUNK_HEADER
        reader = RecordReader(ring.schemas)
        ram_size = len(ring.ram)
        start = ring.ram_out % ram_size
        stored = ring.ram_used()
        size = 0
        while size < stored:
            reader.read(ring.ram, (start + size) % ram_size, ram_size)
            if size + reader.size > room:
                break
            size += reader.size
        part = min(size, ram_size - start)
        ram = memoryview(ring.ram)
        self.pool.owner = None
        buffer[CHUNK_HEADER : CHUNK_HEADER + part] = ram[start : start + part]
        buffer[CHUNK_HEADER + part : CHUNK_HEADER + size] = ram[: size - part]
        return size

    def _new_segment(self):
        ring = self._ring
        if self.segments and self.segments[-1].sector is not None:
            self.pool.seal(self.segments[-1].sector)
        sector = self.pool.take()
        if sector is None and self.segments:  # too many bad ones: the oldest records must go
            oldest = self.segments[0]
            if oldest.end > ring.first:
                if oldest.sector is not None:
                    ring.freed += oldest.end - ring.first
                self.move_front(oldest.end, self.end_of(oldest)[0])
            self._give_back(self.segments.pop(0))
            sector = self.pool.take()
        if sector is None:
            if not self.segments:  # go on in RAM alone
                self.pool.reserved -= self._reserved
                ring.tail = None
                ring.cap = ring.limit = len(ring.ram)
            return None
        segment = Segment(sector)
        self._begin(segment)
        self.segments.append(segment)
        return segment

    def _learn_sizes(self):
        """Reads the sizes of the oldest records in flash, for the callback."""
        ring = self._ring
        cursor = Cursor(ring)
        count = 0
        while count < _KNOWN_SIZES and cursor.next_sequence < ring.ram_first and cursor.next():
            if cursor.next_sequence != ring.first + count + 1:
                break  # lost records lie between
            self._sizes[count] = cursor.at - cursor.start
            count += 1
        self._at = 0
        self._end = count
