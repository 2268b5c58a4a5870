"""Readings in one DuckDB file: one writer thread, readers with cursors of their own."""

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import duckdb

from host_tools.local_cloud.storage.conditions import Conditions, add_cursor, conditions_of
from host_tools.local_cloud.storage.duckdb_commit import Committer, stored_sources
from host_tools.local_cloud.storage.duckdb_schema import open_database
from host_tools.local_cloud.storage.duckdb_writer import Writer
from host_tools.local_cloud.storage.store import (
    Cursor,
    Reading,
    Selection,
    Source,
    StoreError,
    Totals,
    Upload,
)

_MAX_PAGE_BYTES = 16_000_000
_FETCH_ROWS = 256
_COLUMNS = """readings.id, readings.source, epoch_ns(time_requested), epoch_ns(time_received),
    epoch_ns(arrived), data, size"""


class DuckDBStore:
    """A Store (see store.py) in a file that no other process may open meanwhile."""

    def __init__(self, path: Path) -> None:
        self._connection = open_database(path)
        self._lock = threading.Lock()
        self._committer = Committer(self._connection.cursor())
        self._sources_by_id: dict[int, Source] = {}
        self._writer = Writer(self._committer)

    def append(self, upload: Upload) -> "Future[None]":
        """Store an upload whole; done when it is durable, or fails with StoreError."""
        return self._writer.append(upload)

    def page(
        self,
        selection: Selection,
        limit: int,
        after: Cursor | None = None,
        descending: bool = True,
        max_row_id: int | None = None,
    ) -> list[Reading]:
        """The next readings by time received; fewer than `limit` only at the end or when big."""
        conditions = conditions_of(selection)
        if after is not None:
            add_cursor(conditions, after, descending)
        if max_row_id is not None:
            conditions.add("id <= ?", max_row_id)
        return self._readings(conditions, limit, "desc" if descending else "asc")

    def totals(self, selection: Selection) -> Totals:
        """Count and bytes of what is selected."""
        conditions = conditions_of(selection)
        sql = f"select count(*), coalesce(sum(size), 0) from readings where {conditions.text}"
        row = self._execute(sql, conditions.values).fetchone()
        return Totals(int(row[0]), int(row[1])) if row else Totals(0, 0)

    def latest(self, selection: Selection, arrived_after_ns: int) -> Reading | None:
        """The newest reading by time received that arrived after that time."""
        conditions = conditions_of(selection)
        conditions.add(
            "upload in (select id from uploads where arrived >= make_timestamp_ns(?))",
            arrived_after_ns,
        )
        return next(iter(self._readings(conditions, 1, "desc")), None)

    def last_row_id(self) -> int:
        """The id of the reading that was committed last."""
        return self._committer.last_row_id

    def close(self) -> None:
        """Finish what was accepted and let go of the file."""
        self._writer.close()
        self._connection.close()

    def _readings(self, conditions: Conditions, limit: int, order: str) -> list[Reading]:
        # The page is cut first and only its few rows are joined: DuckDB reads no other payload.
        sql = f"""
            select {_COLUMNS} from (
                select * from readings where {conditions.text}
                order by time_received {order}, id {order} limit {int(limit)}
            ) as readings join uploads on uploads.id = readings.upload
            order by time_received {order}, readings.id {order}"""
        cursor = self._execute(sql, conditions.values)
        found: list[Reading] = []
        size = 0
        while rows := cursor.fetchmany(_FETCH_ROWS):
            for row in rows:
                found.append(self._reading(row))
                size += found[-1].size
                if size >= _MAX_PAGE_BYTES:
                    return found
        return found

    def _reading(self, row: tuple[Any, ...]) -> Reading:
        return Reading(row[0], self._source(row[1]), *row[2:])

    def _source(self, number: int) -> Source:
        if number not in self._sources_by_id:
            sources = stored_sources(self._execute("select 1", []))
            self._sources_by_id = {value: source for source, value in sources.items()}
        return self._sources_by_id[number]

    def _execute(self, sql: str, values: list[Any]) -> duckdb.DuckDBPyConnection:
        with self._lock:
            cursor = self._connection.cursor()
        try:
            return cursor.execute(sql, values)
        except duckdb.Error as error:
            raise StoreError(str(error)) from error
