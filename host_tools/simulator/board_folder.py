"""Everything one simulated board has on disk: its file system, its flash, what keeps its state.

FOLDER/files/     what the firmware sees: viam.json or robot.json, settings.json, drivers/
FOLDER/state/     NVS keys, RTC memory, the world file, the skipped-time counter
flash image       4 MB, with a partition table
"""

import json
import shutil
from pathlib import Path

from host_tools.errors import UserError
from host_tools.simulator import flash_file, world


class BoardFolder:
    """A board of its own; with `flash` it is the same board again in the next run."""

    def __init__(self, folder: Path, flash: Path | None) -> None:
        self.files = folder / "files"
        self.state = folder / "state"
        self.flash = flash or folder / "flash.img"
        self.world = self.state / "world"
        self.skipped = self.state / "skipped_ms"
        self.files.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(exist_ok=True)
        if not self.flash.exists():
            flash_file.create(self.flash)
        self.forget_time()

    def install(self, name: str, source: Path) -> None:
        """Copies credentials or a robot config onto the board; drivers/ and ca.pem go along."""
        if not source.is_file():
            raise UserError(f"{source} is not a file")
        for other in ("viam.json", "robot.json"):
            (self.files / other).unlink(missing_ok=True)
        shutil.copyfile(source, self.files / name)
        authority = source.resolve().parent / "ca.pem"
        if authority.is_file():  # what an https:// cloud's certificate is checked against
            shutil.copyfile(authority, self.files / authority.name)
        drivers = source.resolve().parent / "drivers"
        if drivers.is_dir():
            shutil.copytree(
                drivers, self.files / "drivers", dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("__pycache__"),
            )  # fmt: skip

    def put_in_lib(self, firmware: Path) -> None:
        """Makes `lib/` of the board be the folder `firmware`."""
        lib = self.files / "lib"
        lib.unlink(missing_ok=True)
        lib.symlink_to(firmware.resolve())

    def set_up(self, ntp_port: int) -> None:
        """Writes `settings.json`; what else the file holds is kept."""
        path = self.files / "settings.json"
        settings = json.loads(path.read_text()) if path.exists() else {}
        settings |= {"ntp_host": "127.0.0.1", "ntp_port": ntp_port}
        settings.setdefault("wifi", [{"ssid": "simulated", "password": "simulated"}])
        path.write_text(json.dumps(settings))

    def feel(self, source: Path | None) -> list[int]:
        """Writes the world file; returns the I2C addresses that answer."""
        content, addresses = world.build(source)
        self.world.write_bytes(content)
        return addresses

    def forget_time(self) -> None:
        """No simulated time was skipped yet."""
        self.skipped.write_bytes(bytes(4))

    def skipped_ms(self) -> int:
        """How far simulated time is ahead of real time."""
        return int.from_bytes(self.skipped.read_bytes(), "little")
