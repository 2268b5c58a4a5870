"""`gyro-mpu6050`: InvenSense MPU-6050, angular velocity and acceleration over I2C.

Registers and scales: MPU-6000/MPU-6050 Register Map and Descriptions, revision 4.2.
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

_ADDRESS = const(0x68)  # 0x69 with AD0 high
_GYRO_CONFIG = const(0x1B)
_ACCEL_CONFIG = const(0x1C)
_ACCEL_OUT = const(0x3B)  # 6 bytes, then the temperature, then 6 bytes of the gyroscope
_GYRO_OUT = const(0x43)
_POWER = const(0x6B)
_WHO_AM_I = const(0x75)

_DEGREES_PER_SECOND = 1 / 131  # at +-250 deg/s
_METRES_PER_SECOND2 = 9.80665 / 16384  # at +-2 g


class Mpu6050(MovementSensor):
    """AngularVelocity in deg/s (+-250), LinearAcceleration in m/s2 (+-2 g), Readings of both."""

    ATTRIBUTES = "i2c_bus:str! use_alt_i2c_address:bool"

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._bus = bus = board_of(dependencies, "i2c_bus").i2c(attributes["i2c_bus"])
        self._address = address = _ADDRESS + attributes["use_alt_i2c_address"]
        if bus.readfrom_mem(address, _WHO_AM_I, 1)[0] & 0x7E != _ADDRESS:
            raise ConfigError("no MPU6050 at address %d" % address, "i2c_bus")
        # Awake, clocked by the X gyroscope as the data sheet recommends.
        bus.writeto_mem(address, _POWER, b"\x01")
        bus.writeto_mem(address, _GYRO_CONFIG, b"\x00")
        bus.writeto_mem(address, _ACCEL_CONFIG, b"\x00")

    def _vector(self, register, scale):
        x, y, z = struct.unpack(">hhh", self._bus.readfrom_mem(self._address, register, 6))
        return (x * scale, y * scale, z * scale)

    def angular_velocity(self):
        return self._vector(_GYRO_OUT, _DEGREES_PER_SECOND)

    def linear_acceleration(self):
        return self._vector(_ACCEL_OUT, _METRES_PER_SECOND2)

    def fast_source(self, method, params):
        if method == "Readings":
            return self._both()
        if method == "AngularVelocity":
            path, register, scale = "angular_velocity", _GYRO_OUT, _DEGREES_PER_SECOND
        elif method == "LinearAcceleration":
            path, register, scale = "linear_acceleration", _ACCEL_OUT, _METRES_PER_SECOND2
        else:
            return None
        sample_into = registers(self._bus, self._address, register)
        return FastSource(">hhh", vector_fields((path,), scale), sample_into)

    def _both(self):
        """One burst, so that both are of the same instant; the temperature is stepped over."""
        burst = bytearray(14)
        read_burst = registers(self._bus, self._address, _ACCEL_OUT)

        def sample_into(view):
            read_burst(burst)
            for index in range(6):
                view[index] = burst[index]
                view[index + 6] = burst[index + 8]

        velocity = ("readings", "angular_velocity")
        acceleration = ("readings", "linear_acceleration")
        fields = vector_fields(acceleration, _METRES_PER_SECOND2)
        fields += vector_fields(velocity, _DEGREES_PER_SECOND)
        kinds = (velocity + ("_type",), velocity[1]), (acceleration + ("_type",), "vector3")
        return FastSource(">hhhhhh", fields, sample_into, kinds)

    def close(self):
        self._bus.writeto_mem(self._address, _POWER, b"\x40")  # asleep


MODEL = Mpu6050
