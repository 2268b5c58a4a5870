"""The driver of writing_a_driver.md, built by the robot from its own machine's config."""

import asyncio
import json
import sys

from fake_hardware import FakeHardware, Lines
from microserver.capture.methods import source_for
from microserver.robot.config import parse
from microserver.robot.robot import Robot
from simple_payload import simple_payload

BOARD = __file__.rpartition("tests/pure/")[0] + "boards/esp32"


class LightChip:
    """A BH1750 as the bus sees it; `counts` are what it will measure."""

    def __init__(self, counts):
        self.counts = counts
        self.measured = None

    def writeto(self, address, command):
        if address != 0x23:
            raise OSError(19)
        assert command == b"\x20"
        self.measured = self.counts.pop(0)

    def readfrom(self, address, size):
        assert address == 0x23 and size == 2
        return bytes((self.measured >> 8, self.measured & 255))


def light_meter(counts):
    hardware = FakeHardware()
    hardware.bus = LightChip(counts)
    robot = Robot(hardware, Lines())
    sys.path.insert(0, BOARD)
    try:
        with open(BOARD + "/light_meter.json") as file:
            config = parse(json.load(file))
        robot.configure(config)
    finally:
        sys.path.pop(0)
    assert not config.problems and not robot.problems, robot.problems
    capture = config.components[1].captures[0]
    return source_for(robot.resources["window"], capture.method, capture.params)


def test_the_example_driver_measures_lux():
    source = light_meter([1200, 2400])
    assert not source.fast
    payload = simple_payload(source, asyncio.run(source.getter()))
    assert abs(payload["readings"]["lux"] - 1500) < 0.001
