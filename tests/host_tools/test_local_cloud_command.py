"""`microserver cloud ...`: serving, machines, configs, logs and restarts from the command line."""

import json
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from viam.gen.app.v1.robot_pb2 import (
    CertificateRequest,
    CertificateResponse,
    ConfigRequest,
    ConfigResponse,
    LogRequest,
    NeedsRestartRequest,
    NeedsRestartResponse,
)

from cloud_process import ROBOT, Caller, CloudProcess, run_cloud, running_cloud

SERVICE = "/viam.app.v1.RobotService/"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def machine(cloud: CloudProcess, name: str, config: dict[str, Any] = ROBOT) -> tuple[str, Caller]:
    part = cloud.add_machine(name, config)
    return part["id"], Caller(cloud.grpc).log_in("robot-secret", part["id"], part["secret"])


def config_of(caller: Caller, part_id: str) -> Any:
    return caller.call(SERVICE + "Config", ConfigRequest(id=part_id), ConfigResponse).config


def on(cloud: CloudProcess, *arguments: object) -> str:
    done = run_cloud(*arguments, "--data", cloud.folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_credentials_have_viam_s_form_and_the_running_server_s_address(
    cloud: CloudProcess,
) -> None:
    credentials = cloud.add_machine("form")
    assert sorted(credentials) == ["app_address", "id", "secret"]
    assert credentials["app_address"] == f"grpc://{cloud.grpc}"
    assert (cloud.folder / "form.json").stat().st_mode & 0o777 == 0o600


def test_a_config_arrives_as_it_was_written(cloud: CloudProcess) -> None:
    component = {
        "name": "m",
        "namespace": "rdk",
        "type": "movement_sensor",
        "model": "gyro-mpu6050",
        "attributes": {"board": "b", "i2c": {"speed": 400000.0, "deep": [1.0, "2", None, True]}},
        "depends_on": ["b"],
        "service_configs": [{"type": "data_manager", "attributes": {"capture_methods": []}}],
        "unknown_key": 1,
    }
    service = {"name": "d", "api": "rdk:service:data_manager", "model": "rdk:builtin:builtin"}
    document = {"components": [component], "services": [service], "fragments": ["x"]}
    part_id, caller = machine(cloud, "config", document)
    config = config_of(caller, part_id)
    got = MessageToDict(config, preserving_proto_field_name=True)
    del component["unknown_key"]
    assert got["components"] == [component]
    assert got["services"] == [service]
    assert config.cloud.id == part_id and config.cloud.machine_id


def test_a_config_with_mistakes_is_taken_and_said_to_have_them(
    cloud: CloudProcess, tmp_path: Path
) -> None:
    file = tmp_path / "mistaken.json"
    file.write_text(json.dumps({"components": [{"name": "s", "api": "rdk:component:sensor"}]}))
    done = run_cloud(
        *("add-machine", "mistaken", "--config", file, "--data", cloud.folder),
        *("--out", tmp_path / "out.json"),
    )
    assert done.returncode == 0
    assert done.stderr.startswith("note: ") and "microserver check" in done.stderr


def test_set_config_makes_a_new_revision_only_of_new_content(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "revision")
    first = config_of(caller, part_id).revision
    file = cloud.folder / "new.config"
    file.write_text(json.dumps(dict(reversed(ROBOT.items())), indent=4))
    on(cloud, "set-config", "revision", "--config", file)
    assert config_of(caller, part_id).revision == first
    file.write_text(json.dumps({"components": []}))
    on(cloud, "set-config", "revision", "--config", file)
    assert config_of(caller, part_id).revision not in ("", first)


def test_a_restart_is_told_until_the_machine_has_logged_in_again(cloud: CloudProcess) -> None:
    part = cloud.add_machine("restart")
    caller = Caller(cloud.grpc).log_in("robot-secret", part["id"], part["secret"])

    def must_restart() -> bool:
        request = NeedsRestartRequest(id=part["id"])
        answer = caller.call(SERVICE + "NeedsRestart", request, NeedsRestartResponse)
        assert answer.restart_check_interval.seconds > 0
        return bool(answer.must_restart)

    assert not must_restart()
    on(cloud, "restart-machine", "restart")
    assert "restart pending" in on(cloud, "list")
    caller.log_in("robot-secret", part["id"], part["secret"])  # a log-in before it was told
    assert must_restart() and must_restart()
    caller.log_in("robot-secret", part["id"], part["secret"])
    assert not must_restart()


def test_log_lines_are_kept_in_order_and_bounded(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "talker")
    for block in range(3):
        request = LogRequest(id=part_id)
        for number in range(5000):
            entry = request.logs.add(level="info", logger_name="sync")
            entry.message = f"line {block * 5000 + number}"
            entry.time.seconds = 1_700_000_000
        caller.call(SERVICE + "Log", request)
    lines = on(cloud, "logs", "talker", "--lines", "20000").splitlines()
    assert lines[-1] == "2023-11-14T22:13:20.000+00:00 info  sync: line 14999"
    assert lines[0].endswith("line 5000")
    assert len(lines) == 10_000
    assert len(on(cloud, "logs", "talker", "--lines", "3").splitlines()) == 3


def test_a_machine_cannot_steer_the_terminal(cloud: CloudProcess) -> None:
    part_id, caller = machine(cloud, "rude")
    request = LogRequest(id=part_id)
    request.logs.add(level="info", logger_name="x", message="a\x1b[2Jb é")
    caller.call(SERVICE + "Log", request)
    assert on(cloud, "logs", "rude").endswith("x: a\\x1b[2Jb é\n")


def test_a_machine_s_certificate_is_valid_and_stays_the_same(
    cloud: CloudProcess, tmp_path: Path
) -> None:
    part_id, caller = machine(cloud, "certificate")
    path, request = SERVICE + "Certificate", CertificateRequest(id=part_id)
    first = caller.call(path, request, CertificateResponse)
    assert caller.call(path, request, CertificateResponse) == first
    file = tmp_path / "both.pem"
    file.write_text(first.tls_certificate + first.tls_private_key)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file)


