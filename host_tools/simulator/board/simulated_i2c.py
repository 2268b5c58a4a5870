"""I2C buses whose devices are register-level models, loaded when their address is first used."""

import os
from errno import ENODEV

_MODELS = {0x1D: "adxl345", 0x53: "adxl345", 0x68: "mpu6050", 0x69: "mpu6050"}
_present = [int(address) for address in (os.getenv("SIMULATED_I2C") or "83,104").split(",")]
_devices = {}


def _device(address):
    if address not in _devices:
        if address not in _present:
            raise OSError(ENODEV)
        _devices[address] = __import__("simulated_" + _MODELS[address]).Registers()
    return _devices[address]


class I2C:
    """Both controllers, and any pins, reach the same devices."""

    def __init__(self, number=0, scl=None, sda=None, freq=400000, timeout=50000):
        self._number = number
        self._register = 0

    def scan(self):
        return sorted(_present)

    def readfrom_mem_into(self, address, register, buffer, addrsize=8):
        _device(address).read_into(register, buffer)

    def readfrom_mem(self, address, register, size, addrsize=8):
        buffer = bytearray(size)
        _device(address).read_into(register, buffer)
        return bytes(buffer)

    def writeto_mem(self, address, register, data, addrsize=8):
        device = _device(address)
        for offset, byte in enumerate(data):
            device.write(register + offset, byte)

    def writeto(self, address, data, stop=True):
        self._register = data[0]
        self.writeto_mem(address, data[0], memoryview(data)[1:])
        return len(data)

    def readfrom_into(self, address, buffer, stop=True):
        _device(address).read_into(self._register, buffer)

    def readfrom(self, address, size, stop=True):
        return self.readfrom_mem(address, self._register, size)


SoftI2C = I2C
