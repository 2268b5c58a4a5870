"""The entries that our templates encode are what the official protobuf classes read."""

import math
import random
import struct
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from viam.proto.app.datasync import DataCaptureUploadRequest, SensorData

from microserver.capture.batch import Batch
from microserver.capture.record import HEADER, put_times, record_of
from microserver.capture.ring import Ring
from microserver.capture.schema_maker import put, raw_schema

WALL = (1_700_000_000, 250_000)
AT_BOOT_NS = WALL[0] * 10**9 + WALL[1] * 1000


def stored(ring: Ring, payload: dict[str, Any], micros: int, taken: int) -> None:
    values: list[Any] = []
    texts: list[bytes] = []
    schema = ring.schemas.find(payload, values, texts, ring.first)
    buffer = record_of(schema, values, texts)
    put_times(buffer, 0, micros // 10**6, micros % 10**6, taken)
    assert ring.append(buffer, len(buffer))


def entries(ring: Ring, part: int = 512) -> list[SensorData]:
    batch = Batch(ring, ring.schemas, WALL)
    data = b"".join(bytes(view) for view in batch.parts(bytearray(part)))
    assert len(data) == batch.size
    assert data == b"".join(bytes(view) for view in batch.parts(bytearray(77)))
    request = DataCaptureUploadRequest.FromString(data)
    assert len(request.sensor_contents) == batch.count
    return list(request.sensor_contents)


def as_float32(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_float32(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_float32(item) for item in value]
    return value


def times(entry: SensorData) -> tuple[int, int]:
    meta = entry.metadata
    return meta.time_requested.ToNanoseconds(), meta.time_received.ToNanoseconds()


PAYLOADS = [
    {"readings": {"temperature": 21.5, "humidity": 40.2}},
    {"readings": {"t": 29.99}},
    {"value": 0, "min_range": 0.0, "max_range": 3.3, "step_size": 0.1},
    {"high": True},
    {"high": False},
    {"readings": {"name": "", "other": "zwölf", "n": -1, "none": None}},
    {"readings": {"list": [1, 2.5, "three", [True, {"deep": "x" * 300}]], "empty": {}, "no": []}},
    {"readings": {"big": 2**53 - 1, "small": -(2**31), "max": 2**31 - 1, "neg": -(2**40)}},
    {"angular_velocity": {"x": 0.1, "y": -1234.5, "z": 0.0}},
    {"readings": {"k" * 200: 1.0}},
    {
        "readings": {
            "spread": {"a": "one", "b": 2.5, "c": {"d": "two", "e": ["three", "four"]}},
            "z": "5",
        }
    },
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=str)
def test_a_payload_arrives_as_it_was_read(payload: dict[str, Any]) -> None:
    ring = Ring(5000, 5000)
    stored(ring, payload, 1_750_000, 1234)
    (entry,) = entries(ring)
    assert MessageToDict(entry.struct) == payload
    requested = AT_BOOT_NS + 1_750_000_000
    assert times(entry) == (requested, requested + 1_234_000)


def test_many_readings_of_changing_shapes_keep_their_values_and_times() -> None:
    rng = random.Random(5)
    ring = Ring(200_000, 200_000)
    now, want = 0, []
    for _ in range(400):
        payload = rng.choice(PAYLOADS[:9])
        if rng.random() < 0.5:
            payload = {
                "readings": {"a": rng.randrange(-9999, 9999) / 100, "b": rng.choice("xyz") * 3}
            }
        step, taken = rng.randrange(10**6 * rng.choice((1, 1, 1000))), rng.randrange(32_768)
        now += step
        stored(ring, payload, step, taken)
        want.append((payload, AT_BOOT_NS + now * 1000, AT_BOOT_NS + (now + taken) * 1000))
    got = []
    while ring.records():
        found = entries(ring)
        got += [(MessageToDict(entry.struct), *times(entry)) for entry in found]
        ring.ack(ring.frozen[0])
    assert got == want


def test_raw_fields_are_scaled_and_named() -> None:
    axes = [(("linear_acceleration", axis), 0.0039 * 9.80665, 0) for axis in "zyx"]
    fields = (*axes, (("on",), None, 0), (("count",), 1, 0))
    source = SimpleNamespace(format=">hhh?H", fields=fields, constants=((("max_range",), 3.3),))
    ring = Ring(1000, 1000)
    schema = raw_schema(source)
    put(ring.schemas, schema)
    for raw in ((256, -256, 0, True, 65535), (1, 2, -32768, False, 0), (1, 3, -32768, False, 7)):
        buffer = bytearray(schema.size)
        struct.pack_into(source.format, buffer, HEADER, *raw)
        put_times(buffer, ring.schemas.layouts[0], 0, 10**5, 9)
        ring.append(buffer, len(buffer))
    for entry, raw in zip(
        entries(ring),
        [(256, -256, 0, True, 65535), (1, 2, -32768, False, 0), (1, 3, -32768, False, 7)],
        strict=True,
    ):
        values = MessageToDict(entry.struct)
        for axis, number in zip("zyx", raw, strict=False):
            got = values["linear_acceleration"][axis]
            assert math.isclose(got, number * 0.0039 * 9.80665, rel_tol=1e-6), axis
            assert len(repr(got)) <= 12, "a decimal that a person would write"
        assert (values["on"], values["count"], values["max_range"]) == (raw[3], raw[4], 3.3)
