"""Flash sectors for all rings, taken and given back in rotation, so that they wear evenly.

    sector: magic 4 | sequence u32 | erase count u32 | crc32 of these 12 | chunk | chunk | ...
    chunk:  length u16 | crc16 | whole records

The index of what is stored where is in RAM only: after a reset nothing old can be read.  From
the headers a new start learns only where the rotation stood and how often sectors were erased.
"""

import struct
from binascii import crc32

from micropython import const

SECTOR = 4096
SECTOR_HEADER = 16
CHUNK_HEADER = 4
_MAGIC = b"\xa5RF\x01"  # the last byte is the layout's version
_CHUNK_BYTES = const(512)


class FlashPool:
    """`device`: `sectors`, `read(sector, offset, view)`, `program(sector, offset, view)` (clears
    bits), `erase(sector)`, `seal(sector)`; failures are OSError.  A device with
    `is_sealed(sector)` is written once: reading a sector ends the writing.

    `buffer` is shared by all who read or write chunks; `owner` says whose chunk is in it.
    """

    def __init__(self, device, chunk_bytes=_CHUNK_BYTES):
        self.device = device
        self._write_once = hasattr(device, "is_sealed")
        self.buffer = memoryview(bytearray(chunk_bytes))
        self.largest = chunk_bytes - CHUNK_HEADER  # record that a chunk can hold
        self.owner = None
        self._header = memoryview(bytearray(SECTOR_HEADER))
        self._clean = []  # erased and headed, ready to be taken
        self.bad = self.erases = self.reserved = 0
        self.max_erases = 0
        self._free = self.rotation()

    def rotation(self):
        """All sectors, beginning behind the one that was taken last before the reset."""
        newest = self._sequence = -1
        for sector in range(self.device.sectors):
            known = self._read_header(sector)
            if known:
                if known[0] > self._sequence:
                    self._sequence, newest = known[0], sector
                self.max_erases = max(self.max_erases, known[1])
        return list(range(newest + 1, self.device.sectors)) + list(range(newest + 1))

    def _read_header(self, sector):
        """(sequence, erase count), or None when the sector was never used or is damaged."""
        header = self._header
        try:
            self.device.read(sector, 0, header)
        except OSError:
            return None
        magic, sequence, erases, check = struct.unpack("<4sIII", header)
        if magic == _MAGIC and check == crc32(header[:12]):
            return sequence, erases
        return None

    def reserve(self, count):
        """Sets sectors aside for a ring; False when there are not so many left."""
        if self.device.sectors - self.bad - self.reserved < count:
            return False
        self.reserved += count
        return True

    def take(self):
        """A sector to write to from SECTOR_HEADER on, or None."""
        while not self._clean and self._free:
            self._prepare()
        return self._clean.pop(0) if self._clean else None

    def give(self, sector, bad=False):
        """A sector comes back; a bad one is not used again until the next reset."""
        self.seal(sector)
        if bad:
            self.bad += 1
        else:
            self._free.append(sector)

    def service(self):
        """Erases one sector ahead of its need, when there is none."""
        if not self._clean and self._free and not self._write_once:
            self._prepare()

    def _prepare(self):
        sector = self._free.pop(0)
        known = self._read_header(sector)
        erases = known[1] + 1 if known else max(1, self.max_erases)  # they wear evenly
        self.owner = None
        try:
            ready = self._erase(sector) and self._write_header(sector, erases)
        except OSError:
            ready = False
        if ready:
            self.max_erases = max(self.max_erases, erases)
            self._clean.append(sector)
        else:
            self.bad += 1

    def _erase(self, sector):
        """False when the sector is not blank afterwards."""
        self.erases += 1
        self.device.erase(sector)
        buffer = self.buffer
        blank = b"\xff" * len(buffer)
        for offset in range(0, SECTOR, len(buffer)):
            self.device.read(sector, offset, buffer)
            if buffer != blank:
                return False
        return True

    def _write_header(self, sector, erases):
        self._sequence += 1
        header = self._header
        struct.pack_into("<4sII", header, 0, _MAGIC, self._sequence, erases)
        struct.pack_into("<I", header, 12, crc32(header[:12]))
        self.device.program(sector, 0, header)
        return self._write_once or self._read_header(sector) == (self._sequence, erases)

    def write(self, sector, offset, size, first):
        """Programs the chunk `buffer[CHUNK_HEADER:][:size]`, whose first record has the sequence
        number `first`; False when it does not read back.  The buffer is used up."""
        chunk = self.buffer[: CHUNK_HEADER + size]
        payload = chunk[CHUNK_HEADER:]
        before = crc32(payload, first)
        struct.pack_into("<HH", chunk, 0, size, before & 0xFFFF)
        self.owner = None
        try:
            self.device.program(sector, offset, chunk)
            if self._write_once:
                return True
            self.device.read(sector, offset, chunk)
        except OSError:
            return False
        length, check = struct.unpack_from("<HH", chunk, 0)
        return length == size and check == before & 0xFFFF and crc32(payload, first) == before

    def read(self, sector, offset, first):
        """Reads a chunk into `buffer`; the size of its payload, or 0 when it is damaged."""
        self.owner = None
        for _ in range(2):  # a bit may have been read wrongly
            size = self._read(sector, offset, first)
            if size:
                return size
        return 0

    def _read(self, sector, offset, first):
        chunk = self.buffer[: SECTOR - offset]
        try:
            self.device.read(sector, offset, chunk)
        except OSError:
            return 0
        size, check = struct.unpack_from("<HH", chunk, 0)
        end = CHUNK_HEADER + size
        if end > len(chunk) or crc32(chunk[CHUNK_HEADER:end], first) & 0xFFFF != check:
            return 0
        return size

    def seal(self, sector):
        """Nothing more is written to this sector."""
        self.device.seal(sector)

    def is_sealed(self, sector):
        return self._write_once and self.device.is_sealed(sector)
