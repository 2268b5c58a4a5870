"""Uploads are stored once, whole and durably, or refused with a reason."""

import math
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from grpc import StatusCode
from viam.gen.app.data.v1.data_pb2 import (
    ExportTabularDataRequest,
    ExportTabularDataResponse,
)

from cloud_process import SENSOR, UPLOAD, Caller, CloudProcess, running_cloud, status_of, upload_of

KILLS = 4


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def machine(cloud: CloudProcess, name: str) -> tuple[str, Caller]:
    part = cloud.add_machine(name)
    return part["id"], Caller(cloud.grpc).log_in("robot-secret", part["id"], part["secret"])


def owner(cloud: CloudProcess) -> Caller:
    return Caller(cloud.grpc).log_in("api-key", cloud.owner["id"], cloud.owner["key"])


def stored(cloud: CloudProcess, part_id: str) -> list[dict[str, Any]]:
    caller = owner(cloud)
    export = caller.channel.unary_stream(
        "/viam.app.data.v1.DataService/ExportTabularData",
        ExportTabularDataRequest.SerializeToString,
        ExportTabularDataResponse.FromString,
    )
    request = ExportTabularDataRequest(
        part_id=part_id, resource_name="s", resource_subtype=SENSOR, method_name="Readings"
    )
    metadata = (("authorization", f"Bearer {caller.token}"),)
    return [dict(answer.payload) for answer in export(request, metadata=metadata, timeout=30)]


def test_a_repeated_batch_id_is_stored_once_and_answered_alike(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "repeat")
    request = upload_of(part_id, [{"n": 1.0}, {"n": 2.0}])
    first = caller.upload(request, "boot1-7")
    request.metadata.tags.append("new")  # a config may change between two tries
    assert caller.upload(request, "boot1-7") == first
    assert stored(cloud, part_id) == [{"n": 1.0}, {"n": 2.0}]


def test_without_a_batch_id_every_upload_counts(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "no-batch-id")
    request = upload_of(part_id, [{"n": 1.0}])
    assert caller.upload(request) != caller.upload(request)
    assert len(stored(cloud, part_id)) == 2


def test_a_batch_id_is_the_machine_s_own(cloud: CloudProcess) -> None:
    one, one_caller = machine(cloud, "own-one")
    two, two_caller = machine(cloud, "own-two")
    one_caller.upload(upload_of(one, [{"n": 1.0}]), "same")
    two_caller.upload(upload_of(two, [{"n": 2.0}]), "same")
    assert (stored(cloud, one), stored(cloud, two)) == ([{"n": 1.0}], [{"n": 2.0}])


def test_a_batch_id_with_other_readings_is_refused_loudly(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "reused")
    caller.upload(upload_of(part_id, [{"n": 1.0}]), "b")
    code, message = status_of(caller.upload, upload_of(part_id, [{"n": 2.0}]), "b")
    assert code == StatusCode.ALREADY_EXISTS
    assert "batch id" in message
    assert stored(cloud, part_id) == [{"n": 1.0}]


def test_simultaneous_repeats_are_stored_once(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "race")
    request = upload_of(part_id, [{"n": 1.0}])
    with ThreadPoolExecutor(16) as pool:
        files = set(pool.map(lambda n: caller.upload(request, f"b{n % 4}"), range(64)))
    assert len(files) == 4
    assert len(stored(cloud, part_id)) == 4


def test_bad_uploads_are_refused_with_a_reason_and_store_nothing(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "bad")
    good = upload_of(part_id, [{"n": 1.0}])
    late, no_nanos, binary = (upload_of(part_id, [{"n": 1.0}]) for _ in range(3))
    late.sensor_contents[0].metadata.time_received.seconds = 10**12
    no_nanos.sensor_contents[0].metadata.time_requested.nanos = 10**9
    binary.sensor_contents[0].binary = b"jpeg"
    parameters = upload_of(part_id, [{"n": 1.0}])
    parameters.metadata.method_parameters["x"].CopyFrom(AnyMessage(type_url="a/b.C"))
    for request, expected, part_of_message in (
        (good.SerializeToString()[:-3], StatusCode.INVALID_ARGUMENT, "DataCaptureUploadRequest"),
        (b"\xff" * 100, StatusCode.INVALID_ARGUMENT, "DataCaptureUploadRequest"),
        (b"", StatusCode.PERMISSION_DENIED, "part"),
        (upload_of(part_id, [{"n": math.nan}]), StatusCode.INVALID_ARGUMENT, "nan"),
        (upload_of(part_id, [{"a": [{"n": -math.inf}]}]), StatusCode.INVALID_ARGUMENT, "inf"),
        (upload_of(part_id, [{"v": "x" * 5_000_000}]), StatusCode.INVALID_ARGUMENT, "4194304"),
        (late, StatusCode.INVALID_ARGUMENT, "reading 0"),
        (no_nanos, StatusCode.INVALID_ARGUMENT, "reading 0"),
        (binary, StatusCode.UNIMPLEMENTED, "binary"),
        (parameters, StatusCode.INVALID_ARGUMENT, "'x'"),
    ):
        code, message = status_of(caller.call, UPLOAD, request)
        assert (code, part_of_message in message) == (expected, True), (code, message)
    code, _ = status_of(caller.upload, good, "b" * 200)
    assert code == StatusCode.INVALID_ARGUMENT
    assert stored(cloud, part_id) == []


