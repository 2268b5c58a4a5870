"""Flash that fails now and then, by a seed: SIMULATED_FLASH_FAULTS=SEED asks for it.

Called after each operation of `esp32.Partition`.  One in `_every` operations (8 to 64, by the
seed) goes wrong: it fails with EIO, or a bit is wrong afterwards: in the flash or only in what was
read.  Bits change both ways, as with cells that leak or were disturbed.
"""

import os
from errno import EIO

from micropython import const

_PRIME = const(65537)
_FACTOR = const(75)  # a full period modulo the prime, and products stay small integers

_seed = int(os.getenv("SIMULATED_FLASH_FAULTS"))
_state = _seed % (_PRIME - 1) + 1
_every = 8 << _seed // 2 % 4

injected = 0  # for the simulator's report


def _draw(below):
    global _state
    _state = _state * _FACTOR % _PRIME
    return _state % below


def _strikes(rarely=1):
    global injected
    for _ in range(8):  # a few steps apart: neighbours of this generator are alike
        _draw(1)
    if _draw(_every * rarely):
        return False
    injected += 1
    return True


def _flip(image, at, size):
    """Changes one bit of the flash; returns (its place, the bit)."""
    place, bit = _draw(size), 1 << _draw(8)
    cell = bytearray(1)
    image.seek(at + place)
    image.readinto(cell)
    cell[0] ^= bit
    image.seek(at + place)
    image.write(cell)
    return place, bit


def changed(image, at, size):
    """After a program or erase command over these bytes."""
    if _strikes():
        _flip(image, at, size)
        if _draw(2):
            raise OSError(EIO)


def was_read(image, at, buffer):
    """After a read into `buffer`."""
    if not _strikes(4):
        return
    kind = _draw(3)
    if kind == 0:
        raise OSError(EIO)
    if kind == 1:  # the cell has changed for good
        place, bit = _flip(image, at, len(buffer))
    else:  # this read only
        place, bit = _draw(len(buffer)), 1 << _draw(8)
    buffer[place] ^= bit
