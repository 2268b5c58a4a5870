"""What only building needs leaves the heap, and what was built goes on working."""

import gc
import struct
import sys

from fake_hardware import FakeHardware, Lines
from simple_payload import simple_payload

DOCUMENT = {
    "components": [
        {
            "name": "board",
            "type": "board",
            "model": "esp32",
            "attributes": {"analogs": [{"name": "A1", "pin": 34}], "i2cs": [{"name": "bus"}]},
        },
        {"name": "t", "type": "sensor", "model": "tmp36", "attributes": {"analog_reader": "A1"}},
        {
            "name": "gyro",
            "type": "movement_sensor",
            "model": "gyro-mpu6050",
            "attributes": {"i2c_bus": "bus"},
        },
        {"name": "fake", "type": "movement_sensor", "model": "fake"},
    ]
}
CAPTURES = (
    ("board", "Analogs", {"reader_name": "A1"}),
    ("t", "Readings", {}),
    ("gyro", "Readings", {}),
    ("fake", "Readings", {}),
    ("fake", "Position", {}),
)


def build(hardware, captures):
    """`(robot, sources of the captures)`; nothing of ours but these is held afterwards."""
    from microserver.capture.methods import source_for
    from microserver.robot.config import parse
    from microserver.robot.robot import Robot

    robot = Robot(hardware, Lines())
    robot.configure(parse(DOCUMENT))
    assert not robot.problems, robot.problems
    return robot, [source_for(robot.resources[name], *rest) for name, *rest in captures]


def forget(*names):
    for name in names:
        parent, _, leaf = name.rpartition(".")
        setattr(sys.modules[parent], leaf, None)
        delattr(sys.modules[parent], leaf)
        sys.modules[name] = None
        del sys.modules[name]


def release(robot):
    """The heap that it frees."""
    from microserver.robot.release import release

    for name in ("builder", "registry", "attributes", "config"):
        forget("microserver.robot." + name)
    gc.collect()
    used = gc.mem_alloc()
    release(robot)
    del release
    forget("microserver.robot.release", "microserver.capture.methods")
    gc.collect()
    return used - gc.mem_alloc()


def value_of(source):
    if not source.fast:
        return simple_payload(source)
    sample = bytearray(struct.calcsize(source.format))
    source.sample_into(memoryview(sample))
    return struct.unpack(source.format, sample)


def wired():
    hardware = FakeHardware()
    hardware.adc(34).microvolts = 750000
    chip = hardware.bus.chips[0x68] = bytearray(128)
    chip[0x75] = 0x68
    chip[0x3C] = 7
    return hardware


def test_what_was_built_runs_on_without_what_built_it():
    hardware = wired()
    robot, sources = build(hardware, CAPTURES)
    before = [value_of(source) for source in sources]
    assert before[:3] == [(750,), {"readings": {"temperature_celsius": 25}}, (7, 0, 0, 0, 0, 0)]
    assert before[3]["readings"]["compass"] == 42 and before[4]["altitude_m"] == 4572.2
    release(robot)
    assert [value_of(source) for source in sources] == before
    left = [name for name in sys.modules if name.startswith("microserver.models.")]
    assert not left and "microserver.robot.resource" not in sys.modules
    assert robot.hardware is None and list(robot.resources) == ["gyro"]
    robot.close()
    assert hardware.bus.chips[0x68][0x6B] == 0x40


def test_constructors_tables_and_helpers_leave_the_heap():
    robot, sources = build(wired(), CAPTURES[:3])
    assert release(robot) > 4000
    assert len(sources) == 3
