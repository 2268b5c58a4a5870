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
    registers,
    vector_fields,
)

_ADDRESS = const(0x53)
_ALTERNATE_ADDRESS = const(0x1D)
_DEVICE_ID = const(0x00)
_POWER = const(0x2D)
_DATA_FORMAT = const(0x31)
_DATA = const(0x32)

_EXPECTED_ID = const(0xE5)
_MEASURE = b"\x08"
_FULL_RESOLUTION_16_G = b"\x0b"  # 256 steps per g over the whole range, nothing is clipped

_METRES_PER_SECOND2 = 9.80665 / 256


class Adxl345(MovementSensor):
    """LinearAcceleration in m/s2 (+-16 g, 0.04 m/s2 per step) and Readings of it."""

    ATTRIBUTES = "i2c_bus:str! use_alt_i2c_address:bool"

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._bus = bus = board_of(dependencies, "i2c_bus").i2c(attributes["i2c_bus"])
        address = _ALTERNATE_ADDRESS if attributes["use_alt_i2c_address"] else _ADDRESS
        self._address = address
        if bus.readfrom_mem(address, _DEVICE_ID, 1)[0] != _EXPECTED_ID:
            raise ConfigError("no ADXL345 at address %d" % address, "i2c_bus")
        bus.writeto_mem(address, _DATA_FORMAT, _FULL_RESOLUTION_16_G)
        bus.writeto_mem(address, _POWER, _MEASURE)

    def linear_acceleration(self):
        raw = self._bus.readfrom_mem(self._address, _DATA, 6)
        return tuple([axis * _METRES_PER_SECOND2 for axis in struct.unpack("<hhh", raw)])

    def fast_source(self, method, params):
        path = ("linear_acceleration",)
        constants = ()
        if method == "Readings":
            path = ("readings",) + path
            constants = ((path + ("_type",), "vector3"),)
        elif method != "LinearAcceleration":
            return None
        sample_into = registers(self._bus, self._address, _DATA)
        return FastSource("<hhh", vector_fields(path, _METRES_PER_SECOND2), sample_into, constants)

    def close(self):
        self._bus.writeto_mem(self._address, _POWER, b"\x00")  # standby


MODEL = Adxl345
