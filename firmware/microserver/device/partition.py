"""The `capture` flash partition as the sector device that the flash pool asks for."""

import esp32
from micropython import const

_ERASE_BLOCK = const(6)  # ioctl operations of the block device protocol
_BLOCK_COUNT = const(4)


class PartitionSectors:
    """4096-byte sectors of one `esp32.Partition`; errors are OSError."""

    def __init__(self, partition):
        self._partition = partition
        self.sectors = partition.ioctl(_BLOCK_COUNT, 0)

    def read(self, sector, offset, view):
        self._partition.readblocks(sector, view, offset)

    def program(self, sector, offset, view):
        """Clear bits: the extended `writeblocks` programs without erasing."""
        self._partition.writeblocks(sector, view, offset)

    def erase(self, sector):
        self._partition.ioctl(_ERASE_BLOCK, sector)

    def seal(self, sector):
        """Nothing to do: programmed flash is readable at once."""


def find_capture_partition():
    """The sectors of the partition labelled `capture`, or None on a board without it."""
    found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="capture")
    return PartitionSectors(found[0]) if found else None