def test_list_shows_the_machines(cloud: CloudProcess) -> None:
    part_id, _ = machine(cloud, "listed")
    assert part_id in on(cloud, "list")
    [entry] = [m for m in json.loads(on(cloud, "list", "--json")) if m["name"] == "listed"]
    assert entry["part_id"] == part_id and entry["last_seen_s"] > 1_700_000_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_exit_code_0(tmp_path: Path, number: int) -> None:
    cloud = CloudProcess(tmp_path)
    cloud.add_machine("quiet")
    assert cloud.stop(number) == (0, "", "")
    assert not (tmp_path / "server.json").exists()


def test_mistakes_get_one_sentence_and_a_hint(cloud: CloudProcess, tmp_path: Path) -> None:
    bad, not_a_config = tmp_path / "bad.json", tmp_path / "list.json"
    bad.write_text('{"components": [')
    not_a_config.write_text("[]")
    wrong_type = tmp_path / "type.json"
    wrong_type.write_text('{"components": [{"name": ["x"]}]}')
    good = tmp_path / "good.json"
    good.write_text("{}")
    on(cloud, "add-machine", "taken", "--config", good, "--out", tmp_path / "taken.json")
    grpc, out = cloud.grpc, ("--out", tmp_path / "out.json")
    elsewhere = ("--data", tmp_path / "elsewhere")
    here = ("--data", cloud.folder)
    for arguments, expected in (
        (("add-machine", "x", "--config", bad, *here, *out), "not JSON"),
        (("add-machine", "x", "--config", not_a_config, *here, *out), "one JSON object"),
        (("add-machine", "x", "--config", wrong_type, *here, *out), "components"),
        (("add-machine", "x", "--config", tmp_path / "no.json", *here, *out), "cannot read"),
        (("add-machine", "taken", "--config", good, *here, *out), "exists already"),
        (("add-machine", "x", "--config", good, *here, *out, "--address", "ftp://x"), "ftp://x"),
        (("set-config", "nobody", "--config", good, *here), "nobody"),
        (("logs", "nobody", *here), "nobody"),
        (("list", *elsewhere), "no folder of a local cloud"),
        (("serve", *here, "--grpc", "127.0.0.1:0", "--web", "127.0.0.1:0"), "another local cloud"),
        (("serve", *elsewhere, "--grpc", grpc, "--web", "127.0.0.1:0"), "cannot listen on"),
        (("serve", *elsewhere, "--grpc", "127.0.0.1:0", "--web", cloud.web), "cannot listen on"),
        (("serve", *elsewhere, "--grpc", "nonsense"), "HOST:PORT"),
        (("serve", *elsewhere, "--tls-cert", good), "--tls-key"),
        (("serve", *elsewhere, "--tls-cert", good, "--tls-key", good), "for TLS"),
    ):
        done = run_cloud(*arguments)
        assert done.returncode == 1, (arguments, done)
        assert done.stderr.startswith("error: "), done.stderr
        assert expected in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not (tmp_path / "out.json").exists()
