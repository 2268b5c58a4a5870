"""DataService: what was captured, by filter, as a stream, or only the newest."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import ParamSpec, TypeVar

from viam.gen.app.data.v1.data_pb2 import (
    DESCRIPTOR,
    ORDER_ASCENDING,
    CaptureMetadata,
    ExportTabularDataRequest,
    ExportTabularDataResponse,
    GetLatestTabularDataRequest,
    GetLatestTabularDataResponse,
    TabularData,
    TabularDataByFilterRequest,
    TabularDataByFilterResponse,
)

from host_tools.local_cloud.access import Access
from host_tools.local_cloud.data_filter import (
    cursor_of,
    page_mark,
    selection_of_filter,
    selection_of_source,
)
from host_tools.local_cloud.readings import packed_parameters, struct_of, timestamp_of
from host_tools.local_cloud.rpc import Call, RpcError, Status
from host_tools.local_cloud.storage.store import Cursor, Reading, Source, Store, StoreError

SERVICE = DESCRIPTOR.services_by_name["DataService"]
_DEFAULT_LIMIT = 50
_MAX_LIMIT = 10_000
_EXPORT_PAGE = 1000
_YEAR_NS = 365 * 86_400 * 1_000_000_000

_P = ParamSpec("_P")
_R = TypeVar("_R")


class DataService:
    """Reads for the owner."""

    def __init__(self, access: Access, store: Store) -> None:
        self._access = access
        self._store = store

    async def TabularDataByFilter(  # noqa: N802
        self, request: TabularDataByFilterRequest, call: Call
    ) -> TabularDataByFilterResponse:
        """A page of readings by time received, newest first unless asked otherwise.

        `count` and `total_size_bytes` are of all that match, not of this page.
        """
        self._access.require_owner(call)
        asked = request.data_request
        selection = selection_of_filter(asked.filter)
        totals = await _in_thread(self._store.totals, selection)
        response = TabularDataByFilterResponse(count=totals.readings, total_size_bytes=totals.size)
        if request.count_only:
            return response
        descending = asked.sort_order != ORDER_ASCENDING
        after = cursor_of(asked.last, descending)
        limit = min(asked.limit or _DEFAULT_LIMIT, _MAX_LIMIT)
        page = await _in_thread(self._store.page, selection, limit, after, descending)
        _add_rows(response, page)
        response.last = page_mark(page[-1], descending) if page else asked.last
        return response

    async def ExportTabularData(  # noqa: N802
        self, request: ExportTabularDataRequest, call: Call
    ) -> AsyncIterator[ExportTabularDataResponse]:
        """Every reading of one source that is stored now, oldest first."""
        self._access.require_owner(call)
        selection = selection_of_source(request, request.interval)
        self._access.known_part(request.part_id)
        newest = self._store.last_row_id()
        after: Cursor | None = None
        while page := await _in_thread(
            self._store.page, selection, _EXPORT_PAGE, after, False, newest
        ):
            for reading in page:
                yield _exported(reading)
            after = Cursor(page[-1].received_ns, page[-1].row_id)

    async def GetLatestTabularData(  # noqa: N802
        self, request: GetLatestTabularDataRequest, call: Call
    ) -> GetLatestTabularDataResponse:
        """The newest reading of one source that came within a year, else an empty answer."""
        self._access.require_owner(call)
        selection = selection_of_source(request)
        self._access.known_part(request.part_id)
        year_ago_ns = time.time_ns() - _YEAR_NS
        reading = await _in_thread(self._store.latest, selection, year_ago_ns)
        if reading is None:
            return GetLatestTabularDataResponse()
        return GetLatestTabularDataResponse(
            time_captured=timestamp_of(reading.received_ns),
            time_synced=timestamp_of(reading.arrived_ns),
            payload=struct_of(reading.payload),
        )


async def _in_thread(query: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    try:
        return await asyncio.to_thread(query, *args, **kwargs)
    except StoreError as error:
        raise RpcError(Status.INTERNAL, f"the query failed: {error}") from error


def _add_rows(response: TabularDataByFilterResponse, page: list[Reading]) -> None:
    """Add the rows; those of one source share its metadata."""
    indexes: dict[Source, int] = {}
    for reading in page:
        if reading.source not in indexes:
            indexes[reading.source] = len(indexes)
            response.metadata.append(_metadata(reading.source))
        response.data.append(
            TabularData(
                data=struct_of(reading.payload),
                metadata_index=indexes[reading.source],
                time_requested=timestamp_of(reading.requested_ns),
                time_received=timestamp_of(reading.received_ns),
            )
        )


def _metadata(source: Source) -> CaptureMetadata:
    return CaptureMetadata(
        organization_id=source.organization_id,
        location_id=source.location_id,
        robot_name=source.robot_name,
        robot_id=source.robot_id,
        part_name=source.part_name,
        part_id=source.part_id,
        component_type=source.component_type,
        component_name=source.component_name,
        method_name=source.method_name,
        method_parameters=packed_parameters(source.method_parameters),
        tags=source.tags,
        mime_type=source.mime_type,
    )


def _exported(reading: Reading) -> ExportTabularDataResponse:
    source = reading.source
    return ExportTabularDataResponse(
        part_id=source.part_id,
        resource_name=source.component_name,
        resource_subtype=source.component_type,
        method_name=source.method_name,
        time_captured=timestamp_of(reading.received_ns),
        organization_id=source.organization_id,
        location_id=source.location_id,
        robot_name=source.robot_name,
        robot_id=source.robot_id,
        part_name=source.part_name,
        method_parameters=struct_of(json.loads(source.method_parameters)),
        tags=source.tags,
        payload=struct_of(reading.payload),
    )
