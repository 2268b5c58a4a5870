"""What a service needs of gRPC, and nothing of a transport: methods, calls, errors."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message

from host_tools.local_cloud.identity import Identity


class Status(IntEnum):
    """gRPC status codes that our services answer with (the gRPC specification's numbers)."""

    OK = 0
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class RpcError(Exception):
    """The call ends with `status` and a message for the caller."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Call:
    """One call as its handler sees it.

    `metadata` has lower-case keys; `initial_metadata` is sent before the first answer.
    """

    method: str
    metadata: Mapping[str, str]
    identity: Identity | None = None
    initial_metadata: list[tuple[str, str]] = field(default_factory=list)


UnaryHandler = Callable[[Any, Call], Awaitable[Message]]
StreamHandler = Callable[[Any, Call], AsyncIterator[Message]]


@dataclass(frozen=True)
class Method:
    """One served method: where, what goes in, and who answers."""

    path: str
    request_type: type[Message]
    open_to_all: bool
    unary: UnaryHandler | None = None
    stream: StreamHandler | None = None

    def parse(self, data: bytes) -> Message:
        """The request in `data`; INVALID_ARGUMENT when the bytes are not one."""
        try:
            return self.request_type.FromString(data)
        except DecodeError as error:
            name = self.request_type.DESCRIPTOR.full_name
            raise RpcError(
                Status.INVALID_ARGUMENT, f"{len(data)} bytes that are not a whole {name}"
            ) from error


def methods_of(
    service: ServiceDescriptor, implementation: object, open_to_all: bool = False
) -> dict[str, Method]:
    """The methods of `service` that `implementation` has, by path.

    A method written in `implementation` has the RPC's own name.  The others stay away, so
    that a transport answers UNIMPLEMENTED.
    """
    found = [m for m in service.methods if hasattr(implementation, m.name)]
    methods = (_method(service, m, getattr(implementation, m.name), open_to_all) for m in found)
    return {method.path: method for method in methods}


def _method(
    service: ServiceDescriptor, descriptor: MethodDescriptor, handler: Any, open_to_all: bool
) -> Method:
    return Method(
        path=f"/{service.full_name}/{descriptor.name}",
        request_type=message_factory.GetMessageClass(descriptor.input_type),
        open_to_all=open_to_all,
        unary=None if descriptor.server_streaming else handler,
        stream=handler if descriptor.server_streaming else None,
    )
