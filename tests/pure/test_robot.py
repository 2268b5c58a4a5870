"""The robot builds what can be built, in order."""

import sys

from expect import raises
from fake_hardware import FakeHardware, Lines
from microserver.robot.config import parse
from microserver.robot.registry import find
from microserver.robot.resource import ConfigError
from microserver.robot.robot import Robot


def robot_of(document):
    robot = Robot(FakeHardware(), Lines())
    robot.configure(parse(document))
    return robot


def component(name, type, model, **more):
    entry = {"name": name, "type": type, "model": model}
    entry.update(more)
    return entry


def tmp36(**attributes):
    given = {"analog_reader": "temp"}
    given.update(attributes)
    return component("t", "sensor", "tmp36", attributes=given)


def board(**attributes):
    given = {"analogs": [{"name": "temp", "pin": "34"}]}
    given.update(attributes)
    return component("b", "board", "esp32", attributes=given)


def test_every_built_in_model_is_found_by_its_documented_name():
    for api, model in (
        ("board", "esp32"),
        ("sensor", "tmp36"),
        ("sensor", "wifi-rssi"),
        ("sensor", "free-heap"),
        ("sensor", "fake"),
        ("movement_sensor", "fake"),
        ("movement_sensor", "gyro-mpu6050"),
        ("movement_sensor", "accel-adxl345"),
    ):
        cls = find("rdk:component:" + api, model)
        assert "rdk:component:" + api == cls.API


def test_models_that_are_not_there():
    for api, model, key in (
        ("sensor", "nothing-like-it", "model"),
        ("movement_sensor", "tmp36", "model"),
        ("sensor", "../secret", "model"),
        ("sensor", "", "model"),
        ("sensor", "a.b", "model"),
        ("camera", "webcam", "api"),
    ):
        assert raises(ConfigError, find, "rdk:component:" + api, model).key == key, model


def test_a_sensor_gets_its_board():
    robot = robot_of({"components": [tmp36(), board()]})
    assert sorted(robot.resources) == ["b", "t"] and not robot.problems


def test_one_failing_component_leaves_the_rest():
    robot = robot_of(
        {
            "components": [
                tmp36(analog_reader="nobody"),
                component("u", "sensor", "unheard-of"),
                component("f", "sensor", "fake", attributes={"fake_value": "x"}),
                component("h", "sensor", "free-heap"),
                component("d", "sensor", "fake", depends_on=["t"]),
                board(),
            ]
        }
    )
    assert sorted(robot.resources) == ["b", "h"]
    assert [(path, severity) for path, _, severity in robot.problems] == [
        ("components[0]", "error"),
        ("components[1].model", "error"),
        ("components[2].attributes.fake_value", "error"),
        ("components[4]", "error"),
    ], robot.problems
    assert robot.problems[0][1] == 'board "b" has no "nobody" in its analogs'


def test_the_documents_tmp36_without_a_board_says_what_it_needs():
    robot = robot_of({"components": [tmp36()]})
    assert robot.problems == [
        ("components[0].attributes.analog_reader", "needs a board component", "error")
    ]


def test_problems_are_logged_with_their_path():
    log = Lines()
    Robot(FakeHardware(), log).configure(parse({"components": [tmp36(colour="red")]}))
    assert log.lines[0] == (
        "warning",
        "robot",
        "components[0].attributes.colour: unknown key, ignored",
    )


def test_a_sensor_that_does_not_answer_is_reported_and_built_by_the_next_robot():
    document = {
        "components": [
            board(i2cs=[{"name": "bus", "bus": "i2c0"}]),
            component("m", "movement_sensor", "accel-adxl345", attributes={"i2c_bus": "bus"}),
            component("f", "sensor", "fake"),
        ]
    }
    robot = robot_of(document)
    assert sorted(robot.resources) == ["b", "f"] and "OSError" in robot.problems[0][1]
    robot.hardware.bus.chips[0x53] = bytearray(b"\xe5" + bytes(0x39))
    again = Robot(robot.hardware, Lines())
    again.configure(parse(document))
    assert sorted(again.resources) == ["b", "f", "m"] and not again.problems


def test_a_component_that_the_heap_has_no_room_for_is_named():
    class Full(FakeHardware):
        def adc(self, number):
            raise MemoryError

    robot = Robot(Full(), Lines())
    robot.configure(parse({"components": [board(), tmp36(), component("f", "sensor", "fake")]}))
    assert robot.problems == [("components[1]", "no room for it in this heap", "error")]
    assert sorted(robot.resources) == ["b", "f"]


def test_close_closes_all_and_puts_a_chip_to_sleep():
    hardware = FakeHardware()
    chip = hardware.bus.chips[0x53] = bytearray(b"\xe5" + bytes(0x39))
    robot = Robot(hardware, Lines())
    accel = component("m", "movement_sensor", "accel-adxl345", attributes={"i2c_bus": "bus"})
    robot.configure(parse({"components": [board(i2cs=[{"name": "bus"}]), accel]}))
    assert chip[0x2D] == 8
    robot.close()
    assert chip[0x2D] == 0 and not robot.resources


def test_a_driver_that_does_not_close_leaves_the_others_to_be_closed():
    robot = robot_of({"components": [component("f", "sensor", "fake")]})

    class Stuck:
        def close(self):
            raise OSError(5)

    class Closing:
        closed = False

        def close(self):
            self.closed = True

    robot.resources = {"a": Stuck(), "b": Closing(), "c": Stuck()}
    closing = robot.resources["b"]
    robot.close()
    assert closing.closed and len(robot.log.lines) == 2
    assert '" did not close: OSError(5' in robot.log.lines[0][2]


def test_what_only_building_needs_can_be_dropped_and_comes_back():
    document = {"components": [board(), tmp36()]}
    robot = robot_of(document)
    parent = sys.modules["microserver.robot"]
    dropped = {}
    for name in ("builder", "registry", "attributes"):
        dropped[name] = sys.modules.pop("microserver.robot." + name)
        delattr(parent, name)
    try:
        assert robot.resources["t"].readings()["temperature_celsius"] == -50
        bad = robot_of({"components": [board(), tmp36(num_readings=0)]})
        assert sorted(bad.resources) == ["b"]
    finally:
        for name, module in dropped.items():
            sys.modules["microserver.robot." + name] = module
            setattr(parent, name, module)
