"""Every method of the local cloud refuses whom it must: no token, wrong, expired, foreign."""

from collections.abc import Iterator

import pytest
from google.protobuf.message import Message
from grpc import StatusCode
from viam.gen.app.data.v1 import data_pb2
from viam.gen.app.v1 import robot_pb2

from cloud_process import (
    AUTHENTICATE,
    UPLOAD,
    Caller,
    CloudProcess,
    running_cloud,
    status_of,
    upload_of,
)
from host_tools.local_cloud.data_folder import DataFolder
from host_tools.local_cloud.identity import Identity, Tokens, hash_of
from host_tools.local_cloud.registry import Registry

ROBOT = "/viam.app.v1.RobotService/"
DATA = "/viam.app.data.v1.DataService/"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        running.one = running.add_machine("one")
        running.two = running.add_machine("two")
        yield running


def machine_calls(part_id: str) -> list[tuple[str, Message]]:
    return [
        (ROBOT + "Config", robot_pb2.ConfigRequest(id=part_id)),
        (ROBOT + "Certificate", robot_pb2.CertificateRequest(id=part_id)),
        (ROBOT + "Log", robot_pb2.LogRequest(id=part_id)),
        (ROBOT + "NeedsRestart", robot_pb2.NeedsRestartRequest(id=part_id)),
        (UPLOAD, upload_of(part_id, [{"v": 1.0}])),
    ]


def owner_calls(part_id: str) -> list[tuple[str, Message]]:
    source = {
        "part_id": part_id,
        "resource_name": "s",
        "resource_subtype": "t",
        "method_name": "m",
    }
    return [
        (DATA + "TabularDataByFilter", data_pb2.TabularDataByFilterRequest()),
        (DATA + "ExportTabularData", data_pb2.ExportTabularDataRequest(**source)),
        (DATA + "GetLatestTabularData", data_pb2.GetLatestTabularDataRequest(**source)),
    ]


def statuses(
    cloud: CloudProcess, token: str, calls: list[tuple[str, Message]]
) -> list[StatusCode]:
    caller = Caller(cloud.grpc, token)
    return [status_of(caller.call, path, request)[0] for path, request in calls]


def every_call(cloud: CloudProcess) -> list[tuple[str, Message]]:
    return machine_calls(cloud.one["id"]) + owner_calls(cloud.one["id"])


def test_without_a_valid_token_nothing_is_served(cloud: CloudProcess) -> None:
    good = part_token(cloud, cloud.one)
    for token in ("", "rubbish", good[:-1], good[:-1] + "~", "a.b.c.d", good + ".x"):
        found = statuses(cloud, token, every_call(cloud))
        assert set(found) == {StatusCode.UNAUTHENTICATED}, (token, found)


def test_a_machine_may_do_all_for_itself_and_nothing_for_another(cloud: CloudProcess) -> None:
    token = part_token(cloud, cloud.one)
    assert set(statuses(cloud, token, machine_calls(cloud.one["id"]))) == {StatusCode.OK}
    for foreign in (cloud.two["id"], "no such part", ""):
        found = statuses(cloud, token, machine_calls(foreign))
        assert set(found) == {StatusCode.PERMISSION_DENIED}, foreign


def test_a_machine_reads_no_data(cloud: CloudProcess) -> None:
    found = statuses(cloud, part_token(cloud, cloud.one), owner_calls(cloud.one["id"]))
    assert set(found) == {StatusCode.PERMISSION_DENIED}


def test_the_owner_reads_data_but_is_no_machine(cloud: CloudProcess) -> None:
    owner = Caller(cloud.grpc).log_in("api-key", cloud.owner["id"], cloud.owner["key"])
    calls = [call for call in owner_calls(cloud.one["id"]) if "Export" not in call[0]]
    assert set(statuses(cloud, owner.token, calls)) == {StatusCode.OK}
    assert statuses(cloud, owner.token, machine_calls(cloud.one["id"])) == [
        StatusCode.OK,
        StatusCode.PERMISSION_DENIED,
        StatusCode.PERMISSION_DENIED,
        StatusCode.PERMISSION_DENIED,
        StatusCode.OK,
    ]


def test_wrong_credentials_do_not_log_in(cloud: CloudProcess) -> None:
    part, owner = cloud.one, cloud.owner
    for kind, entity, secret in (
        ("robot-secret", part["id"], "wrong"),
        ("robot-secret", part["id"], ""),
        ("robot-secret", "no such part", part["secret"]),
        ("robot-secret", cloud.two["id"], part["secret"]),
        ("robot-secret", owner["id"], owner["key"]),
        ("api-key", owner["id"], "wrong"),
        ("api-key", "", ""),
        ("api-key", part["id"], part["secret"]),
        ("magic", part["id"], part["secret"]),
        ("", "", ""),
    ):
        code, message = status_of(Caller(cloud.grpc).log_in, kind, entity, secret)
        assert code == StatusCode.UNAUTHENTICATED, (kind, entity)
        assert message and part["secret"] not in message


def test_an_expired_or_foreign_token_is_refused(cloud: CloudProcess) -> None:
    registry = Registry(DataFolder(cloud.folder).machines)
    one, secret_hash = Identity("part", cloud.one["id"]), hash_of(cloud.one["secret"])
    good = Tokens(registry.token_key).issue(one, secret_hash)
    expired = Tokens(registry.token_key, lifetime_s=-1).issue(one, secret_hash)
    other_cloud = Tokens(b"another key").issue(one, secret_hash)
    old_secret = Tokens(registry.token_key).issue(one, hash_of("an earlier secret"))
    longer = expired.replace(expired.split(".")[2], good.split(".")[2])
    calls = machine_calls(cloud.one["id"])
    assert set(statuses(cloud, good, calls)) == {StatusCode.OK}
    for token in (expired, other_cloud, old_secret, longer):
        assert set(statuses(cloud, token, calls)) == {StatusCode.UNAUTHENTICATED}


def test_an_unserved_method_says_so(cloud: CloudProcess) -> None:
    code, message = status_of(Caller(cloud.grpc).call, DATA + "TabularDataBySQL", b"")
    assert code == StatusCode.UNIMPLEMENTED
    assert "TabularDataBySQL" in message


def test_a_stranger_cannot_make_us_read_a_big_message(cloud: CloudProcess) -> None:
    big = upload_of(cloud.one["id"], [{"v": "x" * 3_000_000}] * 20)
    assert status_of(Caller(cloud.grpc).call, UPLOAD, big)[0] == StatusCode.UNAUTHENTICATED


def test_garbage_does_not_log_in(cloud: CloudProcess) -> None:
    code, message = status_of(Caller(cloud.grpc).call, AUTHENTICATE, b"\x0a\xff\xff")
    assert code == StatusCode.INVALID_ARGUMENT
    assert "AuthenticateRequest" in message


def part_token(cloud: CloudProcess, credentials: dict[str, str]) -> str:
    caller = Caller(cloud.grpc)
    return caller.log_in("robot-secret", credentials["id"], credentials["secret"]).token
