"""`accel-adxl345`: Analog Devices ADXL345, acceleration over I2C.

Registers and scale: ADXL345 data sheet, revision G.
"""

import struct

from micropython import const
from microserver.robot.resource import (
    ConfigError,
    FastSource,
    MovementSensor,
    board_of,
    vector_fields,
)

_ADDRESS = const(0x53)
_ALTERNATE_ADDRESS = const(0x1D)
_DEVICE_ID = const(0x00)
_POWER = const(0x2D)
_DATA_FORMAT = const(0x31)
_DATA = const(0x32)

_EXPECTED_ID = const(0xE5)
_MEASURE = const(0x08)
_FULL_RESOLUTION_16_G = const(0x0B)  # 256 steps per g over the whole range, nothing is clipped

_METRES_PER_SECOND2 = 9.80665 / 256


class Adxl345(MovementSensor):
    """LinearAcceleration in m/s2 (+-16 g, 0.04 m/s2 per step) and Readings of it."""

    ATTRIBUTES = "i2c_bus:str! use_alt_i2c_address:bool"

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._bus = board_of(dependencies, "i2c_bus").i2c(attributes["i2c_bus"])
        self._address = _ALTERNATE_ADDRESS if attributes["use_alt_i2c_address"] else _ADDRESS
        if self._bus.readfrom_mem(self._address, _DEVICE_ID, 1)[0] != _EXPECTED_ID:
            raise ConfigError("no ADXL345 at address %d" % self._address, "i2c_bus")
        self._write(_DATA_FORMAT, _FULL_RESOLUTION_16_G)
        self._write(_POWER, _MEASURE)

    def _write(self, register, value):
        self._bus.writeto_mem(self._address, register, bytes((value,)))

    def linear_acceleration(self):
        raw = self._bus.readfrom_mem(self._address, _DATA, 6)
        return tuple([axis * _METRES_PER_SECOND2 for axis in struct.unpack("<hhh", raw)])

    def sample_into(self, view):
        self._bus.readfrom_mem_into(self._address, _DATA, view)

    def fast_source(self, method, params):
        if method not in ("Readings", "LinearAcceleration"):
            return None
        path = ("linear_acceleration",)
        constants = ()
        if method == "Readings":
            path = ("readings",) + path
            constants = ((path + ("_type",), "vector3"),)
        fields = vector_fields(path, _METRES_PER_SECOND2)
        return FastSource("<hhh", fields, self.sample_into, constants)

    def close(self):
        self._write(_POWER, 0)  # standby


MODEL = Adxl345
