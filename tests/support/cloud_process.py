"""A local cloud in a process of its own, and a plain grpcio client of it, for tests."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from viam.app.viam_client import ViamClient
from viam.gen.app.datasync.v1.data_sync_pb2 import (
    DataCaptureUploadRequest,
    DataCaptureUploadResponse,
)
from viam.gen.proto.rpc.v1.auth_pb2 import (
    AuthenticateRequest,
    AuthenticateResponse,
    Credentials,
)
from viam.rpc.dial import Credentials as SdkCredentials
from viam.rpc.dial import DialOptions

REPOSITORY = Path(__file__).resolve().parents[2]
UPLOAD = "/viam.app.datasync.v1.DataSyncService/DataCaptureUpload"
AUTHENTICATE = "/proto.rpc.v1.AuthService/Authenticate"
START_S = 20
CALL_S = 20
START_NS = 1_700_000_000_123_456_789  # of the readings that `upload_of` makes
SENSOR = "rdk:component:sensor"
ROBOT = {"components": [{"name": "s", "api": SENSOR, "model": "free-heap"}]}


def run_cloud(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """`microserver cloud ...` to its end."""
    return subprocess.run(
        _command(*arguments), cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )


class CloudProcess:
    """`microserver cloud serve` on free ports, on a folder that may have been used before."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        ports = ("--grpc", "127.0.0.1:0", "--web", "127.0.0.1:0")
        self.process = subprocess.Popen(
            _command("serve", "--data", folder, *ports, *arguments),
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.ready_line = self.process.stdout.readline()
        words = self.ready_line.split()
        assert words[:3] == ["local", "cloud", "ready:"], self.process.communicate()
        self.grpc, self.web = words[3].split("//")[1], words[4].split("//")[1]
        self.owner = json.loads((folder / "api_key.json").read_text())

    def kill(self) -> None:
        """As a power cut of the process would."""
        self.process.kill()
        self.process.communicate(timeout=START_S)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Ask it to end; exit code, what else it printed, and its errors."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=START_S)
        return self.process.returncode, out, err

    def add_machine(self, name: str, config: dict[str, Any] = ROBOT) -> dict[str, str]:
        """Register a machine by the command line; its credentials."""
        config_file, out = self.folder / f"{name}.config", self.folder / f"{name}.json"
        config_file.write_text(json.dumps(config))
        done = run_cloud(
            "add-machine", name, "--config", config_file, "--data", self.folder, "--out", out
        )
        assert done.returncode == 0, done.stderr
        credentials: dict[str, str] = json.loads(out.read_text())["cloud"]
        return credentials

    async def viam_client(self, key: str | None = None) -> ViamClient:
        """The unmodified official client, logged in as the owner."""
        credentials = SdkCredentials("api-key", key or self.owner["key"])
        options = DialOptions(insecure=True, credentials=credentials, auth_entity=self.owner["id"])
        return await ViamClient.create_from_dial_options(options, app_url=f"http://{self.grpc}")


@contextmanager
def running_cloud(folder: Path, *arguments: str) -> Iterator[CloudProcess]:
    """A cloud that is gone at the end, whatever happens."""
    cloud = CloudProcess(folder, *arguments)
    try:
        yield cloud
    finally:
        if cloud.process.poll() is None:
            cloud.stop()


class Caller:
    """Calls any method, with or without a token.  Raises grpc.RpcError."""

    def __init__(self, address: str, token: str = "") -> None:
        self.channel = grpc.insecure_channel(address)
        self.token = token

    def log_in(self, kind: str, entity: str, secret: str) -> "Caller":
        """Get and keep a token."""
        request = AuthenticateRequest(
            entity=entity, credentials=Credentials(type=kind, payload=secret)
        )
        self.token = self.call(AUTHENTICATE, request, AuthenticateResponse).access_token
        return self

    def call(
        self,
        path: str,
        request: Message | bytes,
        answer: Any = None,
        metadata: tuple[tuple[str, str], ...] = (),
    ) -> Any:
        """A unary call; the answer parsed if its class is given."""

        if isinstance(request, Message):
            request = request.SerializeToString()
        parse = answer.FromString if answer is not None else None
        method = self.channel.unary_unary(path, None, parse)
        if self.token:
            metadata = (*metadata, ("authorization", f"Bearer {self.token}"))
        return method(request, metadata=metadata, timeout=CALL_S)

    def upload(self, request: DataCaptureUploadRequest, batch_id: str = "") -> str:
        """Upload readings; the file id."""
        metadata = (("batch-id", batch_id),) if batch_id else ()
        answer = self.call(UPLOAD, request, DataCaptureUploadResponse, metadata)
        return str(answer.file_id)


def upload_of(
    part_id: str, payloads: list[dict[str, Any]], start_ns: int = START_NS, **metadata: Any
) -> DataCaptureUploadRequest:
    """Readings one millisecond apart, each received 5 ns after it was requested."""
    request = DataCaptureUploadRequest()
    fields = {"component_type": SENSOR, "component_name": "s", "method_name": "Readings"}
    for name, value in {**fields, **metadata, "part_id": part_id}.items():
        if isinstance(value, list):
            getattr(request.metadata, name).extend(value)
        else:
            setattr(request.metadata, name, value)
    for number, payload in enumerate(payloads):
        data = request.sensor_contents.add()
        data.struct.update(payload)
        data.metadata.time_requested.FromNanoseconds(start_ns + number * 1_000_000)
        data.metadata.time_received.FromNanoseconds(start_ns + number * 1_000_000 + 5)
    return request


def status_of(function: Callable[..., object], *arguments: Any) -> tuple[grpc.StatusCode, str]:
    """The gRPC status and message that a call fails with; (OK, "") if it does not."""
    try:
        function(*arguments)
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "host_tools.cli", "cloud", *map(str, arguments)]
