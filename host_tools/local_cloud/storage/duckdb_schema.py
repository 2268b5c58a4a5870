"""The tables of a DuckDB file of readings, and opening such a file."""

from pathlib import Path

import duckdb

from host_tools.errors import UserError

_VERSION = 1
# `sources` holds once what the readings of one capture method share. `uploads` has one row
# per stored batch, in the same commit as its readings: that is what makes a repeat known.
_SCHEMA = """
create table if not exists layout (version integer not null);
create table if not exists sources (
    id integer primary key, organization_id varchar, location_id varchar, robot_name varchar,
    robot_id varchar, part_name varchar, part_id varchar, component_type varchar,
    component_name varchar, method_name varchar, method_parameters varchar, tags varchar[],
    mime_type varchar
);
create table if not exists uploads (
    id bigint not null, file_id varchar primary key, content_hash varchar not null,
    source integer not null, arrived timestamp_ns not null, readings integer not null
);
create table if not exists readings (
    id bigint not null, source integer not null, upload bigint not null,
    time_requested timestamp_ns not null, time_received timestamp_ns not null,
    size integer not null, data variant not null
);
"""


def open_database(path: Path) -> duckdb.DuckDBPyConnection:
    """Open or create the file; UserError when another process has it or it is not ours."""
    try:
        connection = duckdb.connect(str(path), config={"enable_external_access": "false"})
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise UserError(f"cannot open {path}: {error}") from error
        raise UserError(
            f"another local cloud is using {path.parent}",
            "stop it, or name another folder with --data",
        ) from error
    path.chmod(0o600)
    connection.execute(_SCHEMA)
    _check_version(connection, path)
    return connection


def _check_version(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    row = connection.execute("select max(version) from layout").fetchone()
    version = row[0] if row else None
    if version is None:
        connection.execute("insert into layout values (?)", [_VERSION])
    elif version != _VERSION:
        connection.close()
        raise UserError(
            f"{path} has layout {version}, this program knows layout {_VERSION}",
            "use the program that wrote it",
        )
