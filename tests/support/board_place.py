"""Where a test runs one simulated board: its folder, its machine in the cloud, and the board."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

from cloud_process import CloudProcess, run_cloud
from host_tools.demonstration.reader import Series, read_series
from host_tools.local_cloud.data_folder import DataFolder
from host_tools.local_cloud.log_store import LogStore
from simulated_board import SimulatedBoard
from tests.bench import machine

HEAP = ("--heap", "128k")

Config = dict[str, Any]


class Place:
    """One board's folder, its machine in the cloud, and the board."""

    def __init__(self, folder: Path, cloud: CloudProcess, drivers: Path) -> None:
        self.folder = folder
        self.cloud = cloud
        self.credentials: dict[str, str] = {}
        self.board: SimulatedBoard
        folder.mkdir()
        machine.install_counter(folder)
        shutil.copytree(drivers, folder / "drivers", dirs_exist_ok=True)

    def register(self, config: Config, address: str = "", **changes: str) -> None:
        """Make it a machine of the cloud; `changes`: of the credentials that it gets."""
        self.credentials = self.cloud.add_machine(self.folder.name, config) | changes
        file = self.folder / "viam.json"
        machine.write_credentials(file, self.credentials, address or self.cloud.grpc)

    def know(self, config: Config, address: str = "", **changes: str) -> None:
        """As `register`, and the board has this config from its cloud already."""
        machine.remember_config(self.folder, config)
        self.register(config, address, **changes)

    def start(self, *options: str, config: Config | str | None = None) -> None:
        """Run the board, with a local config or with its credentials."""
        file = self.folder / "config.json"
        if config is not None:
            file.write_text(config if isinstance(config, str) else json.dumps(config))
        self.board = SimulatedBoard(
            self.folder, *HEAP, *options, config=None if config is None else file
        )

    def command(self, *words: str) -> None:
        done = run_cloud(words[0], self.folder.name, *words[1:], "--data", self.cloud.folder)
        assert done.returncode == 0, done.stderr

    @property
    def log(self) -> str:
        return self.board.log

    def series(self) -> Series:
        part = self.credentials["id"]
        return asyncio.run(read_series(self.cloud.grpc, self.cloud.owner, part))

    def cloud_log(self) -> str:
        """The lines that the cloud has of it."""
        logs = LogStore(DataFolder(self.cloud.folder).logs)
        lines = logs.newest(self.credentials["id"], 500)
        logs.close()
        return "\n".join(line.message for line in lines)

    def wait_for_readings(self, component: str = "good") -> None:
        """Until readings of this sensor are in the cloud."""
        found = (component, "Readings")
        self.board.wait_until(lambda: found in self.series(), f"readings of {component}")

    def wait_for_cloud_log(self, text: str) -> None:
        self.board.wait_until(lambda: text in self.cloud_log(), f"{text!r} in the cloud's log")
