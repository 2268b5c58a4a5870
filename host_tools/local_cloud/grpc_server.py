"""The services over gRPC (HTTP/2), by grpcio with a generic handler: bytes in, bytes out."""

from collections.abc import AsyncIterator
from typing import Any

import grpc

from host_tools.errors import UserError
from host_tools.local_cloud.dispatch import Dispatcher, answer, answers
from host_tools.local_cloud.listening import listen
from host_tools.local_cloud.rpc import Call, Method, RpcError, Status

_GRACE_S = 2.0
_CODES = {code.value[0]: code for code in grpc.StatusCode}
# What the official clients need: whole files in one message; Go clients
# that ping every 20 s without a call; and a second server on one port must fail loudly.
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),
]


class GrpcServer:
    """A cleartext gRPC server on one address."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._server = grpc.aio.server(options=_OPTIONS)
        self._server.add_generic_rpc_handlers((_Handler(dispatcher),))

    async def start(self, host: str, port: int) -> int:
        """Listen; the real port.  UserError when the address cannot be had."""
        listen(host, port, "--grpc").close()  # asked first: grpcio gives no reason
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            bound = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise UserError(f"cannot listen on {address}: {error}") from error
        await self._server.start()
        return bound

    async def stop(self) -> None:
        """Let running calls end, for a moment."""
        await self._server.stop(_GRACE_S)


class _Handler(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Checks the token before grpcio reads the message."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        metadata = {k: v for k, v in details.invocation_metadata or () if isinstance(v, str)}
        try:
            method, call = self._dispatcher.begin(details.method, metadata)
        except RpcError as error:
            # A streaming handler does not wait for the message that it will not look at.
            return grpc.stream_unary_rpc_method_handler(_refusal(error))
        if method.unary is None:
            return grpc.unary_stream_rpc_method_handler(_streaming(method, call))
        return grpc.unary_unary_rpc_method_handler(_unary(method, call))


def _unary(method: Method, call: Call) -> Any:
    async def handle(data: bytes, context: Any) -> bytes:
        try:
            response = await answer(method, data, call)
        except RpcError as error:
            await _abort(context, error)
            raise
        await context.send_initial_metadata(call.initial_metadata)
        return response

    return handle


def _streaming(method: Method, call: Call) -> Any:
    async def handle(data: bytes, context: Any) -> AsyncIterator[bytes]:
        try:
            async for response in answers(method, data, call):
                yield response
        except RpcError as error:
            await _abort(context, error)

    return handle


def _refusal(error: RpcError) -> Any:
    async def handle(_messages: object, context: Any) -> bytes:
        await _abort(context, error)
        raise error

    return handle


async def _abort(context: Any, error: RpcError) -> None:
    """End the call with the error's status; always raises."""
    await context.abort(_CODES[Status(error.status)], error.message)
