"""The machines of this cloud, in SQLite: other processes may add some while the server runs."""

import json
import os
import secrets
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.local_cloud.identity import hash_of, new_secret
from host_tools.local_cloud.robot_config import revision_of

_WAIT_FOR_LOCK_S = 5.0
_SCHEMA = """
create table if not exists settings (name text primary key, value text not null) strict;
create table if not exists machines (
    part_id text primary key,
    name text not null unique,
    robot_id text not null,
    secret_hash text not null,
    config text not null,
    revision text not null,
    restart text not null default 'none',
    last_seen_s integer not null default 0,
    certificate text not null default '',
    private_key text not null default ''
) strict;
"""
_COLUMNS = "part_id, name, robot_id, secret_hash, config, revision, restart, last_seen_s"


@dataclass(frozen=True)
class Machine:
    """One registered machine; it has one part, as every micro server has.

    `restart`: "none", "asked" (by a person) or "told" (the machine has been told).
    `last_seen_s`: unix time of its last log-in or config request, 0 = never.
    """

    part_id: str
    name: str
    robot_id: str
    secret_hash: str
    config: str
    revision: str
    restart: str
    last_seen_s: int

    @property
    def document(self) -> dict[str, Any]:
        """The robot config as the user wrote it."""
        document: dict[str, Any] = json.loads(self.config)
        return document

    @property
    def part_name(self) -> str:
        """Viam's name for the first part of a machine."""
        return f"{self.name}-main"


class Registry:
    """Machines, their configs and what identifies this cloud."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(
            path, timeout=_WAIT_FOR_LOCK_S, isolation_level=None, check_same_thread=False
        )
        self._db.execute("pragma journal_mode = wal")
        with self._transaction():
            for statement in _SCHEMA.split(";")[:-1]:
                self._db.execute(statement)
            for name, value in _first_settings().items():
                self._db.execute("insert or ignore into settings values (?, ?)", (name, value))
        self._settings: dict[str, str] = dict(self._db.execute("select name, value from settings"))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @property
    def organization_id(self) -> str:
        """The id of the one organisation here."""
        return self._settings["organization_id"]

    @property
    def location_id(self) -> str:
        """The id of the one location here (ten characters, as Viam's)."""
        return self._settings["location_id"]

    @property
    def token_key(self) -> bytes:
        """What access tokens are signed with."""
        return bytes.fromhex(self._settings["token_key"])

    def machines(self) -> list[Machine]:
        """All machines by name."""
        rows = self._db.execute(f"select {_COLUMNS} from machines order by name")
        return [Machine(*row) for row in rows]

    def by_part(self, part_id: str) -> Machine | None:
        """The machine with this part id."""
        return self._one("part_id = ?", part_id)

    def by_name(self, name: str) -> Machine:
        """The machine of this name; UserError when there is none."""
        machine = self._one("name = ?", name)
        if machine is None:
            names = ", ".join(known.name for known in self.machines()) or "none yet"
            raise UserError(f"no machine is named {name!r}", f"machines here: {names}")
        return machine

    def add(self, name: str, document: dict[str, Any]) -> tuple[Machine, str]:
        """Register a machine; returns it and its secret, which is not kept anywhere."""
        part_id, robot_id, secret = str(uuid.uuid4()), str(uuid.uuid4()), new_secret()
        config, revision = json.dumps(document), revision_of(document)
        try:
            self._db.execute(
                "insert into machines (part_id, name, robot_id, secret_hash, config, revision)"
                " values (?, ?, ?, ?, ?, ?)",
                (part_id, name, robot_id, hash_of(secret), config, revision),
            )
        except sqlite3.IntegrityError as error:
            raise UserError(
                f"a machine named {name!r} exists already",
                'take another name, or give it a new config with "cloud set-config"',
            ) from error
        return self.by_name(name), secret

    def set_config(self, name: str, document: dict[str, Any]) -> Machine:
        """Replace a machine's config; the machine sees a new revision."""
        part_id = self.by_name(name).part_id
        self._db.execute(
            "update machines set config = ?, revision = ? where part_id = ?",
            (json.dumps(document), revision_of(document), part_id),
        )
        return self.by_name(name)

    def ask_restart(self, name: str) -> None:
        """Have the machine told to restart."""
        part_id = self.by_name(name).part_id
        self._db.execute("update machines set restart = 'asked' where part_id = ?", (part_id,))

    def note_restart_told(self, part_id: str) -> None:
        """The machine was answered that it must restart; it is told again until it logs in."""
        self._db.execute("update machines set restart = 'told' where part_id = ?", (part_id,))

    def note_login(self, part_id: str) -> None:
        """The machine logged in: a restart that it was told of has happened."""
        self._db.execute(
            "update machines set last_seen_s = ?,"
            " restart = case restart when 'told' then 'none' else restart end where part_id = ?",
            (int(time.time()), part_id),
        )

    def note_seen(self, machine: Machine, at_least_s: int = 10) -> None:
        """The machine asked for something; written at most every `at_least_s` seconds."""
        now_s = int(time.time())
        if now_s - machine.last_seen_s >= at_least_s:
            self._db.execute(
                "update machines set last_seen_s = ? where part_id = ?", (now_s, machine.part_id)
            )

    def certificate(self, part_id: str) -> tuple[str, str] | None:
        """The machine's (certificate, private key) as PEM, if it has one already."""
        row = self._db.execute(
            "select certificate, private_key from machines where part_id = ?", (part_id,)
        ).fetchone()
        return row if row and row[0] else None

    def keep_certificate(self, part_id: str, certificate: str, private_key: str) -> None:
        """Keep the machine's certificate, so that it stays the same."""
        self._db.execute(
            "update machines set certificate = ?, private_key = ? where part_id = ?",
            (certificate, private_key, part_id),
        )

    def _one(self, condition: str, value: str) -> Machine | None:
        sql = f"select {_COLUMNS} from machines where {condition}"
        row = self._db.execute(sql, (value,)).fetchone()
        return Machine(*row) if row else None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")


def _first_settings() -> dict[str, str]:
    return {
        "organization_id": str(uuid.uuid4()),
        "location_id": secrets.token_hex(5),
        "token_key": secrets.token_hex(32),
    }
