"""The main job, whole: firmware on MicroPython, local cloud, official SDK."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

from cloud_process import CloudProcess, running_cloud
from tests.bench.machine import data_manager, simulate, write_credentials


def test_the_demo_balances_over_an_outage_of_the_cloud() -> None:
    command = [sys.executable, "-m", "host_tools.cli", "demo", "--duration", "26"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the account balances" in done.stdout


def test_two_readers_of_one_board_are_two_series_and_neither_loses_a_reading(
    tmp_path: Path,
) -> None:
    """The documents' own example: Analogs of A1 and A2, which differ in their parameters only."""
    methods = [
        {
            "method": "Analogs",
            "additional_params": {"reader_name": name},
            "capture_frequency_hz": 10,
            "cache_size_kb": 10,
        }
        for name in ("A1", "A2")
    ]
    board = {
        "name": "my-esp32",
        "type": "board",
        "model": "esp32",
        "attributes": {"analogs": [{"pin": "34", "name": "A1"}, {"pin": "35", "name": "A2"}]},
        "service_configs": [{"type": "data_manager", "attributes": {"capture_methods": methods}}],
    }
    config = {"components": [board], "services": [data_manager(sync_interval_mins=0.01)]}
    with running_cloud(tmp_path / "cloud") as cloud:
        credentials = cloud.add_machine("two-readers", config)
        write_credentials(tmp_path / "viam.json", credentials, cloud.grpc)
        report = simulate(tmp_path, "96k", 6)
        assert report is not None, (tmp_path / "log").read_text()
        series = asyncio.run(readers_of(cloud, credentials["id"]))
    captured = [collector["captured"] for collector in report["collectors"]]
    assert [series["A1"], series["A2"]] == captured
    assert min(captured) > 20


async def readers_of(cloud: CloudProcess, part_id: str) -> Counter[str]:
    """How many readings the cloud has of each analog reader."""
    client = await cloud.viam_client()
    try:
        points = await client.data_client.export_tabular_data(
            part_id, "my-esp32", "rdk:component:board", "Analogs"
        )
    finally:
        client.close()
    return Counter(point.method_parameters["reader_name"] for point in points)
