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

from micropython import const

from microserver.capture.record import RecordReader, Schemas

_POSITIONS = const(1 << 29)
copy_formats = {}  # size -> struct format of records that are copied in one step


class Ring:
    """Holds at most `cap_bytes` of records, `ram_bytes` of them in RAM and the rest in `pool`.

    Without a pool, or when it has too few sectors left, `cap` shrinks to `ram_bytes`.
    `first` and `end` are the sequence numbers of the oldest record and of the next one.
    """

    lost = spilled = 0  # of the class: they cost nothing until flash is used

    def __init__(self, cap_bytes, ram_bytes, pool=None):
        self._size = self.cap = self.limit = min(cap_bytes, ram_bytes)
        self.positions = _POSITIONS // self._size * self._size
        self.ram = bytearray(self._size)
        self.schemas = Schemas()
        self._reader = RecordReader(self.schemas)
        self.first = self.ram_first = self.end = 0
        # Positions of the end, of the front, and of the front of the part in RAM.
        self.end_position = self.front_position = self.ram_out = 0
        self.seconds = self.micros = 0  # requested time of the record before RAM's oldest
        self.front_held = False
        self.frozen = None  # what the ack of the last batch needs: numbers, not its cursor
        # Their sum is what overflow cost; `freed` goes down when overwritten ones were delivered.
        self.refused = self.overwritten = self.freed = 0
        self.rejected = self.laps = 0
        self.tail = None
        if pool and cap_bytes > ram_bytes:
            # Imported only here: a machine whose rings all fit in RAM saves the heap.
            from microserver.capture import flash_tail

            flash_tail.begin(self, pool, cap_bytes)

    def used(self):
        """Bytes of the records from the oldest to the newest."""
        return (self.end_position - self.front_position) % self.positions

    def ram_used(self):
        return (self.end_position - self.ram_out) % self.positions

    def records(self):
        """How many records are stored and readable."""
        return self.end - self.first - (self.tail.lost_ahead() if self.tail else 0)

    # The callback's side.

    def append(self, buffer, n):
        """Stores the record `buffer[:n]`; False when it was refused, which is counted.

        A full ring drops its oldest records.  Allocates nothing.
        """
        if n > self.limit:
            self.rejected += 1
            return False
        end = self.end_position
        positions = self.positions
        if self.tail and (end - self.ram_out) % positions + n > self._size:
            self.refused += 1
            return False
        while (end - self.front_position) % positions + n > self.cap:
            if self.front_held or not self._drop():
                self.refused += 1
                return False
        self._copy(buffer, n, end % self._size)
        self.schemas.last_used[buffer[0]] = self.end
        end += n
        if end >= positions:
            end -= positions
            self.laps += 1
        self.end_position = end
        self.end += 1
        return True

    def _copy(self, buffer, n, index):
        ram = self.ram
        size = self._size
        if n in copy_formats and index + n <= size:
            struct.pack_into(copy_formats[n], ram, index, buffer)  # slices would allocate
            return
        for at in range(n):
            ram[index] = buffer[at]
            index += 1
            if index == size:
                index = 0

    def _drop(self):
        """Drops the oldest record; False when it is in flash and its size is not known."""
        if self.first < self.ram_first:
            size = self.tail.pop_size()
            if not size:
                return False
        else:
            size = self.drop_from_ram()
        self.front_position = (self.front_position + size) % self.positions
        self.first += 1
        self.overwritten += 1
        return True

    def drop_from_ram(self):
        reader = self._reader
        reader.read(self.ram, self.ram_out % self._size, self._size)
        self.ram_out = (self.ram_out + reader.size) % self.positions
        self.ram_first += 1
        seconds = self.seconds + reader.seconds
        micros = self.micros + reader.micros
        if micros >= 1000000:
            micros -= 1000000
            seconds += 1
        self.seconds = seconds
        self.micros = micros
        return reader.size

    # The main loop's side.

    def freeze(self, cursor):
        """Notes where the batch ends that was just read: `cursor` stands there."""
        at = cursor.next_sequence, cursor.position, cursor.seconds, cursor.micros
        self.frozen = at + (cursor.overwritten, cursor.count)

    def ack(self, end):
        """Frees the records of the last frozen batch, those before `end`: they were delivered.

        Those that overflow overwrote meanwhile were delivered all the same: they do not count as
        dropped.  ValueError when `end` is not that of the last `freeze`.
        """
        if not self.frozen or self.frozen[0] != end:
            raise ValueError("no batch was frozen up to record %d" % end)
        _, position, seconds, micros, overwritten, count = self.frozen
        self.frozen = None
        self.front_held = True
        self.freed -= min(self.overwritten - overwritten, count)
        if end > self.first:
            self.front_position = position
            self.first = end
            if end > self.ram_first:
                self.ram_first = end
                self.ram_out = position
                self.seconds = seconds
                self.micros = micros
        if self.tail:
            self.tail.acknowledged()
        self.front_held = False

    def service(self, budget=4):
        """Moves records to flash when RAM is half full, in at most `budget` chunks.

        Call it often from the main loop: what does not fit in RAM between two calls is refused.
        """
        if self.tail:
            self.front_held = True
            try:
                self.tail.service(budget)
            finally:
                self.front_held = False
