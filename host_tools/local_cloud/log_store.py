"""The machines' log lines: the newest of each machine, in SQLite, readable while we run."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from google.protobuf.json_format import MessageToJson
from google.protobuf.struct_pb2 import Struct
from viam.gen.common.v1.common_pb2 import LogEntry

from host_tools.local_cloud.readings import nanoseconds_of

MAX_LINES_PER_MACHINE = 10_000
_MAX_TEXT = 8_000  # characters of one message, stack or fields object
_WAIT_FOR_LOCK_S = 5.0
_SCHEMA = """
create table if not exists lines (
    id integer primary key autoincrement, part_id text not null, time_ns integer not null,
    arrived_ns integer not null, level text not null, logger text not null, host text not null,
    message text not null, caller text not null, stack text not null, fields text not null
) strict;
create index if not exists lines_of_part on lines (part_id, id);
"""
_INSERT = """insert into lines (part_id, time_ns, arrived_ns, level, logger, host, message,
    caller, stack, fields) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_TRIM = """delete from lines where part_id = ?1 and id <= (
    select id from lines where part_id = ?1 order by id desc limit 1 offset ?2)"""


class LogLine(NamedTuple):
    """One stored line; `fields` is JSON text ("" = none)."""

    id: int
    time_ns: int
    level: str
    logger: str
    message: str
    stack: str
    fields: str


class LogStore:
    """Log lines of all machines.  Methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=_WAIT_FOR_LOCK_S, check_same_thread=False)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")  # kill-safe; a power cut may cost lines
        self._db.executescript(_SCHEMA)

    def append(self, part_id: str, entries: Iterable[LogEntry]) -> None:
        """Keep these lines and drop the oldest beyond the bound."""
        arrived_ns = time.time_ns()
        rows = [_row(part_id, arrived_ns, entry) for entry in entries]
        with self._lock, self._db:
            self._db.executemany(_INSERT, rows)
            self._db.execute(_TRIM, (part_id, MAX_LINES_PER_MACHINE))

    def newest(self, part_id: str, count: int, after_id: int = 0) -> list[LogLine]:
        """The newest `count` lines behind `after_id`, in the order they came."""
        sql = """select id, time_ns, level, logger, message, stack, fields from lines
            where part_id = ? and id > ? order by id desc limit ?"""
        with self._lock:
            rows = self._db.execute(sql, (part_id, after_id, count)).fetchall()
        return [LogLine(*row) for row in reversed(rows)]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()


def _row(part_id: str, arrived_ns: int, entry: LogEntry) -> tuple[object, ...]:
    known = entry.HasField("time")
    time_ns = nanoseconds_of(entry.time, "log line") if known else arrived_ns
    return (
        part_id,
        time_ns,
        arrived_ns,
        entry.level[:20],
        entry.logger_name[:200],
        entry.host[:200],
        _cut(entry.message),
        _json(entry.caller) if entry.HasField("caller") else "",
        _cut(entry.stack),
        _cut(",".join(_json(field) for field in entry.fields)),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "... (cut)"


def _json(struct: Struct) -> str:
    return _cut(MessageToJson(struct, indent=None))
