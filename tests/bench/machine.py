"""Runs machines in the simulator against a cloud, for the benchmark and the end-to-end tests."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from viam.gen.app.v1.robot_pb2 import ConfigResponse

from host_tools.firmware_path import REPOSITORY
from host_tools.local_cloud.robot_config import to_message

DEMO = REPOSITORY / "boards" / "esp32" / "demo.json"
COUNTER = Path(__file__).parent / "device" / "counter.py"
FLASH = "flash.img"  # of a board that is kept: its files are in FLASH.board/files
_END_S = 90  # a slow machine, and a last sync that waits for the cloud


def demo_config(sync_minutes: float = 0.02) -> dict[str, Any]:
    """The demo machine's config, syncing more often so that short runs sync at all."""
    config: dict[str, Any] = json.loads(DEMO.read_text())
    for service in config["services"]:
        service["attributes"]["sync_interval_mins"] = sync_minutes
    return config


def data_manager(**attributes: Any) -> dict[str, Any]:
    """The data management service, as it stands in a config."""
    return {"name": "data", "type": "data_manager", "attributes": attributes}


def sensor(name: str, hertz: Any, kilobytes: Any = 10, model: str = "counter", **attributes: Any
           ) -> dict[str, Any]:  # fmt: skip
    """A sensor whose readings are captured, as it stands in a config."""
    capture = {
        "method": "Readings",
        "capture_frequency_hz": hertz,
        "cache_size_kb": kilobytes,
    }
    return {
        "name": name,
        "type": "sensor",
        "model": model,
        "attributes": attributes,
        "service_configs": [
            {"type": "data_manager", "attributes": {"capture_methods": [capture]}}
        ],
    }


def write_credentials(file: Path, credentials: dict[str, str], address: str) -> None:
    """viam.json for a machine that reaches its cloud at `address` (host:port)."""
    cloud = credentials | {"app_address": f"grpc://{address}"}
    file.write_text(json.dumps({"cloud": cloud}))


def install_counter(home: Path) -> None:
    """The driver `counter`, beside the credentials or the config in `home`."""
    (home / "drivers").mkdir(exist_ok=True)
    shutil.copy(COUNTER, home / "drivers")


def remember_config(home: Path, config: dict[str, Any]) -> None:
    """Make the board in `home` be one that got this config from its cloud before."""
    files = home / f"{FLASH}.board" / "files"
    files.mkdir(parents=True, exist_ok=True)
    answer = ConfigResponse(config=to_message(config))
    (files / "robot_config.bin").write_bytes(answer.SerializeToString())


def simulate(
    folder: Path, heap: str, seconds: float, *options: str, flash_faults: int | None = None
) -> dict[str, Any] | None:
    """The firmware's report after a run with `folder`/viam.json; None when it did not end well.

    `flash_faults`: the seed of a flash that fails now and then.  Log: `folder`/log.
    """
    environment = dict(os.environ)
    if flash_faults is not None:
        environment["SIMULATED_FLASH_FAULTS"] = str(flash_faults)
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "host_tools.cli", "simulate"]
    command += ["--credentials", str(folder / "viam.json"), "--heap", heap]
    command += ["--duration", str(seconds), "--report", str(report), *options]
    with (folder / "log").open("w") as log:
        done = subprocess.run(
            command,
            stdout=log,
            stderr=log,
            cwd=REPOSITORY,
            timeout=seconds + _END_S,
            check=False,
            env=environment,
        )
    if done.returncode or not report.exists():
        return None
    result: dict[str, Any] = json.loads(report.read_text())
    return result
