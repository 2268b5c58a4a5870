"""Nothing lost, nothing duplicated: many seeds of cut connections, killed clouds, flash errors.

Every sensor numbers its readings, so that each single one is looked for in the cloud.  What the
firmware counts (dropped by overflow, rejected, lost in damaged flash) and what it still stores is
accounted; `lost` is what remains.
"""

import asyncio
import random
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from cloud_process import CloudProcess
from faulty_proxy import FaultyProxy
from host_tools.demonstration.reader import Row, read_series
from host_tools.local_cloud.data_folder import DataFolder
from host_tools.local_cloud.registry import Registry
from tests.bench import machine
from tests.bench.table import Figure

SEEDS = 200
_AT_ONCE = 6
_SECONDS = 6.5
_HEAP = "128k"


@dataclass
class Account:
    """Of one seed, or the sum of many; all but `ended` to `bad_sectors` count readings."""

    ended: int = 0
    cuts: int = 0
    flash_faults: int = 0
    bad_sectors: int = 0
    captured: int = 0
    in_flash: int = 0
    stored: int = 0
    dropped: int = 0
    damaged: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0

    def add(self, other: "Account") -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


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
        while not self._done.wait(self._random.uniform(1, 6)):
            self.cloud.kill()
            self.kills += 1
            self._done.wait(self._random.choice((0, 0, 4)))  # some outages fill the flash
            self.cloud = self._start()

    def end(self) -> None:
        """No more kills; the cloud runs on."""
        self._done.set()
        self._killer.join()


@dataclass(frozen=True)
class Machine:
    """One seed's board: its folder, its credentials and where its cloud is."""

    seed: int
    home: Path
    credentials: dict[str, str]


def config_of(seed: int) -> dict[str, Any]:
    """Four counters: fast into flash, plain, with strings, and one whose small ring overflows."""
    return {
        "components": [
            machine.sensor("fast", 100, 40, kind="fast"),
            machine.sensor("plain", 10, 8),
            machine.sensor("text", 8, 12, kind="text"),
            machine.sensor("narrow", 50, 1, kind="fast"),
        ],
        "services": [machine.data_manager(sync_interval_mins=(0.01, 0.02, 0.04)[seed % 3])],
    }


def run(seeds: int, seconds: float = _SECONDS) -> tuple[Account, int]:
    """(the sum of all accounts, kills of the cloud): one simulated board per seed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        killed = KilledCloud(folder / "cloud", seeds)
        try:
            machines = _machines(killed.folder, folder, seeds)
            killed.begin()
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                results = list(pool.map(lambda m: _run(killed.port, m, seconds), machines))
            killed.end()
            total = Account()
            for board, (report, cuts) in zip(machines, results, strict=True):
                total.add(_account(killed.cloud, board, report, cuts))
        finally:
            killed.cloud.kill()
    return total, killed.kills


def figures(seeds: int = SEEDS) -> Iterator[Figure]:
    """The sums over all seeds."""
    total, kills = run(seeds)
    told = f"{total.ended} of {seeds}"
    yield Figure("faults: seeds that ran to their end", told, f"{seeds} of {seeds}")
    yield Figure("  connections cut, clouds killed", f"{total.cuts}, {kills}")
    told = f"{total.flash_faults}, {total.bad_sectors}"
    yield Figure("  flash errors, sectors retired for them", told)
    told = f"{total.captured}, {total.in_flash}"
    yield Figure("  readings captured, of them written to flash", told)
    told = f"{total.dropped}, {total.damaged}, {total.stored}"
    yield Figure("  counted: overflow, damaged in flash, still stored", told)
    yield Figure("  lost", str(total.lost), "0")
    yield Figure("  duplicated", str(total.duplicated), "0")
    yield Figure("  with a wrong value or time", str(total.wrong), "0")


def _machines(cloud: Path, folder: Path, seeds: int) -> list[Machine]:
    registry = Registry(DataFolder(cloud).machines)
    machines = []
    for seed in range(seeds):
        home = folder / f"seed{seed}"
        home.mkdir()
        machine.install_counter(home)
        machine.remember_config(home, config_of(seed))
        added, secret = registry.add(home.name, config_of(seed))
        machines.append(Machine(seed, home, {"id": added.part_id, "secret": secret}))
    registry.close()
    return machines


def _run(port: int, board: Machine, seconds: float) -> tuple[dict[str, Any] | None, int]:
    """(the firmware's report, connections cut)."""
    seed, home = board.seed, board.home
    with FaultyProxy(("127.0.0.1", port), seed, faults=1 + seed % 8) as proxy:
        machine.write_credentials(home / "viam.json", board.credentials, f"127.0.0.1:{proxy.port}")
        flash = str(home / machine.FLASH)
        faults = seed if seed % 2 else None
        report = machine.simulate(home, _HEAP, seconds, "--flash", flash, flash_faults=faults)
        (home / machine.FLASH).unlink(missing_ok=True)  # 4 MB each
        return report, proxy.cuts


def _account(
    cloud: CloudProcess, board: Machine, report: dict[str, Any] | None, cuts: int
) -> Account:
    account = Account(cuts=cuts)
    if report is None or report["task_failures"] or not report["collectors"]:
        log = (board.home / "log").read_text()
        print(f"{board.home.name} did not end well: {log[-500:]}", file=sys.stderr)
        return account
    account.ended = 1
    account.bad_sectors = report["flash"]["bad"]
    account.flash_faults = report["simulator"].get("flash_faults", 0)
    series = asyncio.run(read_series(cloud.grpc, cloud.owner, board.credentials["id"]))
    for collector in report["collectors"]:
        found = series.get((collector["component"], collector["method"]), [])
        one = account_of(collector, found)
        if one.lost or one.duplicated or one.wrong:
            print(f"{board.home.name}: {one}\n{collector}", file=sys.stderr)
        account.add(one)
    return account


def account_of(collector: dict[str, Any], rows: list[Row]) -> Account:
    """One counter's account: `rows` against its part of the firmware's report."""
    captured, stored = collector["captured"], collector["records"]
    given_up = collector["dropped"] + collector["rejected"] + collector["lost"]
    numbers = [payload["readings"]["n"] for _, payload in rows]
    missing = set(range(captured)) - set(numbers)
    # A stored batch whose answer was lost is in the cloud and on the board: what is old enough
    # to be gone from the board is looked at on its own.
    old = [number for number in missing if number < captured - stored - given_up]
    by_time = [payload["readings"]["n"] for _, payload in sorted(rows, key=lambda row: row[0])]
    disorder = sum(earlier > later for earlier, later in pairwise(by_time))
    return Account(
        captured=captured,
        in_flash=collector["spilled"],
        stored=stored,
        dropped=collector["dropped"] + collector["rejected"],
        damaged=collector["lost"],
        lost=max(0, len(old) - given_up, len(missing) - given_up - stored),
        duplicated=len(numbers) - len(set(numbers)),
        wrong=len(set(numbers) - set(range(captured))) + disorder,
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