def test_an_upload_for_an_unknown_part_names_it(cloud: CloudProcess) -> None:
    code, message = status_of(owner(cloud).upload, upload_of("part-of-nobody", [{"n": 1.0}]))
    assert code == StatusCode.NOT_FOUND
    assert "part-of-nobody" in message


def test_a_reading_of_almost_four_megabytes_and_a_big_upload_pass(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "big")
    caller.upload(upload_of(part_id, [{"v": "x" * 4_190_000}, {"v": "y" * 2_000_000}]))
    assert [len(row["v"]) for row in stored(cloud, part_id)] == [4_190_000, 2_000_000]


def test_an_upload_without_readings_is_no_error(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "nothing")
    assert caller.upload(upload_of(part_id, []))


def test_readings_without_times_get_their_arrival(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "timeless")
    request = upload_of(part_id, [{"n": 1.0}])
    request.sensor_contents[0].ClearField("metadata")
    caller.upload(request)
    assert stored(cloud, part_id) == [{"n": 1.0}]


def test_garbage_on_the_grpc_port_disturbs_nobody(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "garbage")
    host, port = cloud.grpc.split(":")
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    frames = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    chance = random.Random(5)
    for start in (b"", b"GET / HTTP/1.1\r\n\r\n", preface, preface + frames):
        with socket.create_connection((host, int(port)), timeout=5) as peer:
            peer.sendall(start + chance.randbytes(2000))
    caller.upload(upload_of(part_id, [{"n": 1.0}]))
    assert stored(cloud, part_id) == [{"n": 1.0}]


class Uploads(threading.Thread):
    """Uploads one batch after the other until the server dies; keeps what was answered."""

    def __init__(self, caller: Caller, part_id: str, first: int) -> None:
        super().__init__()
        self.answered: list[int] = []
        self.unanswered: list[int] = []
        self._caller, self._part_id, self._first = caller, part_id, first

    def run(self) -> None:
        for batch in range(self._first, self._first + 100_000):
            try:
                self._caller.upload(batch_of(self._part_id, batch), f"boot-{batch}")
            except grpc.RpcError:
                self.unanswered.append(batch)
                return
            self.answered.append(batch)


def batch_of(part_id: str, batch: int) -> Any:
    return upload_of(part_id, [{"n": batch * 1000.0 + n} for n in range(1 + batch % 50)])


def test_kill_9_loses_no_answered_upload_and_duplicates_none(tmp_path: Path) -> None:
    chance = random.Random()
    folder = tmp_path / "cloud"
    folder.mkdir()
    cloud = CloudProcess(folder)
    part = cloud.add_machine("killed")
    sent: list[int] = []
    for round_number in range(KILLS):
        caller = Caller(cloud.grpc).log_in("robot-secret", part["id"], part["secret"])
        threads = [Uploads(caller, part["id"], (round_number * 4 + n) * 100_000) for n in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.05, 0.6))
        cloud.kill()
        for thread in threads:
            thread.join()
        cloud = CloudProcess(folder)
        caller = Caller(cloud.grpc, caller.token)  # the token outlives the server
        for thread in threads:
            sent += thread.answered + thread.unanswered
            for batch in thread.unanswered + thread.answered[-2:]:
                caller.upload(batch_of(part["id"], batch), f"boot-{batch}")
    expected = [batch * 1000.0 + n for batch in sent for n in range(1 + batch % 50)]
    found = [row["n"] for row in stored(cloud, part["id"])]
    cloud.stop()
    assert sorted(found) == sorted(expected)
