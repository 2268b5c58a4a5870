"""The services as gRPC-Web on the web port, called with nothing but http.client."""

import http.client
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from google.protobuf.message import Message
from viam.gen.app.data.v1.data_pb2 import ExportTabularDataRequest, ExportTabularDataResponse
from viam.gen.app.v1.robot_pb2 import ConfigRequest, ConfigResponse
from viam.gen.proto.rpc.v1.auth_pb2 import (
    AuthenticateRequest,
    AuthenticateResponse,
    Credentials,
)

from cloud_process import AUTHENTICATE, SENSOR, UPLOAD, CloudProcess, running_cloud, upload_of
from host_tools.local_cloud.certificate import make_certificate

CONFIG = "/viam.app.v1.RobotService/Config"
EXPORT = "/viam.app.data.v1.DataService/ExportTabularData"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        running.part = running.add_machine("web")
        yield running


class Answer(NamedTuple):
    http_status: int
    headers: http.client.HTTPMessage
    messages: list[bytes]
    trailers: dict[str, str]


class Web:
    """One kept connection."""

    def __init__(self, address: str, context: ssl.SSLContext | None = None) -> None:
        host, port = address.split(":")
        self.token = ""
        self.connection = (
            http.client.HTTPSConnection("localhost", int(port), timeout=10, context=context)
            if context
            else http.client.HTTPConnection(host, int(port), timeout=10)
        )

    def call(self, path: str, request: Message | bytes, **headers: str) -> Answer:
        message = request if isinstance(request, bytes) else request.SerializeToString()
        return self.post(path, b"\0" + len(message).to_bytes(4, "big") + message, **headers)

    def post(self, path: str, body: bytes, **headers: str) -> Answer:
        sent = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("POST", path, body, sent)
        response = self.connection.getresponse()
        data = response.read()
        return Answer(response.status, response.headers, *frames_in(data, response.status))

    def log_in(self, kind: str, entity: str, secret: str) -> Answer:
        credentials = Credentials(type=kind, payload=secret)
        answer = self.call(
            AUTHENTICATE, AuthenticateRequest(entity=entity, credentials=credentials)
        )
        if answer.messages:
            self.token = AuthenticateResponse.FromString(answer.messages[0]).access_token
        return answer


def frames_in(data: bytes, status: int) -> tuple[list[bytes], dict[str, str]]:
    messages, trailers = [], {}
    while data and status == 200:
        size = int.from_bytes(data[1:5], "big")
        frame, flags, data = data[5 : 5 + size], data[0], data[5 + size :]
        assert len(frame) == size
        if flags == 0x80:
            assert not data
            lines = frame.decode("ascii").split("\r\n")
            trailers = dict(line.split(": ", 1) for line in lines if line)
        else:
            messages.append(frame)
    return messages, trailers


def machine(cloud: CloudProcess, context: ssl.SSLContext | None = None) -> Web:
    web = Web(cloud.web, context)
    web.log_in("robot-secret", cloud.part["id"], cloud.part["secret"])
    return web


def status(answer: Answer) -> tuple[int, int, str]:
    message = unquote(answer.trailers.get("grpc-message", ""))
    return answer.http_status, int(answer.trailers["grpc-status"]), message


def test_a_machine_logs_in_gets_its_config_and_uploads_on_one_connection(
    cloud: CloudProcess,
) -> None:
    web = machine(cloud)
    first_socket = web.connection.sock
    config = web.call(CONFIG, ConfigRequest(id=cloud.part["id"]))
    assert status(config) == (200, 0, "")
    assert config.headers["content-type"] == "application/grpc-web+proto"
    assert parsedate_to_datetime(config.headers["date"])
    assert len(config.headers.get_all("date")) == 1
    assert int(config.headers["content-length"]) > 0
    message = ConfigResponse.FromString(config.messages[0]).config
    assert [component.name for component in message.components] == ["s"]
    request = upload_of(cloud.part["id"], [{"n": 1.0}])
    for _ in range(2):
        assert status(web.call(UPLOAD, request, batch_id="web-1")) == (200, 0, "")
    assert web.connection.sock is first_socket
    assert exported(cloud) == [{"n": 1.0}]


