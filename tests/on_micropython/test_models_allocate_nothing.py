"""Fast sources are sampled with a locked heap: whatever allocates raises MemoryError here."""

import struct

import micropython

from expect import raises
from fake_hardware import FakeHardware, Lines
from microserver.capture.methods import source_for
from microserver.robot.config import parse
from microserver.robot.robot import Robot

SOURCES = (
    ("gyro", "AngularVelocity", {}),
    ("gyro", "LinearAcceleration", {}),
    ("gyro", "Readings", {}),
    ("accel", "LinearAcceleration", {}),
    ("accel", "Readings", {}),
    ("board", "Analogs", {"reader_name": "A1"}),
    ("board", "Gpios", {"pin_name": "27"}),
)


class RegisterBus:
    """An I2C bus that allocates nothing itself, like the chip's."""

    def __init__(self):
        self.registers = bytearray(128)

    def readfrom_mem(self, address, register, count):
        return bytes(self.registers[register : register + count])

    def writeto_mem(self, address, register, data):
        self.registers[register] = data[0]

    def readfrom_mem_into(self, address, register, view):
        index = len(view)
        while index:
            index -= 1
            view[index] = self.registers[register + index]


def build():
    hardware = FakeHardware()
    hardware.bus = RegisterBus()
    hardware.bus.registers[0x75] = 0x68
    hardware.bus.registers[0] = 0xE5
    bus = {"i2c_bus": "bus"}
    robot = Robot(hardware, Lines())
    robot.configure(
        parse(
            {
                "components": [
                    {
                        "name": "board",
                        "type": "board",
                        "model": "esp32",
                        "attributes": {
                            "pins": [27],
                            "analogs": [{"name": "A1", "pin": 34}],
                            "i2cs": [{"name": "bus"}],
                        },
                    },
                    {
                        "name": "gyro",
                        "type": "movement_sensor",
                        "model": "gyro-mpu6050",
                        "attributes": bus,
                    },
                    {
                        "name": "accel",
                        "type": "movement_sensor",
                        "model": "accel-adxl345",
                        "attributes": bus,
                    },
                ]
            }
        )
    )
    assert not robot.problems, robot.problems
    return robot.resources, hardware


def sample_locked(sample_into, view):
    micropython.heap_lock()
    try:
        sample_into(view)
        sample_into(view)
    finally:
        micropython.heap_unlock()


def test_every_fast_source_samples_under_a_locked_heap():
    resources, hardware = build()
    for index in range(14):
        hardware.bus.registers[0x3B + index] = index + 1
    for name, method, params in SOURCES:
        source = source_for(resources[name], method, params)
        assert source.fast, (name, method)
        sample = bytearray(struct.calcsize(source.format))
        sample_locked(source.sample_into, memoryview(sample))
        if name == "gyro" and method == "Readings":
            assert sample == b"\x01\x02\x03\x04\x05\x06\x09\x0a\x0b\x0c\x0d\x0e"


def test_the_lock_does_catch_an_allocation():
    raises(MemoryError, sample_locked, lambda view: bytearray(100), None)
