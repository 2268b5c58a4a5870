"""A Selection as an SQL condition with parameters (never with values in the text)."""

from typing import Any

from host_tools.local_cloud.storage.store import Cursor, Selection

_TEXT_COLUMNS = (
    "part_id",
    "part_name",
    "robot_id",
    "robot_name",
    "component_type",
    "component_name",
    "method_name",
)
_LIST_COLUMNS = (
    ("organization_ids", "organization_id"),
    ("location_ids", "location_id"),
    ("mime_types", "mime_type"),
)


class Conditions:
    """Conditions that must all hold; `text` for a WHERE clause, `values` for its marks."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: Any) -> None:
        """One more condition with the values for its `?` marks."""
        self._conditions.append(condition)
        self.values.extend(values)

    @property
    def text(self) -> str:
        """All conditions joined; `true` when there are none."""
        return " and ".join(self._conditions) or "true"


def conditions_of(selection: Selection) -> Conditions:
    """The condition on table `readings` (and, through it, on `sources`)."""
    found = Conditions()
    if selection.nothing:
        found.add("false")
    sources = _source_conditions(selection)
    if sources.text != "true":
        found.add(f"source in (select id from sources where {sources.text})", *sources.values)
    if selection.start_ns is not None:
        found.add("time_received >= make_timestamp_ns(?)", selection.start_ns)
    if selection.end_ns is not None:
        found.add("time_received < make_timestamp_ns(?)", selection.end_ns)
    return found


def add_cursor(conditions: Conditions, after: Cursor, descending: bool) -> None:
    """Only readings behind `after` in the order (time received, row id)."""
    sign = "<" if descending else ">"
    conditions.add(
        f"(time_received {sign} make_timestamp_ns(?)"
        f" or (time_received = make_timestamp_ns(?) and id {sign} ?))",
        after.received_ns,
        after.received_ns,
        after.row_id,
    )


def _source_conditions(selection: Selection) -> Conditions:
    found = Conditions()
    for column in _TEXT_COLUMNS:
        if value := getattr(selection, column):
            found.add(f"{column} = ?", value)
    for field, column in _LIST_COLUMNS:
        if values := getattr(selection, field):
            found.add(f"list_contains(?::varchar[], {column})", list(values))
    if selection.method_parameters is not None:
        found.add("method_parameters = ?", selection.method_parameters)
    if selection.tags:
        found.add("list_has_any(tags, ?::varchar[])", list(selection.tags))
    if selection.tagged is not None:
        found.add("len(tags) > 0" if selection.tagged else "len(tags) = 0")
    return found
