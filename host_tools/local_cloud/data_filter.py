"""From Viam's Filter and page marks to the store's Selection and Cursor."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from google.protobuf.struct_pb2 import Struct
from viam.gen.app.data.v1.data_pb2 import (
    TAGS_FILTER_TYPE_TAGGED,
    TAGS_FILTER_TYPE_UNTAGGED,
    CaptureInterval,
    ExportTabularDataRequest,
    Filter,
    GetLatestTabularDataRequest,
    TagsFilter,
)

from host_tools.local_cloud.readings import canonical_struct, nanoseconds_of
from host_tools.local_cloud.rpc import RpcError, Status
from host_tools.local_cloud.storage.store import Cursor, Reading, Selection


def selection_of_filter(wanted: Filter) -> Selection:
    """Every field that is set must match; labels and datasets are of binary data only."""
    tagged, tags = _tags(wanted.tags_filter)
    start_ns, end_ns = _interval(wanted.interval)
    return Selection(
        part_id=wanted.part_id,
        part_name=wanted.part_name,
        robot_id=wanted.robot_id,
        robot_name=wanted.robot_name,
        component_type=wanted.component_type,
        component_name=wanted.component_name,
        method_name=wanted.method,
        organization_ids=tuple(wanted.organization_ids),
        location_ids=tuple(wanted.location_ids),
        mime_types=tuple(wanted.mime_type),
        tags=tags,
        tagged=tagged,
        start_ns=start_ns,
        end_ns=end_ns,
        nothing=bool(wanted.bbox_labels or wanted.dataset_id),
    )


def selection_of_source(
    request: ExportTabularDataRequest | GetLatestTabularDataRequest,
    interval: CaptureInterval | None = None,
) -> Selection:
    """One resource's method; INVALID_ARGUMENT when one of its names is missing."""
    for field in ("part_id", "resource_name", "resource_subtype", "method_name"):
        if not getattr(request, field):
            raise RpcError(Status.INVALID_ARGUMENT, f"{field} is missing")
    start_ns, end_ns = _interval(interval) if interval is not None else (None, None)
    return Selection(
        part_id=request.part_id,
        component_name=request.resource_name,
        component_type=request.resource_subtype,
        method_name=request.method_name,
        method_parameters=_parameters(request),
        start_ns=start_ns,
        end_ns=end_ns,
    )


def page_mark(reading: Reading, descending: bool) -> str:
    """An opaque `last` that names the place behind this reading."""
    text = f"{'d' if descending else 'a'}:{reading.received_ns}:{reading.row_id}"
    return urlsafe_b64encode(text.encode()).decode()


def cursor_of(mark: str, descending: bool) -> Cursor | None:
    """The place that `mark` names; None for "" (the beginning)."""
    if not mark:
        return None
    try:
        order, received, row_id = urlsafe_b64decode(mark.encode()).decode().split(":")
        cursor = Cursor(_int64(received), _int64(row_id))
    except ValueError as error:
        raise RpcError(Status.INVALID_ARGUMENT, "`last` is not one of our page marks") from error
    if order != ("d" if descending else "a"):
        raise RpcError(Status.INVALID_ARGUMENT, "`last` is of a query in the other sort order")
    return cursor


def _int64(text: str) -> int:
    number = int(text)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(text)
    return number


def _tags(wanted: TagsFilter) -> tuple[bool | None, tuple[str, ...]]:
    if wanted.type == TAGS_FILTER_TYPE_TAGGED:
        return True, ()
    if wanted.type == TAGS_FILTER_TYPE_UNTAGGED:
        return False, ()
    return None, tuple(wanted.tags)


def _interval(interval: CaptureInterval) -> tuple[int | None, int | None]:
    start = nanoseconds_of(interval.start, "start") if interval.HasField("start") else None
    end = nanoseconds_of(interval.end, "end") if interval.HasField("end") else None
    return start, end


def _parameters(
    request: ExportTabularDataRequest | GetLatestTabularDataRequest,
) -> str | None:
    parameters: Struct = request.additional_parameters
    return canonical_struct(parameters) if request.HasField("additional_parameters") else None
