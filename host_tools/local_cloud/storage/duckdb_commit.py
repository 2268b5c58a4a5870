"""One transaction per group of uploads: which are new, their rows, and what marks a repeat."""

from collections.abc import Sequence
from typing import Any

import duckdb

from host_tools.local_cloud.storage.store import Source, Upload

# Lists that DuckDB unnests: 50 times faster than one statement per row.
_INSERT_READINGS = """
insert into readings
select unnest($1::bigint[]), unnest($2::integer[]), unnest($3::bigint[]),
    make_timestamp_ns(unnest($4::bigint[])), make_timestamp_ns(unnest($5::bigint[])),
    unnest($6::integer[]), unnest($7::json[])::variant
"""
_INSERT_UPLOADS = """
insert into uploads
select unnest($1::bigint[]), unnest($2::varchar[]), unnest($3::varchar[]),
    unnest($4::integer[]), make_timestamp_ns(unnest($5::bigint[])), unnest($6::integer[])
"""
_INSERT_SOURCE = "insert into sources values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_STORED = "select file_id, content_hash from uploads where file_id in (select unnest(?))"
_OTHER_CONTENT = "this batch id was used before, for other readings"


class Committer:
    """Writes groups of uploads.  For one thread only.

    `last_row_id` shows what is committed and may be read from any thread.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.sources = stored_sources(connection)
        self.last_row_id = _maximum(connection, "readings")
        self._last_upload_id = _maximum(connection, "uploads")

    def commit(self, uploads: Sequence[Upload]) -> list[str]:
        """Store all or (duckdb.Error) none; per upload why it was refused, "" if stored."""
        self._connection.begin()
        try:
            new, refused = self._sort_out(uploads)
            sources = self._insert_sources(new)
            row_id = self._insert_rows(new, {**self.sources, **sources})
            self._connection.commit()
        except duckdb.Error:
            self._roll_back()
            raise
        self.sources = {**self.sources, **sources} if sources else self.sources
        self.last_row_id = row_id
        self._last_upload_id += len(new)
        return refused

    def _roll_back(self) -> None:
        try:
            self._connection.rollback()
        except duckdb.TransactionException:
            return  # a failed commit has ended the transaction itself

    def _sort_out(self, uploads: Sequence[Upload]) -> tuple[list[Upload], list[str]]:
        """The uploads that are not stored yet, and a refusal ("" = none) for each of all."""
        file_ids = [upload.file_id for upload in uploads]
        stored = dict(self._connection.execute(_STORED, [file_ids]).fetchall())
        new, refused = [], []
        for upload in uploads:
            if upload.file_id not in stored:
                stored[upload.file_id] = upload.content_hash
                new.append(upload)
            same = stored[upload.file_id] == upload.content_hash
            refused.append("" if same else _OTHER_CONTENT)
        return new, refused

    def _insert_sources(self, uploads: Sequence[Upload]) -> dict[Source, int]:
        unknown = {u.source for u in uploads if u.source not in self.sources}
        first = len(self.sources) + 1
        found = {source: first + n for n, source in enumerate(sorted(unknown))}
        for source, number in found.items():
            self._connection.execute(_INSERT_SOURCE, [number, *source[:10], *_rest_of(source)])
        return found

    def _insert_rows(self, uploads: Sequence[Upload], sources: dict[Source, int]) -> int:
        """Insert the rows of `uploads`; the id of the last reading."""
        upload_rows, readings = _Columns(6), _Columns(7)
        row_id = self.last_row_id
        for upload_id, upload in enumerate(uploads, self._last_upload_id + 1):
            source, count = sources[upload.source], len(upload.payloads)
            upload_rows.add_row(
                upload_id, upload.file_id, upload.content_hash, source, upload.arrived_ns, count
            )
            readings.extend(
                range(row_id + 1, row_id + count + 1),
                [source] * count,
                [upload_id] * count,
                upload.requested_ns,
                upload.received_ns,
                upload.sizes,
                upload.payloads,
            )
            row_id += count
        if uploads:
            self._connection.execute(_INSERT_UPLOADS, upload_rows.columns)
            self._connection.execute(_INSERT_READINGS, readings.columns)
        return row_id


class _Columns:
    def __init__(self, count: int) -> None:
        self.columns: list[list[Any]] = [[] for _ in range(count)]

    def extend(self, *values: Sequence[Any]) -> None:
        for column, added in zip(self.columns, values, strict=True):
            column.extend(added)

    def add_row(self, *values: Any) -> None:
        self.extend(*([value] for value in values))


def _source_in(row: tuple[Any, ...]) -> Source:
    return Source._make([*row[1:11], tuple(row[11]), row[12]])


def _rest_of(source: Source) -> tuple[list[str], str]:
    return list(source.tags), source.mime_type


def stored_sources(connection: duckdb.DuckDBPyConnection) -> dict[Source, int]:
    """Every committed source and its id."""
    rows = connection.execute("select * from sources order by id").fetchall()
    return {_source_in(row): row[0] for row in rows}


def _maximum(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select coalesce(max(id), 0) from {table}").fetchone()
    return int(row[0]) if row else 0
