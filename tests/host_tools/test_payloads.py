"""What the fast models send, read by google.protobuf, is the payload that viam-server stores."""

import struct
from typing import Any

import pytest
from google.protobuf import json_format
from viam.gen.app.datasync.v1 import data_sync_pb2

from fake_hardware import FakeHardware, Lines

import host_tools.firmware_path  # noqa: F401  # isort: skip
from microserver.capture.batch import Batch
from microserver.capture.methods import source_for
from microserver.capture.record import HEADER, put_times
from microserver.capture.ring import Ring
from microserver.capture.schema_maker import put, raw_schema
from microserver.robot.config import parse
from microserver.robot.robot import Robot

BUS = {"i2c_bus": "bus"}
DOCUMENT = {
    "components": [
        {
            "name": "board",
            "type": "board",
            "model": "esp32",
            "attributes": {
                "pins": [27],
                "analogs": [{"name": "A1", "pin": "34"}],
                "i2cs": [{"name": "bus"}],
            },
        },
        {
            "name": "gyro",
            "type": "movement_sensor",
            "model": "gyro-mpu6050",
            "attributes": BUS,
        },
        {
            "name": "accel",
            "type": "movement_sensor",
            "model": "accel-adxl345",
            "attributes": BUS,
        },
    ]
}
TURN = {"x": 1.0, "y": 0.0, "z": -250.0}
PULL = {"x": -4.903325, "y": 0.0, "z": 9.80665}
TYPED_TURN = {"_type": "angular_velocity", **TURN}
TYPED_PULL = {"_type": "vector3", **PULL}


def robot() -> Any:
    hardware = FakeHardware()
    gyro, accel = bytearray(128), bytearray(64)
    gyro[0x75], accel[0] = 0x68, 0xE5
    struct.pack_into(">hhhhhhh", gyro, 0x3B, -8192, 0, 16384, 1234, 131, 0, -32750)
    struct.pack_into("<hhh", accel, 0x32, -128, 0, 256)
    hardware.bus.chips = {0x68: gyro, 0x53: accel}
    hardware.adc(34).microvolts = 1234567
    hardware.pin(27).level = 1
    built = Robot(hardware, Lines())
    built.configure(parse(DOCUMENT))
    assert built.problems == []
    return built


@pytest.mark.parametrize(
    ("name", "method", "params", "payload"),
    [
        ("gyro", "AngularVelocity", {}, {"angular_velocity": TURN}),
        ("gyro", "LinearAcceleration", {}, {"linear_acceleration": PULL}),
        (
            "gyro",
            "Readings",
            {},
            {"readings": {"angular_velocity": TYPED_TURN, "linear_acceleration": TYPED_PULL}},
        ),
        ("accel", "LinearAcceleration", {}, {"linear_acceleration": PULL}),
        ("accel", "Readings", {}, {"readings": {"linear_acceleration": TYPED_PULL}}),
        (
            "board",
            "Analogs",
            {"reader_name": "A1"},
            {"value": 1234.0, "min_range": 0.0, "max_range": 2450.0, "step_size": 1.0},
        ),
        ("board", "Gpios", {"pin_name": "27"}, {"high": True}),
    ],
)
def test_a_fast_reading_arrives_as_viam_server_stores_it(
    name: str, method: str, params: dict[str, str], payload: dict[str, Any]
) -> None:
    source = source_for(robot().resources[name], method, params)
    schema = raw_schema(source)
    ring = Ring(1000, 1000)
    put(ring.schemas, schema)
    record = bytearray(schema.size)
    source.sample_into(memoryview(record)[HEADER:])
    put_times(record, ring.schemas.layouts[0], 1, 0, 0)
    assert ring.append(record, len(record))
    batch = Batch(ring, ring.schemas, (1_700_000_000, 0))
    content = b"".join(bytes(view) for view in batch.parts(bytearray(512)))
    request = data_sync_pb2.DataCaptureUploadRequest.FromString(content)
    (entry,) = request.sensor_contents
    assert json_format.MessageToDict(entry.struct) == payload
