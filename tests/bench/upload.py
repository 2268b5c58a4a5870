"""Figures of an upload of 1,000 readings, against JSON batches with MicroPython's `requests`."""

import http.server
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud_process import running_cloud
from faulty_proxy import FaultyProxy
from host_tools.firmware_path import FIRMWARE
from host_tools.simulator import compiled, interpreter
from tests.bench import instructions
from tests.bench.table import Figure

DEVICE = Path(__file__).parent / "device"
READINGS = 1000


class _Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        # No length: the device ran out of heap in the middle of its request.
        self.rfile.read(int(self.headers["content-length"] or 0))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def json_server() -> Iterator[int]:
    """A port that takes JSON posts."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def run_device(script: str, arguments: list[str], heap: str, path: str) -> bool:
    """True when the script ends well in this heap."""
    command = [str(interpreter.find()), "-X", f"heapsize={heap}", "-m", script, *arguments]
    with tempfile.TemporaryDirectory() as scratch:  # where files stand for the board's flash
        (Path(scratch) / "lib").symlink_to(path)
        environment = os.environ | {"MICROPYPATH": "lib:.frozen"}
        done = subprocess.run(
            command, capture_output=True, env=environment, cwd=scratch, check=False, timeout=60
        )
    return done.returncode == 0 and b"uploaded" in done.stdout


def compile_with(script: str, *, firmware: bool) -> str:
    """A folder with the script as `.mpy`, and the firmware as a board would have it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "lib"
        folder.mkdir()
        if firmware:
            shutil.copytree(FIRMWARE / "microserver", folder / "microserver")
        shutil.copyfile(DEVICE / script, folder / script)
        return str(compiled.compile_folder(folder, short_names=firmware))


def smallest_heap(runs: Callable[[int], bool], low: int = 8, high: int = 512) -> int:
    """The smallest heap in kB in which `runs(kB)` is true, by bisection."""
    while low < high:
        middle = (low + high) // 2
        if runs(middle):
            high = middle
        else:
            low = middle + 1
    return low


def figures() -> Iterator[Figure]:
    """Wire bytes, instructions and heap per reading."""
    instructions.set_up()
    board = compile_with("upload_grpc.py", firmware=True)
    plain = compile_with("upload_json.py", firmware=False)
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_cloud(Path(scratch)) as cloud,
        json_server() as json_port,
    ):
        machine = cloud.add_machine("bench")
        grpc_port = int(cloud.grpc.split(":")[1])
        wire = {}
        for upload in "01":
            with FaultyProxy(("127.0.0.1", grpc_port), 0, 0) as proxy:
                identity = [str(proxy.port), machine["id"], machine["secret"]]
                assert run_device(
                    "upload_grpc", [*identity, str(READINGS), upload, "0"], "1m", board
                )
                wire[upload] = proxy.bytes_up
        bytes_each = (wire["1"] - wire["0"]) / READINGS
        yield Figure("wire bytes per reading, 1,000 readings", f"{bytes_each:.1f}", "<= 120")
        login = [str(grpc_port), machine["id"], machine["secret"]]
        grpc = _count("upload_grpc", login, board, "0")
        json = _count("upload_json", [str(json_port)], plain)
        yield Figure("instructions per reading, gRPC", f"{grpc / READINGS:,.0f}", "<= 30,000")
        yield Figure("instructions per reading, JSON", f"{json / READINGS:,.0f}", "")
        yield Figure("gRPC against JSON, instructions", f"{grpc / json:.2f}x", "<= 0.8x")

        def grpc_runs(kilobytes: int) -> bool:
            arguments = [*login, str(READINGS), "1", "1"]
            return run_device("upload_grpc", arguments, f"{kilobytes}k", board)

        def json_runs(kilobytes: int) -> bool:
            arguments = [str(json_port), str(READINGS), "1"]
            return run_device("upload_json", arguments, f"{kilobytes}k", plain)

        heaps = smallest_heap(grpc_runs), smallest_heap(json_runs)
        yield Figure(
            "smallest heap, gRPC (ring in flash) / JSON", f"{heaps[0]} kB / {heaps[1]} kB", ""
        )
        yield Figure("gRPC against JSON, heap", f"{heaps[0] / heaps[1]:.2f}x", "<= 0.5x")


def _count(script: str, arguments: list[str], path: str, *more: str) -> int:
    """Instructions of uploading READINGS readings; not of taking them, start-up and log-in."""
    counts = [
        instructions.count(
            script, *arguments, str(READINGS), upload, *more, path=f"{path}:.frozen"
        )
        for upload in "10"
    ]
    return counts[0] - counts[1]
