"""Run the whole main job in about 40 seconds: capture, sync, an outage, and the account.

A local cloud, one machine with four sensors on the real MicroPython, ten seconds without the
cloud, and then everything read back with the official SDK.  Exit code 0 only if it balances.
"""

import argparse
import asyncio
import json
import socket
import sys
import tempfile
import time
from pathlib import Path

from host_tools.demonstration import processes
from host_tools.demonstration.account import Line, balance, table
from host_tools.demonstration.chart import chart
from host_tools.demonstration.reader import Series, read_series
from host_tools.firmware_path import REPOSITORY

HELP = "run the whole main job once and show its account"
MACHINE = REPOSITORY / "boards" / "esp32" / "demo.json"
_OUTAGE_S = 10
_GO_ON = """\
how to go on:
  .venv/bin/microserver cloud serve                             your own local cloud
  .venv/bin/microserver cloud add-machine NAME --config FILE    register a machine: viam.json
  .venv/bin/microserver simulate --credentials viam.json        run the firmware
  firmware/docs/writing_a_driver.md                             your own sensor: one .py file"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The demo needs no options; these are for the curious."""
    parser.add_argument("--duration", type=int, default=40, help="seconds to run (default: 40)")
    parser.add_argument("--keep", type=Path, help="keep database, logs and report in this folder")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; 0 when nothing was lost and nothing duplicated."""
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        return _run(arguments.keep.resolve(), arguments.duration)
    with tempfile.TemporaryDirectory(prefix="microserver-demo-") as folder:
        return _run(Path(folder), arguments.duration)


def _run(folder: Path, duration: int) -> int:
    grpc, web = _free_address(), _free_address()
    serve = ["cloud", "serve", "--grpc", grpc, "--web", web, "--data", str(folder / "cloud")]
    cloud = _start_cloud(serve, folder)
    try:
        part_id = _add_machine(folder, grpc)
        device = _start_device(folder, duration)
        before_outage = max(1, (duration - _OUTAGE_S) // 2)
        _watch(device, before_outage, "capturing and syncing")
        cloud.stop()
        _watch(device, _OUTAGE_S, "the cloud is down: the readings go into the ring")
        cloud = _start_cloud(serve, folder)
        _watch(device, duration + 60, "the cloud is back: catching up")
        api_key = json.loads((folder / "cloud" / "api_key.json").read_text())
        series = asyncio.run(read_series(grpc, api_key, part_id))
    finally:
        cloud.stop()
    return _show(folder, device.stop(), series)


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _start_cloud(serve: list[str], folder: Path) -> processes.Process:
    output = folder / f"cloud-{time.monotonic_ns()}.log"
    cloud = processes.Process(serve, output)
    cloud.wait_for("\n")  # its one line says that it is ready
    _say(output.read_text().strip())
    return cloud


def _add_machine(folder: Path, grpc: str) -> str:
    out = folder / "viam.json"
    data = str(folder / "cloud")
    options = ["--config", str(MACHINE), "--data", data, "--out", str(out)]
    address = f"grpc://{grpc}"
    processes.run(["cloud", "add-machine", "demo", *options, "--address", address])
    credentials = json.loads(out.read_text())["cloud"]
    _say(f"machine `demo` registered, part {credentials['id']}")
    return str(credentials["id"])


def _start_device(folder: Path, duration: int) -> processes.Process:
    _say(f"firmware on the real MicroPython, 96 kB heap, {duration} s")
    arguments = ["simulate", "--credentials", str(folder / "viam.json")]
    arguments += ["--duration", str(duration), "--report", str(folder / "report.json")]
    arguments += ["--flash", str(folder / "flash.img")]
    return processes.Process(arguments, folder / "device.log")


def _watch(device: processes.Process, seconds: int, what: str) -> None:
    """Wait `seconds`, or until the device has ended, and say what goes on."""
    _say(what)
    deadline = time.monotonic() + seconds
    while device.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)


def _show(folder: Path, exit_code: int, series: Series) -> int:
    report_file = folder / "report.json"
    if exit_code or not report_file.exists():
        print((folder / "device.log").read_text(errors="replace")[-3000:])
        print(f"error: the firmware ended with exit code {exit_code}", file=sys.stderr)
        return 1
    lines = balance(json.loads(report_file.read_text()), series)
    print(f"\n{table(lines)}\n")
    _show_chart(series)
    balanced = bool(lines) and all(_balances(line) for line in lines)
    print("\nthe account balances: 0 lost, 0 duplicated" if balanced else "\nDOES NOT BALANCE")
    print(f"\n{_GO_ON}")
    return 0 if balanced else 1


def _balances(line: Line) -> bool:
    return line.rows > 0 and line.lost == 0 and line.duplicated == 0


def _show_chart(series: Series) -> None:
    for (component, method), rows in sorted(series.items()):
        values = [row.get("readings", {}).get("temperature_celsius") for _, row in rows]
        numbers = [float(value) for value in values if isinstance(value, float | int)]
        if len(numbers) > 1:
            print(f"{component} {method}, degrees Celsius, {len(numbers)} readings:")
            print(chart(numbers))
            return


def _say(text: str) -> None:
    print(f"demo: {text}", flush=True)
