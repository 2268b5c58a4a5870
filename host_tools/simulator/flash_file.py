"""The simulated board's 4 MB flash: an erased image with the partition table of our flasher.

As MicroPython's own 4 MB table, with a partition `capture` at the end of the file system's.
"""

import hashlib
import struct
from pathlib import Path

_SIZE = 4 * 1024 * 1024
_TABLE_AT = 0x8000
_APP, _DATA = 0, 1
_FAT, _NVS, _PHY, _FACTORY = 0x81, 0x02, 0x01, 0x00
_PARTITIONS = (
    ("nvs", _DATA, _NVS, 0x9000, 0x6000),
    ("phy_init", _DATA, _PHY, 0xF000, 0x1000),
    ("factory", _APP, _FACTORY, 0x10000, 0x1F0000),
    ("vfs", _DATA, _FAT, 0x200000, 0x1C0000),
    ("capture", _DATA, _FAT, 0x3C0000, 0x40000),
)


def create(path: Path) -> None:
    """Writes a new image: all bits 1, but for the table."""
    image = bytearray(b"\xff" * _SIZE)
    table = b"".join(
        struct.pack("<HBBII16sI", 0x50AA, kind, subtype, start, size, label.encode(), 0)
        for label, kind, subtype, start, size in _PARTITIONS
    )
    table += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(table).digest()
    image[_TABLE_AT : _TABLE_AT + len(table)] = table
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image)
