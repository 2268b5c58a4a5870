"""The unmodified viam-sdk reads back from the local cloud what was uploaded to it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.struct_pb2 import Value
from grpclib import GRPCError, Status
from viam.app.data_client import DataClient
from viam.gen.app.data.v1.data_pb2 import ORDER_ASCENDING, TagsFilter
from viam.utils import create_filter

from cloud_process import SENSOR, START_NS, Caller, CloudProcess, running_cloud, upload_of

START = datetime.fromtimestamp(START_NS // 10**9, UTC) + timedelta(microseconds=123456)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def machine(cloud: CloudProcess, name: str) -> tuple[str, Caller]:
    credentials = cloud.add_machine(name)
    caller = Caller(cloud.grpc).log_in("robot-secret", credentials["id"], credentials["secret"])
    return credentials["id"], caller


def with_sdk(cloud: CloudProcess, use: Callable[[DataClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        client = await cloud.viam_client()
        try:
            return await use(client.data_client)
        finally:
            client.close()

    return asyncio.run(asyncio.wait_for(run(), 30))


async def all_pages(data: DataClient, limit: int, **arguments: Any) -> list[Any]:
    found, last = [], None
    while True:
        page, _count, last = await data.tabular_data_by_filter(limit=limit, last=last, **arguments)
        if not page:
            return found
        found += page


def test_what_a_machine_uploads_is_what_the_sdk_reads(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "reads")
    parameters = {"reader_name": AnyMessage()}
    parameters["reader_name"].Pack(Value(string_value="light"))
    request = upload_of(part_id, [{"readings": {"t": 29.99}}], tags=["a", "b"])
    request.metadata.method_parameters["reader_name"].CopyFrom(parameters["reader_name"])
    caller.upload(request)

    async def use(data: DataClient) -> Any:
        by_filter = await data.tabular_data_by_filter(create_filter(part_id=part_id))
        exported = await data.export_tabular_data(part_id, "s", SENSOR, "Readings")
        latest = await data.get_latest_tabular_data(part_id, "s", SENSOR, "Readings")
        return by_filter, exported, latest

    (rows, count, _last), [point], latest = with_sdk(cloud, use)
    [row] = rows
    assert count == 1
    assert row.data == {"readings": {"t": 29.99}}
    assert row.time_requested == START.replace(tzinfo=None)
    meta = row.metadata
    assert (meta.robot_name, meta.part_name) == ("reads", "reads-main")
    assert (meta.component_type, meta.component_name) == (SENSOR, "s")
    assert list(meta.tags) == ["a", "b"]
    unpacked = Value()
    assert meta.method_parameters["reader_name"].Unpack(unpacked)
    assert unpacked.string_value == "light"
    assert point.payload == row.data
    assert point.method_parameters == {"reader_name": "light"}
    assert point.part_id == part_id
    assert point.robot_id == meta.robot_id and point.organization_id == meta.organization_id
    assert latest is not None
    captured, synced, payload = latest
    assert payload == row.data and captured == row.time_received
    assert abs(synced - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=1)


def test_the_sdk_itself_can_upload(cloud: CloudProcess) -> None:
    part_id, _ = machine(cloud, "sdk-upload")

    async def use(data: DataClient) -> Any:
        file_id = await data.tabular_data_capture_upload(
            [{"v": 1.5}, {"v": 2.5}],
            part_id,
            SENSOR,
            "s",
            "Readings",
            [(START, START), (START, START + timedelta(seconds=1))],
            tags=["x"],
        )
        points = await data.export_tabular_data(part_id, "s", SENSOR, "Readings")
        return file_id, points

    file_id, points = with_sdk(cloud, use)
    assert file_id
    assert [point.payload for point in points] == [{"v": 1.5}, {"v": 2.5}]


def test_any_json_value_comes_back_unchanged(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "values")
    chance = random.Random(2)
    payloads = [random_object(chance, 3) for _ in range(300)]
    payloads += [{}, {"": {}}, {"a.b": 1, "A.b": "'\"\\\u0000\U0001f600"}, {"n": 5e-324}]
    payloads += [
        {"n": 1.7976931348623157e308},
        {"n": -0.0},
        {"n": 2.0**53 + 2},
        {"d": "2024-01-01"},
    ]
    for number, payload in enumerate(payloads):
        caller.upload(upload_of(part_id, [payload], START_NS + number * 10**6))

    async def use(data: DataClient) -> Any:
        return await all_pages(
            data, 37, filter=create_filter(part_id=part_id), sort_order=ORDER_ASCENDING
        )

    assert [row.data for row in with_sdk(cloud, use)] == payloads


def random_object(chance: random.Random, depth: int) -> dict[str, Any]:
    return {f"k{n}": random_value(chance, depth) for n in range(chance.randint(0, 4))}


def random_value(chance: random.Random, depth: int) -> Any:
    match chance.randint(0, 6 if depth else 4):
        case 0:
            return chance.random() < 0.5
        case 1:
            return "".join(chr(chance.randint(1, 0x2FF)) for _ in range(chance.randint(0, 9)))
        case 2:
            return float(chance.randint(-(10**6), 10**6))
        case 3 | 4:
            return chance.uniform(-1, 1) * 10 ** chance.randint(-30, 30)
        case 5:
            return [random_value(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    return random_object(chance, depth - 1)


def test_pages_neither_repeat_nor_skip_while_readings_arrive(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "pages")
    first = [{"n": float(n)} for n in range(100)]
    for n in range(0, 100, 10):  # ten uploads with the same times: the row id decides
        caller.upload(upload_of(part_id, first[n : n + 10]))

    async def use(data: DataClient) -> list[float]:
        found, last, number = [], None, 1000
        while True:
            rows, _, last = await data.tabular_data_by_filter(
                create_filter(part_id=part_id), limit=7, last=last
            )
            if not rows:
                return found
            found += [row.data["n"] for row in rows]
            await asyncio.to_thread(
                caller.upload, upload_of(part_id, [{"n": float(number)}] * 3, START_NS)
            )
            number += 1

    found = with_sdk(cloud, use)
    old = [n for n in found if n < 1000]
    assert sorted(old) == [row["n"] for row in first]


def test_filters_select_by_every_field(cloud: CloudProcess) -> None:
    one, caller = machine(cloud, "filter-one")
    other, other_caller = machine(cloud, "filter-two")
    caller.upload(upload_of(one, [{"v": 1.0}] * 10, tags=["red", "blue"]))
    caller.upload(upload_of(one, [{"v": 1.0}] * 4, component_name="q", method_name="Position"))
    other_caller.upload(upload_of(other, [{"v": 1.0}] * 2, tags=["green"]))

    async def count(data: DataClient, **fields: Any) -> int:
        tags_type = fields.pop("tags_type", None)
        wanted = create_filter(**fields)
        if tags_type is not None:
            wanted.tags_filter.type = tags_type
        return (await data.tabular_data_by_filter(wanted, count_only=True))[1]

    async def use(data: DataClient) -> None:
        by_part = {"part_id": one}
        assert await count(data, **by_part) == 14
        assert await count(data, robot_name="filter-one") == 14
        assert await count(data, part_name="filter-two-main") == 2
        assert await count(data, **by_part, component_name="q") == 4
        assert await count(data, **by_part, method="Position") == 4
        assert await count(data, **by_part, component_type=SENSOR) == 14
        assert await count(data, **by_part, component_type="rdk:component:board") == 0
        assert await count(data, tags=["red", "green"], robot_name="filter-one") == 10
        tagged, untagged = (TagsFilter(type=n).type for n in (2, 3))
        assert await count(data, **by_part, tags_type=tagged) == 10
        assert await count(data, **by_part, tags_type=untagged) == 4
        assert await count(data, **by_part, location_ids=["no"]) == 0
        assert await count(data, **by_part, bbox_labels=["cat"]) == 0
        first = START + timedelta(milliseconds=2)
        assert await count(data, **by_part, component_name="s", start_time=first) == 8
        assert await count(data, **by_part, component_name="s", end_time=first) == 2

    with_sdk(cloud, use)


def test_a_source_without_data_has_no_latest_reading(cloud: CloudProcess) -> None:
    part_id, _ = machine(cloud, "empty")

    async def use(data: DataClient) -> Any:
        return await data.get_latest_tabular_data(part_id, "s", SENSOR, "Readings")

    assert with_sdk(cloud, use) is None


def test_exports_tell_method_parameters_apart(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "parameters")
    for reader in ("light", "sound"):
        request = upload_of(part_id, [{"value": 1.0}], method_name="Analogs")
        request.metadata.method_parameters["reader_name"].Pack(Value(string_value=reader))
        caller.upload(request)

    async def use(data: DataClient) -> Any:
        all_of_it = await data.export_tabular_data(part_id, "s", SENSOR, "Analogs")
        light = await data.export_tabular_data(
            part_id, "s", SENSOR, "Analogs", additional_params={"reader_name": "light"}
        )
        return len(all_of_it), [point.method_parameters for point in light]

    assert with_sdk(cloud, use) == (2, [{"reader_name": "light"}])


def test_an_export_holds_more_than_one_page(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "export")
    caller.upload(upload_of(part_id, [{"n": float(n)} for n in range(2500)]))

    async def use(data: DataClient) -> Any:
        return await data.export_tabular_data(part_id, "s", SENSOR, "Readings")

    assert [point.payload["n"] for point in with_sdk(cloud, use)] == list(range(2500))


def test_errors_reach_the_sdk_with_status_and_reason(cloud: CloudProcess) -> None:
    async def use(data: DataClient) -> list[tuple[Status, str]]:
        found = []
        for call in (
            data.export_tabular_data("no such part", "s", SENSOR, "Readings"),
            data.get_latest_tabular_data("", "s", SENSOR, "Readings"),
            data.tabular_data_by_filter(last="rubbish"),
            data.tabular_data_by_sql("org", "select 1"),
        ):
            with pytest.raises(GRPCError) as caught:
                await call
            found.append((caught.value.status, str(caught.value.message)))
        return found

    found = with_sdk(cloud, use)
    assert [status for status, _ in found] == [
        Status.NOT_FOUND,
        Status.INVALID_ARGUMENT,
        Status.INVALID_ARGUMENT,
        Status.UNIMPLEMENTED,
    ]
    assert "no such part" in found[0][1] and "part_id" in found[1][1] and "last" in found[2][1]


def test_a_wrong_key_cannot_log_in(cloud: CloudProcess) -> None:
    with pytest.raises(GRPCError) as caught:
        asyncio.run(cloud.viam_client(key="wrong"))
    assert caught.value.status == Status.UNAUTHENTICATED


def test_the_data_folder_is_private(cloud: CloudProcess) -> None:
    files = {path.name: path.stat().st_mode & 0o777 for path in Path(cloud.folder).iterdir()}
    for name in ("api_key.json", "machines.sqlite", "logs.sqlite", "readings.duckdb"):
        assert files[name] == 0o600, name
