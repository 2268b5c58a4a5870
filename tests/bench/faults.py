"""Nothing lost, nothing duplicated: many seeds of cut connections, killed clouds, flash errors."""

import asyncio
import json
import random
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cloud_process import CloudProcess
from faulty_proxy import FaultyProxy
from host_tools.demonstration.account import balance
from host_tools.demonstration.reader import read_series
from tests.bench.machine import demo_config, simulate, write_credentials
from tests.bench.table import Figure

SEEDS = 200
_AT_ONCE = 6
_SECONDS = 6


class KilledCloud:
    """A cloud on one port that is killed with SIGKILL again and again, and started again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.port = _free_port()
        self.kills = 0
        self._random = random.Random(seed)
        self._done = threading.Event()
        self.cloud = self._start()
        self._killer = threading.Thread(target=self._kill_now_and_then)

    def _start(self) -> CloudProcess:
        return CloudProcess(self.folder, "--grpc", f"127.0.0.1:{self.port}")

    def begin(self) -> None:
        self._killer.start()

    def _kill_now_and_then(self) -> None:
        while not self._done.wait(self._random.uniform(3, 9)):
            self.cloud.kill()
            self.kills += 1
            self.cloud = self._start()

    def end(self) -> None:
        """No more kills; the cloud runs on."""
        self._done.set()
        self._killer.join()


def figures(seeds: int = SEEDS) -> Iterator[Figure]:
    """One simulated device per seed, through a proxy that cuts its connections."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        killed = KilledCloud(folder / "cloud", seeds)
        machines = [_add(killed, folder, seed) for seed in range(seeds)]
        killed.begin()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            results = list(pool.map(lambda m: _run(killed.port, m), machines))
        killed.end()
        try:
            accounts = [_account(killed.cloud, machine) for machine in machines]
        finally:
            killed.cloud.stop()
    ended = sum(result is not None for result, _ in results)
    cuts = sum(cuts for _, cuts in results)
    told = f"{ended} runs, {cuts} cuts, {killed.kills} kills"
    yield Figure(f"faults, {seeds} seeds", told)
    yield Figure("  readings captured", str(sum(captured for captured, _, _ in accounts)))
    yield Figure("  lost", str(sum(lost for _, lost, _ in accounts)), "0")
    yield Figure("  duplicated", str(sum(twice for _, _, twice in accounts)), "0")


def _add(killed: KilledCloud, folder: Path, seed: int) -> tuple[int, Path, dict[str, str]]:
    home = folder / f"seed{seed}"
    home.mkdir()
    return seed, home, killed.cloud.add_machine(f"seed{seed}", demo_config(0.01))


def _run(
    port: int, machine: tuple[int, Path, dict[str, str]]
) -> tuple[dict[str, Any] | None, int]:
    seed, home, credentials = machine
    with FaultyProxy(("127.0.0.1", port), seed, faults=1 + seed % 4) as proxy:
        write_credentials(home / "viam.json", credentials, f"127.0.0.1:{proxy.port}")
        return simulate(home, "128k", _SECONDS), proxy.cuts


def _account(
    cloud: CloudProcess, machine: tuple[int, Path, dict[str, str]]
) -> tuple[int, int, int]:
    """(captured, lost, duplicated) of one seed."""
    _, home, credentials = machine
    report = json.loads((home / "report.json").read_text())
    series = asyncio.run(read_series(cloud.grpc, cloud.owner, credentials["id"]))
    lines = balance(report, series)
    return (
        sum(line.captured for line in lines),
        sum(abs(line.lost) for line in lines),
        sum(line.duplicated for line in lines),
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
