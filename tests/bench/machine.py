"""Runs the demo machine in the simulator against a cloud, for the benchmark."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from host_tools.firmware_path import REPOSITORY

DEMO = REPOSITORY / "boards" / "esp32" / "demo.json"


def demo_config(sync_minutes: float = 0.02) -> dict[str, Any]:
    """The demo machine's config, syncing more often so that short runs sync at all."""
    config: dict[str, Any] = json.loads(DEMO.read_text())
    for service in config["services"]:
        service["attributes"]["sync_interval_mins"] = sync_minutes
    return config


def write_credentials(file: Path, credentials: dict[str, str], address: str) -> None:
    """viam.json for a machine that reaches its cloud at `address` (host:port)."""
    cloud = credentials | {"app_address": f"grpc://{address}"}
    file.write_text(json.dumps({"cloud": cloud}))


def simulate(folder: Path, heap: str, seconds: float, *options: str) -> dict[str, Any] | None:
    """The firmware's report after a run with `folder`/viam.json; None when it did not end well."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "host_tools.cli", "simulate"]
    command += ["--credentials", str(folder / "viam.json"), "--heap", heap]
    command += ["--duration", str(seconds), "--report", str(report), *options]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=REPOSITORY, timeout=seconds + 90, check=False
    )
    (folder / "log").write_text(done.stdout + done.stderr)
    if done.returncode or not report.exists():
        return None
    result: dict[str, Any] = json.loads(report.read_text())
    return result
