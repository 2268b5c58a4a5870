"""Register map of the InvenSense MPU-6050 (RM-MPU-6000A rev. 4.2), as far as drivers use it."""

import simulated_world
from micropython import const

_GYRO_CONFIG = const(0x1B)
_ACCEL_CONFIG = const(0x1C)
_ACCEL_XOUT_H = const(0x3B)
_DATA_END = const(0x49)
_PWR_MGMT_1 = const(0x6B)
_WHO_AM_I = const(0x75)
_SLEEP = const(0x40)
_DEVICE_RESET = const(0x80)


class Registers:
    """128 registers; reading the measurements samples the world."""

    def __init__(self):
        self._values = bytearray(128)
        self._reset()

    def _reset(self):
        values = self._values
        for register in range(128):
            values[register] = 0
        values[_PWR_MGMT_1] = _SLEEP  # the data registers stay 0 until it is woken
        values[_WHO_AM_I] = 0x68

    def write(self, register, byte):
        if register == _PWR_MGMT_1 and byte & _DEVICE_RESET:
            self._reset()
        elif register < _ACCEL_XOUT_H or _DATA_END <= register < _WHO_AM_I:
            self._values[register] = byte

    def read_into(self, register, buffer):
        values = self._values
        if _ACCEL_XOUT_H <= register < _DATA_END and not values[_PWR_MGMT_1] & _SLEEP:
            self._sample()
        for offset in range(len(buffer)):
            buffer[offset] = values[register + offset & 127]

    def _sample(self):
        """All of them at one moment, as the chip's burst reading does."""
        frame = simulated_world.now()
        accel_range = self._values[_ACCEL_CONFIG] >> 3 & 3
        gyro_range = self._values[_GYRO_CONFIG] >> 3 & 3
        for axis in range(3):
            self._put(axis, (frame[axis] * 16384 // 10000) >> accel_range)  # 16384 per g at 2 g
            self._put(4 + axis, (frame[3 + axis] * 131 // 100) >> gyro_range)  # per deg/s at 250
        self._put(3, (frame[simulated_world.TEMPERATURE] - 3653) * 34 // 10)

    def _put(self, index, value):
        value = max(-32768, min(32767, value))
        at = _ACCEL_XOUT_H + 2 * index
        self._values[at] = value >> 8 & 255
        self._values[at + 1] = value & 255
