"""The demo machine on the simulated chip: real drivers read real registers through `machine`."""

import json
import struct
import sys

from expect import raises
from fake_hardware import Lines
from microserver.capture.methods import source_for
from microserver.robot.config import parse
from microserver.robot.robot import Robot

ROOT = __file__.rpartition("tests/on_micropython/")[0]
sys.path.insert(0, ROOT + "host_tools/simulator/board")

from microserver.device.hardware import Hardware


def demo():
    with open(ROOT + "boards/esp32/demo.json") as file:
        config = parse(json.load(file))
    robot = Robot(Hardware(), Lines())
    robot.configure(config)
    assert not config.problems and not robot.problems, robot.problems
    return config, robot


def test_every_capture_of_the_demo_machine_gives_a_reading():
    config, robot = demo()
    captured = []
    for component in config.components:
        for capture in component.captures:
            source = source_for(robot.resources[component.name], capture.method, capture.params)
            captured.append(capture.method)
            if source.fast:
                sample = bytearray(struct.calcsize(source.format))
                source.sample_into(memoryview(sample))
                values = struct.unpack(source.format, sample)
                expected = {"Analogs": (750,), "AngularVelocity": (0, 0, 0)}
                assert values == expected[capture.method]
            else:
                readings = source.getter()
                assert readings.get("temperature_celsius") == 25 or readings["bytes"] > 1000
    assert sorted(captured) == ["Analogs", "AngularVelocity", "Readings", "Readings"]


def test_both_motion_sensors_feel_one_g():
    bus = {"i2c_bus": "bus"}
    document = {
        "components": [
            {
                "name": "b",
                "type": "board",
                "model": "esp32",
                "attributes": {"i2cs": [{"name": "bus"}]},
            },
            {"name": "g", "type": "movement_sensor", "model": "gyro-mpu6050", "attributes": bus},
            {"name": "a", "type": "movement_sensor", "model": "accel-adxl345", "attributes": bus},
        ]
    }
    robot = Robot(Hardware(), Lines())
    robot.configure(parse(document))
    assert not robot.problems, robot.problems
    for name in ("g", "a"):
        x, y, z = robot.resources[name].linear_acceleration()
        assert abs(x) < 0.01 and abs(y) < 0.01 and abs(z - 9.80665) < 0.01, name


def test_pins_that_the_chip_does_not_have():
    hardware = Hardware()
    for make, number in ((hardware.pin, 24), (hardware.adc, 12)):
        error = raises(ValueError, make, number)
        assert "pin %d" % number in str(error)


def test_a_pin_that_the_chip_does_not_have_costs_what_uses_it():
    attributes = {"analogs": [{"name": "temp", "pin": 12}, {"name": "light", "pin": 35}]}
    tmp36 = {"name": "t", "type": "sensor", "model": "tmp36"}
    tmp36["attributes"] = {"analog_reader": "temp"}
    board = {"name": "b", "type": "board", "model": "esp32", "attributes": attributes}
    robot = Robot(Hardware(), Lines())
    robot.configure(parse({"components": [board, tmp36]}))
    message = "this chip has no analog input on pin 12: invalid pin"
    assert robot.problems == [("components[1]", message, "error")]
    assert robot.resources["b"].analog("light").read_uv() == 750000


def test_wifi_and_heap():
    hardware = Hardware()
    assert hardware.rssi() == -55 and hardware.free_heap() > 1000