def exported(cloud: CloudProcess) -> list[dict[str, Any]]:
    web = Web(cloud.web)
    web.log_in("api-key", cloud.owner["id"], cloud.owner["key"])
    request = ExportTabularDataRequest(
        part_id=cloud.part["id"],
        resource_name="s",
        resource_subtype=SENSOR,
        method_name="Readings",
    )
    answer = web.call(EXPORT, request)
    assert status(answer) == (200, 0, "")
    return [dict(ExportTabularDataResponse.FromString(m).payload) for m in answer.messages]


def test_refusals_come_as_grpc_statuses(cloud: CloudProcess) -> None:
    stranger, web = Web(cloud.web), machine(cloud)
    part_id = cloud.part["id"]
    assert status(stranger.log_in("robot-secret", part_id, "wrong"))[:2] == (200, 16)
    assert status(stranger.call(CONFIG, ConfigRequest(id=part_id)))[:2] == (200, 16)
    assert status(web.call(CONFIG, ConfigRequest(id="other")))[:2] == (200, 7)
    assert status(web.call(EXPORT, ExportTabularDataRequest(part_id=part_id)))[:2] == (200, 7)
    assert status(web.call("/viam.app.v1.AppService/GetRobot", b""))[:2] == (200, 12)
    truncated = upload_of(part_id, [{"n": 1.0}]).SerializeToString()[:-2]
    assert status(web.call(UPLOAD, truncated))[:2] == (200, 3)
    code = status(web.call(UPLOAD, upload_of(part_id, [{"v": "x" * 5_000_000}])))
    assert code[:2] == (200, 3) and "4194304" in code[2]


def test_garbage_bodies_are_refused(cloud: CloudProcess) -> None:
    web = machine(cloud)
    for body, expected in (
        (b"", 3),
        (b"\0\0", 3),
        (b"\0\0\0\0\x05abc", 3),
        (b"\0\0\0\0\x01abc", 3),
        (b"\x01\0\0\0\x01a", 12),
        (b"\x80\0\0\0\x01a", 3),
        (b"\xff" * 100, 3),
    ):
        assert status(web.post(CONFIG, body))[:2] == (200, expected), body


def test_what_is_no_grpc_web_gets_a_plain_http_error(cloud: CloudProcess) -> None:
    web = Web(cloud.web)
    assert web.post(CONFIG, b"{}", content_type="application/json").http_status == 415
    web.connection.request("GET", "/")
    response = web.connection.getresponse()
    assert (response.status, response.read()[:4]) == (404, b"this")


def test_a_stranger_s_body_is_not_read_to_its_end(cloud: CloudProcess) -> None:
    answer = Web(cloud.web).call(AUTHENTICATE, b"x" * 20_000)
    assert status(answer)[:2] == (200, 8)


def test_over_tls_with_a_verified_certificate(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for path, text in zip((certificate, key), make_certificate("localhost"), strict=True):
        path.write_text(text)
    with running_cloud(tmp_path, "--tls-cert", str(certificate), "--tls-key", str(key)) as secured:
        assert f"https://{secured.web}" in secured.ready_line
        secured.part = secured.add_machine("tls")
        web = machine(secured, ssl.create_default_context(cafile=str(certificate)))
        request = upload_of(secured.part["id"], [{"n": 1.0}])
        assert status(web.call(UPLOAD, request)) == (200, 0, "")
        with pytest.raises(ssl.SSLCertVerificationError):
            machine(secured, ssl.create_default_context())
        with pytest.raises((http.client.HTTPException, OSError)):
            Web(secured.web).call(UPLOAD, request)
