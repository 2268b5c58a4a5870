"""The `metadata` of a collector's uploads, encoded once (datasync.v1 UploadMetadata)."""

from micropython import const

from microserver.wire import protobuf
from microserver.wire.messages import data_sync

_METADATA_TAG = const(0x0A)  # DataCaptureUploadRequest field 1, length-delimited
_TABULAR_SENSOR = const(2)


def encode(part_id, collector, machine_tags):
    """Bytes of field 1 of a DataCaptureUploadRequest, tag and length included."""
    api, component, method, params, tags = collector.origin
    message = protobuf.encode(
        data_sync.UPLOAD_METADATA,
        {
            "part_id": part_id,
            "component_type": api,
            "component_name": component,
            "method_name": method,
            "type": _TABULAR_SENSOR,
            "method_parameters": params,
            "tags": _merged(machine_tags, tags),
            "file_extension": ".dat",
        },
    )
    field = bytearray((_METADATA_TAG,))
    protobuf.write(field, len(message))
    return field + message


def _merged(machine_tags, method_tags):
    return list(machine_tags) + [tag for tag in method_tags if tag not in machine_tags]
