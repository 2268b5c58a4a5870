"""`esp32`: flash partitions of an image file with the semantics of NOR flash, and NVS.

The partition table is read from the image itself, at 0x8000.  `writeblocks` with an offset only
clears bits, without one it erases first; `ioctl(6)` erases one sector.  Source: esp32_partition.c.
SIMULATED_FLASH_FAULTS=SEED makes it fail now and then: see simulated_flash_faults.py.
"""

import os
import struct
from errno import EINVAL, ENOENT

from micropython import const

_SECTOR = const(4096)
_TABLE_AT = const(0x8000)
_MAGIC = const(0x50AA)
_PROGRAM_SIZE = const(64)  # no program command carries more

HEAP_DATA, HEAP_EXEC = 4, 1

erases = programs = 0  # what this run did to the flash, for the simulator's report
_file = None
faults = __import__("simulated_flash_faults") if os.getenv("SIMULATED_FLASH_FAULTS") else None


def _image():
    global _file
    if _file is None:
        _file = open(os.getenv("SIMULATED_FLASH"), "r+b")
    return _file


def _table():
    image = _image()
    at = _TABLE_AT
    while True:
        image.seek(at)
        magic, kind, subtype, start, size, label, _ = struct.unpack("<HBBII16sI", image.read(32))
        if magic != _MAGIC:
            return
        yield kind, subtype, start, size, label.rstrip(b"\0").decode(), False
        at += 32


class Partition:
    """A named part of the flash.  OSError: no such partition, or beyond its end."""

    BOOT, RUNNING, TYPE_APP, TYPE_DATA = 0, 1, 0, 1

    def __init__(self, name, block_size=_SECTOR):
        self._info = None
        for info in _table():
            if info[4] == name or (name == 1 and info[0] == 0):
                self._info = info
                break
        if self._info is None:
            raise OSError(ENOENT)
        self._block_size = block_size

    @staticmethod
    def find(type=0, subtype=0xFF, label=None, block_size=_SECTOR):
        return [
            Partition(info[4], block_size)
            for info in _table()
            if info[0] == type and subtype in (0xFF, info[1]) and label in (None, info[4])
        ]

    def info(self):
        return self._info

    def _seek(self, block, offset, size):
        at = block * self._block_size + offset
        if at < 0 or at + size > self._info[3]:
            raise OSError(EINVAL)
        _image().seek(self._info[2] + at)
        return self._info[2] + at

    def readblocks(self, block, buffer, offset=0):
        at = self._seek(block, offset, len(buffer))
        _image().readinto(buffer)
        if faults:
            faults.was_read(_file, at, buffer)

    def writeblocks(self, block, buffer, offset=None):
        at = self._seek(block, offset or 0, len(buffer))
        if offset is None:
            if len(buffer) % _SECTOR:
                raise OSError(EINVAL)
            for sector in range(len(buffer) // _SECTOR):
                _erase(at + sector * _SECTOR)
        _program(at, buffer)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self._info[3] // self._block_size
        if operation == 5:
            return self._block_size
        if operation == 6:
            if self._block_size != _SECTOR:
                return -EINVAL
            _erase(self._seek(argument, 0, _SECTOR))
        return 0


def _erase(at):
    global erases
    erases += 1
    blank = b"\xff" * _PROGRAM_SIZE
    _file.seek(at)
    for _ in range(_SECTOR // _PROGRAM_SIZE):
        _file.write(blank)
    if faults:
        faults.changed(_file, at, _SECTOR)


def _program(at, buffer):
    global programs
    view = memoryview(buffer)
    cells = bytearray(_PROGRAM_SIZE)
    for start in range(0, len(view), _PROGRAM_SIZE):
        size = min(_PROGRAM_SIZE, len(view) - start)
        _file.seek(at + start)
        _file.readinto(cells)
        for index in range(size):
            cells[index] &= view[start + index]
        _file.seek(at + start)
        _file.write(memoryview(cells)[:size])
        programs += 1
    if faults:
        faults.changed(_file, at, len(view))


def idf_heap_info(_capabilities):
    """(total, free, largest free block, minimum free ever) of each region, with Wi-Fi up."""
    return [(160000, 95600, 91800, 90000)]


def __getattr__(name):
    if name == "NVS":
        from simulated_nvs import NVS

        return NVS
    raise AttributeError(name)
