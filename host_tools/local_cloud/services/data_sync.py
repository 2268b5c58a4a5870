"""DataSyncService: readings come in, and are answered when they are on disk."""

import asyncio
import hashlib
import time
import uuid
from collections.abc import Sequence

from viam.gen.app.datasync.v1.data_sync_pb2 import (
    DESCRIPTOR,
    DataCaptureUploadRequest,
    DataCaptureUploadResponse,
    SensorData,
    UploadMetadata,
)

from host_tools.local_cloud.access import Access
from host_tools.local_cloud.readings import canonical_parameters, json_of, nanoseconds_of
from host_tools.local_cloud.registry import Machine, Registry
from host_tools.local_cloud.rpc import Call, RpcError, Status
from host_tools.local_cloud.storage.store import (
    Source,
    Store,
    StoredOtherwise,
    StoreError,
    Upload,
)

SERVICE = DESCRIPTOR.services_by_name["DataSyncService"]
BATCH_ID = "batch-id"  # request metadata: a batch of one part is stored once
MAX_READING_BYTES = 4_194_304
_MAX_BATCH_ID = 128


class DataSyncService:
    """Takes uploads of machines (for their own part) and of the owner (for any)."""

    def __init__(self, access: Access, registry: Registry, store: Store) -> None:
        self._access = access
        self._registry = registry
        self._store = store

    async def DataCaptureUpload(  # noqa: N802
        self, request: DataCaptureUploadRequest, call: Call
    ) -> DataCaptureUploadResponse:
        """Store the readings; answered after their commit.

        A repeat of a batch id with the same readings is answered like the first time, with
        other readings ALREADY_EXISTS.
        """
        machine = self._access.own_part_or_owner(call, request.metadata.part_id)
        upload = self._upload(machine, request, call.metadata.get(BATCH_ID, ""))
        if upload.payloads:
            await self._stored(upload)
        return DataCaptureUploadResponse(file_id=upload.file_id)

    async def _stored(self, upload: Upload) -> None:
        try:
            await asyncio.wrap_future(self._store.append(upload))
        except StoredOtherwise as error:
            raise RpcError(Status.ALREADY_EXISTS, str(error)) from error
        except StoreError as error:
            raise RpcError(Status.UNAVAILABLE, f"not stored: {error}") from error

    def _upload(
        self, machine: Machine, request: DataCaptureUploadRequest, batch_id: str
    ) -> Upload:
        contents = request.sensor_contents
        sizes = [_checked_size(number, data) for number, data in enumerate(contents)]
        arrived_ns = time.time_ns()
        requested, received = _times(contents, arrived_ns)
        return Upload(
            file_id=_file_id(machine.part_id, batch_id),
            content_hash=_content_hash(request) if batch_id else "",
            source=self._source(machine, request.metadata),
            arrived_ns=arrived_ns,
            requested_ns=requested,
            received_ns=received,
            payloads=[json_of(data.struct, f"reading {n}") for n, data in enumerate(contents)],
            sizes=sizes,
        )

    def _source(self, machine: Machine, metadata: UploadMetadata) -> Source:
        return Source(
            organization_id=self._registry.organization_id,
            location_id=self._registry.location_id,
            robot_name=machine.name,
            robot_id=machine.robot_id,
            part_name=machine.part_name,
            part_id=machine.part_id,
            component_type=metadata.component_type,
            component_name=metadata.component_name,
            method_name=metadata.method_name,
            method_parameters=canonical_parameters(metadata.method_parameters),
            tags=tuple(metadata.tags),
            mime_type=metadata.mime_type,
        )


def _checked_size(number: int, data: SensorData) -> int:
    size = data.ByteSize()
    if size > MAX_READING_BYTES:
        raise RpcError(
            Status.INVALID_ARGUMENT,
            f"reading {number} has {size} bytes, the limit is {MAX_READING_BYTES}",
        )
    if data.WhichOneof("data") == "binary":
        raise RpcError(Status.UNIMPLEMENTED, f"reading {number}: binary data is not stored here")
    return size


def _times(contents: Sequence[SensorData], arrived_ns: int) -> tuple[list[int], list[int]]:
    """Times requested and received; a reading without one gets the other, or its arrival."""
    requested, received = [], []
    for number, data in enumerate(contents):
        times = data.metadata
        has_requested = times.HasField("time_requested")
        has_received = times.HasField("time_received")
        first = times.time_requested if has_requested else times.time_received
        last = times.time_received if has_received else times.time_requested
        known = has_requested or has_received
        requested.append(nanoseconds_of(first, f"reading {number}") if known else arrived_ns)
        received.append(nanoseconds_of(last, f"reading {number}") if known else arrived_ns)
    return requested, received


def _file_id(part_id: str, batch_id: str) -> str:
    """The name of an upload; for a batch id always the same one."""
    if len(batch_id) > _MAX_BATCH_ID:
        raise RpcError(Status.INVALID_ARGUMENT, f"batch-id is over {_MAX_BATCH_ID} characters")
    unique = f"{part_id}/{batch_id}" if batch_id else str(uuid.uuid4())
    return hashlib.sha256(unique.encode()).hexdigest()


def _content_hash(request: DataCaptureUploadRequest) -> str:
    """Of the readings and their source; tags may have changed between two tries."""
    metadata = request.metadata
    content = hashlib.sha256(f"{metadata.component_name}:{metadata.method_name}".encode())
    for data in request.sensor_contents:
        content.update(data.SerializeToString(deterministic=True))
    return content.hexdigest()
