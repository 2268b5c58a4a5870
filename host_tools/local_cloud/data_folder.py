"""The folder in which one local cloud keeps everything, and what lies where in it."""

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from host_tools.errors import UserError
from host_tools.local_cloud.identity import new_secret

DEFAULT_GRPC = "127.0.0.1:8081"  # HOST:PORT


def default_data_folder() -> Path:
    """`microserver/cloud` in the user's data directory (XDG_DATA_HOME is honoured)."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "microserver" / "cloud"


@dataclass(frozen=True)
class OwnerKey:
    """The API key of the person who owns this cloud."""

    id: str
    key: str


class DataFolder:
    """Paths below one folder, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.machines = path / "machines.sqlite"
        self.logs = path / "logs.sqlite"
        self.readings = path / "readings.duckdb"
        self.api_key = path / "api_key.json"
        self.addresses = path / "server.json"

    def create(self) -> None:
        """Make the folder; UserError when that is not possible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise UserError(
                f"cannot use {self.path} as data folder: {error.strerror}",
                "name another one with --data",
            ) from error

    def owner_key(self) -> OwnerKey:
        """The owner's API key; made on first use, mode 0600."""
        if not self.api_key.exists():
            write_private(self.api_key, {"id": str(uuid.uuid4()), "key": new_secret()})
        try:
            document = json.loads(self.api_key.read_text())
            return OwnerKey(document["id"], document["key"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f'{self.api_key} does not hold {{"id": ..., "key": ...}}',
                "move it away; the next start makes a new key",
            ) from error


def write_private(path: Path, document: object) -> None:
    """Write JSON whole or not at all, readable by the owner only."""
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
