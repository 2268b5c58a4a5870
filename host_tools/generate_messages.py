"""Writes the firmware's protobuf field tables from the descriptors that viam-sdk ships.

    python -m host_tools.generate_messages

A table keeps only the fields that the device uses: names cost heap there, and the decoder skips
fields that a table does not know.  The format is described in `microserver/wire/protobuf.py`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from viam.gen.app.datasync.v1 import data_sync_pb2
from viam.gen.app.v1 import robot_pb2
from viam.gen.proto.rpc.v1 import auth_pb2

MESSAGES = Path(__file__).parent.parent / "firmware/microserver/wire/messages"

# Module -> its file and the messages that get a table there.
MODULES: Mapping[str, tuple[FileDescriptor, Sequence[str]]] = {
    "auth": (auth_pb2.DESCRIPTOR, ["AuthenticateRequest", "AuthenticateResponse"]),
    "app_robot": (
        robot_pb2.DESCRIPTOR,
        ["ConfigRequest", "ConfigResponse"],
    ),
    "app_log": (
        robot_pb2.DESCRIPTOR,
        ["LogRequest", "NeedsRestartRequest", "NeedsRestartResponse"],
    ),
    "data_sync": (data_sync_pb2.DESCRIPTOR, ["UploadMetadata", "DataCaptureUploadResponse"]),
}

# The fields kept of messages that have more of them than the device has use for.
KEPT_FIELDS: Mapping[str, str] = {
    "AgentInfo": "host os ips version platform",
    "RobotConfig": "cloud components services network log revision",
    "CloudConfig": "id fqdn local_fqdn primary_org_id location_id machine_id",
    "ComponentConfig": "name namespace type model depends_on service_configs attributes api "
    "log_configuration",
    "ServiceConfig": "name namespace type attributes depends_on model api log_configuration",
    "NetworkConfig": "fqdn bind_address",
    "LogEntry": "host level time logger_name message",
    "UploadMetadata": "part_id component_type component_name method_name type method_parameters "
    "file_extension tags",
    "DataCaptureUploadResponse": "file_id",
}

_LINE_LENGTH = 99

# The kinds of protobuf.py.
_INT, _BOOL, _STRING, _MESSAGE = 0, 1, 4, 5
_REPEATED = 0x10
_MAP = 0x20
_SCALARS = {
    FieldDescriptor.TYPE_INT32: _INT,
    FieldDescriptor.TYPE_INT64: _INT,
    FieldDescriptor.TYPE_ENUM: _INT,
    FieldDescriptor.TYPE_BOOL: _BOOL,
    FieldDescriptor.TYPE_DOUBLE: 3,
    FieldDescriptor.TYPE_STRING: _STRING,
}
_WELL_KNOWN = {
    "google.protobuf.Struct": 6,
    "google.protobuf.ListValue": 7,
    "google.protobuf.Any": 8,
    "google.protobuf.Timestamp": 9,
    "google.protobuf.Duration": 9,
    "google.protobuf.Value": 10,
}


def kept_fields(message: Descriptor) -> list[FieldDescriptor]:
    """The fields of `message` that its table describes, by field number."""
    kept = KEPT_FIELDS.get(message.name)
    names = kept.split() if kept else [field.name for field in message.fields]
    return sorted((message.fields_by_name[name] for name in names), key=lambda field: field.number)


def table_parts(message: Descriptor) -> list[bytes]:
    """The table of `message`, one part per field; the parts of an inner table follow its field."""
    return [part for field in kept_fields(message) for part in _field_parts(field)]


def constant_name(message_name: str) -> str:
    """`ConfigRequest` -> `CONFIG_REQUEST`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", message_name).upper()


def module_text(module: str) -> str:
    """The source of `messages/<module>.py`."""
    file, names = MODULES[module]
    lines = [
        f'"""Field tables of {file.package}: `python -m host_tools.generate_messages` wrote them.'
        '"""',
        "",
    ]
    for name in names:
        parts = table_parts(file.message_types_by_name[name])
        lines.extend(_assignment(constant_name(name), parts))
    return "\n".join(lines) + "\n"


def _field_parts(field: FieldDescriptor) -> list[bytes]:
    kind, inner = _kind(field)
    name = field.name.encode()
    part = bytes((field.number, kind, len(name))) + name
    if kind & 15 == _MESSAGE:
        part += sum(map(len, inner)).to_bytes(2, "little")
    return [part, *inner]


def _kind(field: FieldDescriptor) -> tuple[int, list[bytes]]:
    message = field.message_type
    inner: list[bytes] = []
    if message is None:
        kind = _SCALARS[field.type]
        if field.is_repeated and kind < _STRING:
            raise ValueError(f"{field.full_name}: packed fields are not supported yet")
    elif message.GetOptions().map_entry:
        kind, inner = _kind(message.fields_by_name["value"])
        if inner:
            raise ValueError(f"{field.full_name}: maps of messages are not supported yet")
        return kind | _MAP, inner
    elif message.full_name in _WELL_KNOWN:
        kind = _WELL_KNOWN[message.full_name]
    else:
        kind, inner = _MESSAGE, table_parts(message)
    return (kind | _REPEATED if field.is_repeated else kind), inner


def _assignment(name: str, parts: list[bytes]) -> list[str]:
    """Lines that assign the joined `parts`, laid out as `ruff format` would."""
    whole = _literal(b"".join(parts))
    if len(name) + 3 + len(whole) <= _LINE_LENGTH:
        return [f"{name} = {whole}"]
    pieces = [whole] if 4 + len(whole) <= _LINE_LENGTH else [_literal(part) for part in parts]
    return [f"{name} = (", *(f"    {piece}" for piece in pieces), ")"]


def _literal(data: bytes) -> str:
    """A bytes literal in double quotes."""
    return 'b"' + repr(b"'" + data)[3:-1].replace('"', '\\"').replace("\\'", "'") + '"'


def main() -> None:
    """Writes every module of tables."""
    for module in MODULES:
        (MESSAGES / f"{module}.py").write_text(module_text(module))


if __name__ == "__main__":
    main()
