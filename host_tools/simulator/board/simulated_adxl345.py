"""Register map of the Analog Devices ADXL345 (data sheet rev. G), as far as drivers use it."""

import simulated_world
from micropython import const

_DEVID = const(0x00)
_BW_RATE = const(0x2C)
_POWER_CTL = const(0x2D)
_INT_SOURCE = const(0x30)
_DATA_FORMAT = const(0x31)
_DATAX0 = const(0x32)
_DATA_END = const(0x38)
_MEASURE = const(0x08)
_FULL_RES = const(0x08)


class Registers:
    """64 registers; reading the measurements samples the world."""

    def __init__(self):
        self._values = bytearray(64)
        self._values[_DEVID] = 0xE5
        self._values[_BW_RATE] = 0x0A

    def write(self, register, byte):
        writable = 0x1D <= register <= 0x38 and register not in (0x2B, _INT_SOURCE)
        if writable and not _DATAX0 <= register < _DATA_END:
            self._values[register] = byte

    def read_into(self, register, buffer):
        values = self._values
        if _DATAX0 <= register < _DATA_END and values[_POWER_CTL] & _MEASURE:
            self._sample()
        for offset in range(len(buffer)):
            buffer[offset] = values[register + offset & 63]

    def _sample(self):
        frame = simulated_world.now()
        data_format = self._values[_DATA_FORMAT]
        shift = data_format & 3  # 2, 4, 8, 16 g in 10 bits
        limit = 512
        if data_format & _FULL_RES:  # 256 per g in 10 to 13 bits
            limit <<= shift
            shift = 0
        for axis in range(3):
            value = (frame[axis] * 256 // 10000) >> shift
            value = max(-limit, min(limit - 1, value))
            at = _DATAX0 + 2 * axis
            self._values[at] = value & 255
            self._values[at + 1] = value >> 8 & 255
        self._values[_INT_SOURCE] = 0x80  # DATA_READY
