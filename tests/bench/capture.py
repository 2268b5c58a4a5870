"""What capturing costs: stored bytes, allocations, flash wear, deadlines missed in uploads."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloud_process import running_cloud
from host_tools.firmware_path import FIRMWARE, REPOSITORY
from host_tools.simulator import compiled, interpreter
from tests.bench.machine import simulate, write_credentials
from tests.bench.table import Figure

_SCRIPT = Path(__file__).parent / "device" / "capture_figures.py"
_UPLOAD_SECONDS = 20


def figures() -> Iterator[Figure]:
    """From the modules themselves, and from a 100 Hz machine that uploads all the time."""
    got = _from_the_modules()
    yield Figure("stored bytes per 1-value reading", f"{got['bytes_1']:.1f}", "<= 12")
    yield Figure("stored bytes per 3-value reading", f"{got['bytes_3']:.1f}", "<= 20")
    yield Figure("  of a fast model (raw axes)", f"{got['bytes_3_fast']:.1f}")
    yield Figure("bytes allocated per captured sample, fast", str(got["allocated"]), "0")
    yield Figure("erases per stored kB, ring in flash", f"{got['erases']:.3f}", "<= 0.28")
    yield Figure("erases per stored kB, drained in time", f"{got['erases_drained']:.3f}", "0")
    yield _missed_while_uploading()


def _from_the_modules() -> dict[str, Any]:
    path = f"{compiled.compile_folder(FIRMWARE, short_names=False)}:{REPOSITORY}/tests/support"
    command = [str(interpreter.find()), "-X", "heapsize=4m", str(_SCRIPT)]
    environment = os.environ | {"MICROPYPATH": f"{path}:.frozen"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=300, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _missed_while_uploading() -> Figure:
    config = {
        "components": [
            {
                "name": "motion",
                "type": "movement_sensor",
                "model": "gyro-mpu6050",
                "attributes": {"i2c_bus": "bus"},
                "service_configs": [_capture("AngularVelocity", 100)],
            },
            {
                "name": "board",
                "type": "board",
                "model": "esp32",
                "attributes": {
                    "i2cs": [
                        {"name": "bus", "bus": "i2c0", "data_pin": 21, "clock_pin": 22,
                         "baudrate_hz": 400000}
                    ]
                },
            },
        ],
        "services": [
            {"name": "dm", "type": "data_manager", "attributes": {"sync_interval_mins": 0.01}}
        ],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with running_cloud(folder / "cloud") as cloud:
            credentials = cloud.add_machine("fast", config)
            write_credentials(folder / "viam.json", credentials, cloud.grpc)
            report = simulate(folder, "128k", _UPLOAD_SECONDS)
    if report is None:
        return Figure("deadlines missed at 100 Hz while uploading", "the run failed", "counted")
    motion = report["collectors"][0]
    deadlines = motion["captured"] + motion["missed"]
    missed = f"{motion['missed']} of {deadlines}"
    return Figure("deadlines missed at 100 Hz while uploading", missed, "counted")


def _capture(method: str, hertz: float) -> dict[str, Any]:
    methods = [{"method": method, "capture_frequency_hz": hertz, "cache_size_kb": 64}]
    return {"type": "data_manager", "attributes": {"capture_methods": methods}}
