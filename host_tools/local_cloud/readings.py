"""Between the wire's readings (Struct, Timestamp, Any) and the store's (JSON text, integers)."""

import json
import math
from collections.abc import Mapping
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from host_tools.local_cloud.rpc import RpcError, Status

_NS = 1_000_000_000
# Years 1678 to 2262: what 64 bits of nanoseconds hold.
_MIN_S, _MAX_S = -9_214_560_000, 9_214_646_400


def nanoseconds_of(time: Timestamp, where: str) -> int:
    """Nanoseconds since 1970 UTC; INVALID_ARGUMENT when out of range."""
    if not (_MIN_S <= time.seconds <= _MAX_S and 0 <= time.nanos < _NS):
        raise RpcError(
            Status.INVALID_ARGUMENT,
            f"{where}: {time.seconds} s and {time.nanos} ns is no time from 1678 to 2262",
        )
    return time.seconds * _NS + time.nanos


def timestamp_of(nanoseconds: int) -> Timestamp:
    """The same instant as a message."""
    seconds, nanos = divmod(nanoseconds, _NS)
    return Timestamp(seconds=seconds, nanos=nanos)


def json_of(struct: Struct, where: str) -> str:
    """The payload as JSON text; numbers stay doubles (40.0, not 40)."""
    return _json(_fields(struct.fields, where))


def struct_of(payload: Mapping[str, Any]) -> Struct:
    """A payload as it was stored."""
    struct = Struct()
    for key, value in payload.items():
        _set(struct.fields[key], value)
    return struct


def canonical_parameters(parameters: Mapping[str, AnyMessage]) -> str:
    """Method parameters as JSON text that is equal for equal parameters."""
    plain = {key: _unpacked(key, value) for key, value in parameters.items()}
    return _json(plain)


def canonical_struct(struct: Struct) -> str:
    """The same text for parameters that came as a Struct."""
    return json_of(struct, "additional_parameters")


def packed_parameters(text: str) -> dict[str, AnyMessage]:
    """Stored parameters as the wire's map of Any(Value)."""
    packed = {}
    for key, plain in json.loads(text).items():
        value = Value()
        _set(value, plain)
        packed[key] = AnyMessage()
        packed[key].Pack(value)
    return packed


def _json(plain: object) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _fields(fields: Mapping[str, Value], where: str) -> dict[str, Any]:
    return {key: _plain(value, where, key) for key, value in fields.items()}


def _plain(value: Value, where: str, key: str) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            return _number(value.number_value, where, key)
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return _fields(value.struct_value.fields, where)
        case "list_value":
            return [_plain(item, where, key) for item in value.list_value.values]
    return None


def _number(number: float, where: str, key: str) -> float:
    if not math.isfinite(number):
        raise RpcError(Status.INVALID_ARGUMENT, f"{where}: {key!r} is {number}, not a number")
    return number


def _set(target: Value, plain: Any) -> None:
    match plain:
        case None:
            target.null_value = 0  # type: ignore[assignment] # the enum's only member
        case bool():
            target.bool_value = plain
        case int() | float():
            target.number_value = plain
        case str():
            target.string_value = plain
        case dict():
            target.struct_value.CopyFrom(struct_of(plain))
        case _:
            target.list_value.CopyFrom(_list_of(plain))


def _list_of(items: Any) -> ListValue:
    values = ListValue()
    for item in items:
        _set(values.values.add(), item)
    return values


def _unpacked(key: str, packed: AnyMessage) -> Any:
    value = Value()
    try:
        fits = packed.Unpack(value)
    except DecodeError:
        fits = False
    if not fits:
        raise RpcError(
            Status.INVALID_ARGUMENT,
            f"method parameter {key!r} is not a google.protobuf.Value: {packed.type_url!r}",
        )
    return _plain(value, "method_parameters", key)
