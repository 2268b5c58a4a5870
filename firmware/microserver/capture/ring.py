"""A byte-exact FIFO of records: the newest in RAM, the oldest in flash, the index in RAM only.

The timer's callback appends, and drops the oldest records of a full ring; it touches RAM only and
allocates nothing.  Everything else runs in the main loop, which the callback may interrupt between
any two bytecodes.  Two rules keep that safe: only `append` moves the end, and whoever moves
the front in the main loop holds `front_held` meanwhile.  An append that would have to drop while
the front is held refuses its own record instead: one record is lost either way.

Positions are byte counts since the first record, modulo a multiple of the RAM size: `position %
RAM size` is an index.  docs/the_ring.md explains the rest.
"""

import struct
from array import array

from micropython import const

from microserver.capture.cursor import Cursor
from microserver.capture.flash_pool import CHUNK_HEADER, SECTOR, SECTOR_HEADER
from microserver.capture.record import RecordReader, Schemas

_USABLE = const(3840)  # of a sector, pessimistic: headers, and the gap where no record fits
_POSITIONS = const(1 << 29)
_TAIL_RECORDS = const(24)  # sizes of the oldest flash records, for drops in the callback
_TAIL_LOW = const(12)


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


class Ring:
    """Holds at most `cap_bytes` of records, `ram_bytes` of them in RAM and the rest in `pool`.

    Without a pool, or when it has too few sectors left, `cap` shrinks to `ram_bytes`.
    `first` and `end` are the sequence numbers of the oldest record and of the next one.
    """

    def __init__(self, cap_bytes, ram_bytes, pool=None):
        self._reserved = 0
        if pool and cap_bytes > ram_bytes:
            self._reserved = pool.reserve(-(-cap_bytes // _USABLE) + 2)
        self.pool = pool if self._reserved else None
        self._size = min(cap_bytes, ram_bytes)
        self.cap = cap_bytes if self.pool else self._size
        self._limit = min(self._size, len(pool.buffer) - CHUNK_HEADER) if self.pool else self._size
        self.positions = _POSITIONS // self._size * self._size
        self.ram = bytearray(self._size)
        self._copy_size = 0
        self._copy_format = ""
        self.schemas = Schemas()
        self._reader = RecordReader(self.schemas)
        self.first = self.ram_first = self.end = 0
        # Positions of the end, of the front, and of the front of the part in RAM.
        self.end_position = self.front_position = self.ram_out = 0
        self.seconds = self.micros = 0  # requested time of the record before RAM's oldest
        self.segments = []
        self.front_held = False
        self._tail_sizes = array("H", bytes(2 * _TAIL_RECORDS)) if self.pool else None
        self._tail_at = self._tail_end = 0
        self.frozen = None  # the cursor at the end of the last frozen batch
        self._refused = self.overwritten = self._delivered = self._freed = 0
        self.rejected = self.lost = self.spilled = self._laps = 0

    def used(self):
        """Bytes of the records from the oldest to the newest."""
        return (self.end_position - self.front_position) % self.positions

    def ram_used(self):
        return (self.end_position - self.ram_out) % self.positions

    def stored_bytes(self):
        """Bytes of all records that were ever stored."""
        return self._laps * self.positions + self.end_position

    def records(self):
        """How many records are stored and readable."""
        lost = sum([s.end - max(s.first, self.first) for s in self.segments if s.sector is None])
        return self.end - self.first - lost

    def dropped(self):
        """Records that overflow cost: overwritten before they were delivered, or refused."""
        return self._refused + self.overwritten + self._freed - self._delivered

    # The callback's side.

    def append(self, buffer, n):
        """Stores the record `buffer[:n]`; False when it was refused, which is counted.

        A full ring drops its oldest records.  Allocates nothing.
        """
        if n > self._limit:
            self.rejected += 1
            return False
        end = self.end_position
        positions = self.positions
        if self.pool and (end - self.ram_out) % positions + n > self._size:
            self._refused += 1
            return False
        while (end - self.front_position) % positions + n > self.cap:
            if self.front_held or not self._drop():
                self._refused += 1
                return False
        self._copy(buffer, n, end % self._size)
        self.schemas.last_used[buffer[0]] = self.end
        end += n
        if end >= positions:
            end -= positions
            self._laps += 1
        self.end_position = end
        self.end += 1
        return True

    def expect(self, n):
        """Prepares to copy records of `n` bytes: the first of a size would allocate in `append`."""
        self._copy_size = n
        self._copy_format = "%ds" % n

    def _copy(self, buffer, n, index):
        ram = self.ram
        size = self._size
        if index + n <= size:
            if n != self._copy_size:
                self.expect(n)
            struct.pack_into(self._copy_format, ram, index, buffer)  # slices would allocate
            return
        for at in range(n):
            ram[index] = buffer[at]
            index += 1
            if index == size:
                index = 0

    def _drop(self):
        """Drops the oldest record; False when it is in flash and its size is not known."""
        if self.first < self.ram_first:
            if self._tail_at >= self._tail_end:
                return False
            size = self._tail_sizes[self._tail_at]
            self._tail_at += 1
        else:
            size = self._drop_from_ram()
        self.front_position = (self.front_position + size) % self.positions
        self.first += 1
        self.overwritten += 1
        return True

    def _drop_from_ram(self):
        reader = self._reader
        reader.read(self.ram, self.ram_out % self._size, self._size)
        self.ram_out = (self.ram_out + reader.size) % self.positions
        self.ram_first += 1
        self._pass_time(reader)
        return reader.size

    def _pass_time(self, reader):
        seconds = self.seconds + reader.seconds
        micros = self.micros + reader.micros
        if micros >= 1000000:
            micros -= 1000000
            seconds += 1
        self.seconds = seconds
        self.micros = micros

    # The main loop's side.

    def ack(self, end):
        """Frees the records of the last frozen batch, those before `end`: they were delivered.

        Those that overflow overwrote meanwhile were delivered all the same: they do not count as
        dropped.  ValueError when `end` is not that of the last `frozen`.
        """
        cursor = self.frozen
        if cursor is None or cursor.next_sequence != end:
            raise ValueError("no batch was frozen up to record %d" % end)
        self.frozen = None
        self.front_held = True
        self._delivered += min(self.overwritten - cursor.overwritten, cursor.count)
        if end > self.first:
            self._move_front(end, cursor.position)
            if end > self.ram_first:
                self.ram_first = end
                self.ram_out = cursor.position
                self.seconds = cursor.seconds
                self.micros = cursor.micros
        self._release_segments()
        self.front_held = False

    def service(self, budget=4):
        """Moves records to flash when RAM is half full, in at most `budget` chunks.

        Call it often from the main loop: what does not fit in RAM between two calls is refused.
        """
        if not self.pool:
            return
        self.front_held = True
        self._release_segments()
        while budget and self.pool and self.ram_used() > self._size // 2:
            budget -= 1
            self._spill()
        if self._tail_end - self._tail_at < _TAIL_LOW and self.cap - self.used() < self._size:
            self._learn_tail()
        self.front_held = False
        if self.segments:
            self.pool.service()

    def close(self):
        """Gives all its flash back to the pool; the ring is not usable any more."""
        for segment in self.segments:
            self._give_back(segment)
        self.segments = []
        if self.pool:
            self.pool.unreserve(self._reserved)

    def lose(self, segment, sequence, position):
        """The records from `sequence` at `position` to the end of `segment` are not readable."""
        first = max(sequence, self.first)
        self.lost += segment.end - first
        index = self.segments.index(segment)
        gone = Segment(None)
        gone.begin(0, sequence, position, 0, 0)
        gone.end = segment.end
        segment.bad = True
        segment.end = sequence
        self.segments.insert(index + 1, gone)
        self._tail_at = self._tail_end = 0

    def segment_of(self, sequence):
        """The segment that holds a record which is in flash."""
        for segment in self.segments:
            if sequence < segment.end:
                return segment
        raise ValueError("record %d is not in flash" % sequence)

    def end_of(self, segment):
        """The position behind the last record of a segment, and the time of that record."""
        index = self.segments.index(segment) + 1
        behind = self.segments[index] if index < len(self.segments) else None
        if behind is None:
            return self.ram_out, self.seconds, self.micros
        return behind.position, behind.seconds, behind.micros

    def _move_front(self, end, position):
        self.front_position = position
        self.first = end
        self._tail_at = self._tail_end = 0

    def _release_segments(self):
        segments = self.segments
        while segments:
            oldest = segments[0]
            if oldest.sector is None and self.first >= oldest.first:
                if self.first < oldest.end:
                    self._move_front(oldest.end, self.end_of(oldest)[0])
            elif self.first < oldest.end or (len(segments) == 1 and not oldest.bad):
                return  # the last one still has room for more chunks
            self._give_back(segments.pop(0))

    def _give_back(self, segment):
        if segment.sector is not None:
            self.pool.give(segment.sector, segment.bad)

    def _spill(self):
        """Writes one chunk of RAM's oldest records."""
        segment = self._open_segment()
        size = self._collect(SECTOR - segment.fill) if segment else 0
        if not size:
            segment = self._new_segment()
            if not segment:
                return
            size = self._collect(SECTOR - segment.fill)
        if not self.pool.write(segment.sector, segment.fill, size, self.ram_first):
            segment.bad = True  # what it holds is safe, and this chunk is still in RAM
            return
        segment.fill += CHUNK_HEADER + size
        end = (self.ram_out + size) % self.positions
        while self.ram_out != end:
            self._drop_from_ram()
            self.spilled += 1
        segment.end = self.ram_first

    def _open_segment(self):
        """The newest segment, when chunks can still be added to it."""
        segment = self.segments[-1] if self.segments else None
        if not segment or segment.bad or segment.sector is None:
            return None
        if self.pool.is_sealed(segment.sector):
            return None
        if segment.end != self.ram_first:  # all of it was delivered: begin anew where it stands
            self._begin(segment)
        return segment

    def _begin(self, segment):
        """The segment's first record will be RAM's oldest."""
        first = segment.end = self.ram_first
        segment.begin(segment.fill, first, self.ram_out, self.seconds, self.micros)

    def _collect(self, room):
        """Copies whole records from RAM's front into the pool's buffer; returns their size."""
        buffer = self.pool.buffer
        room = min(room, len(buffer)) - CHUNK_HEADER
        reader = self._reader
        ram_size = self._size
        start = self.ram_out % ram_size
        stored = self.ram_used()
        size = 0
        while size < stored:
            reader.read(self.ram, (start + size) % ram_size, ram_size)
            if size + reader.size > room:
                break
            size += reader.size
        part = min(size, ram_size - start)
        ram = memoryview(self.ram)
        self.pool.owner = None
        buffer[CHUNK_HEADER : CHUNK_HEADER + part] = ram[start : start + part]
        buffer[CHUNK_HEADER + part : CHUNK_HEADER + size] = ram[: size - part]
        return size

    def _new_segment(self):
        if self.segments and self.segments[-1].sector is not None:
            self.pool.seal(self.segments[-1].sector)
        sector = self.pool.take()
        if sector is None and self.segments:  # too many bad ones: the oldest records must go
            oldest = self.segments[0]
            self._freed += max(0, oldest.end - self.first)
            if oldest.end > self.first:
                self._move_front(oldest.end, self.end_of(oldest)[0])
            self._give_back(self.segments.pop(0))
            sector = self.pool.take()
        if sector is None:
            if not self.segments:  # go on in RAM alone
                self.pool.unreserve(self._reserved)
                self.pool = None
                self.cap = self._limit = self._size
            return None
        segment = Segment(sector)
        self._begin(segment)
        self.segments.append(segment)
        return segment

    def _learn_tail(self):
        """Reads the sizes of the oldest records in flash, so that `_drop` knows them."""
        cursor = Cursor(self)
        count = 0
        while count < _TAIL_RECORDS and cursor.next_sequence < self.ram_first and cursor.next():
            if cursor.next_sequence != self.first + count + 1:
                break  # lost records lie between
            self._tail_sizes[count] = cursor.at - cursor.start
            count += 1
        self._tail_at = 0
        self._tail_end = count
