"""What the services need of a database of readings; any engine that does this will do."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class StoreError(Exception):
    """The database could not do it (now); nothing was stored."""


class StoredOtherwise(StoreError):  # noqa: N818 - it says what happened, as the reader needs it
    """The batch id of this upload belongs to other readings."""


class Source(NamedTuple):
    """What readings of one capture method have in common (Viam's CaptureMetadata).

    `method_parameters` is canonical JSON text of an object.
    """

    organization_id: str
    location_id: str
    robot_name: str
    robot_id: str
    part_name: str
    part_id: str
    component_type: str
    component_name: str
    method_name: str
    method_parameters: str = "{}"
    tags: tuple[str, ...] = ()
    mime_type: str = ""


@dataclass(frozen=True)
class Upload:
    """One batch of readings of one source.

    `file_id` names it; an upload with a file id that is stored already is stored once.
    `content_hash` tells whether a repeat holds the same. Times are nanoseconds since 1970 UTC.
    `payloads` are JSON texts of objects; `sizes` are their wire sizes in bytes.
    """

    file_id: str
    content_hash: str
    source: Source
    arrived_ns: int
    requested_ns: Sequence[int]
    received_ns: Sequence[int]
    payloads: Sequence[str]
    sizes: Sequence[int]


class Cursor(NamedTuple):
    """The place of one reading in the order of time; the next page begins after it."""

    received_ns: int
    row_id: int


@dataclass(frozen=True)
class Selection:
    """Which readings: every field that is not empty or None must match.

    Lists match by any of their values. `tagged`: True = has tags, False = has none.
    The interval holds its start and not its end, and is compared with the time received.
    `nothing`: a constraint that no tabular reading can meet.
    """

    part_id: str = ""
    part_name: str = ""
    robot_id: str = ""
    robot_name: str = ""
    component_type: str = ""
    component_name: str = ""
    method_name: str = ""
    method_parameters: str | None = None
    organization_ids: Sequence[str] = ()
    location_ids: Sequence[str] = ()
    mime_types: Sequence[str] = ()
    tags: Sequence[str] = ()
    tagged: bool | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    nothing: bool = False


class Reading(NamedTuple):
    """One stored reading."""

    row_id: int
    source: Source
    requested_ns: int
    received_ns: int
    arrived_ns: int
    payload: dict[str, Any]
    size: int


class Totals(NamedTuple):
    """How many readings a selection holds, and how many bytes they were on the wire."""

    readings: int
    size: int


class Store(Protocol):
    """Readings that outlive the process.  Methods may be called from any thread."""

    def append(self, upload: Upload) -> "Future[None]":
        """Store an upload whole; done when it is durable, or fails with StoreError."""

    def page(
        self,
        selection: Selection,
        limit: int,
        after: Cursor | None = None,
        descending: bool = True,
        max_row_id: int | None = None,
    ) -> list[Reading]:
        """The next readings by time received; fewer than `limit` only at the end or when big."""

    def totals(self, selection: Selection) -> Totals:
        """Count and bytes of what is selected."""

    def latest(self, selection: Selection, arrived_after_ns: int) -> Reading | None:
        """The newest reading by time received that arrived after that time."""

    def last_row_id(self) -> int:
        """The id of the reading that was committed last."""

    def close(self) -> None:
        """Finish what was accepted and let go of the database."""
