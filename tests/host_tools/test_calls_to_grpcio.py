"""Our gRPC client against grpcio's server, over a real socket."""

import random
import socket
from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest

import host_tools.firmware_path  # noqa: F401
from microserver.wire import grpc as our_grpc
from microserver.wire.grpc import Call
from microserver.wire.http2 import Http2Client


def unary(
    address: tuple[str, int], path: str, message: bytes, max_body: int = 8192
) -> tuple[Call, Http2Client]:
    """The smallest driver there can be: one blocking call."""
    client = Http2Client("http", "localhost", max_body)
    with socket.create_connection(address, timeout=5) as link:
        call = client.open_call(path, "t")
        body = our_grpc.message_prefix(len(message)) + message
        at = 0
        while not call.done:
            link.sendall(client.outgoing)
            client.outgoing[:] = b""
            count = min(len(body) - at, client.sendable(call))
            if not call.ended_sending and count:
                ends = at + count == len(body)
                link.sendall(client.data_header(call, count, ends) + body[at : at + count])
                at += count
                continue
            data = link.recv(300)
            assert data, "closed"
            client.receive(data)
    return call, client


@pytest.fixture(scope="module")
def grpcio_server() -> Iterator[tuple[str, int]]:
    def behave(request: bytes, context: grpc.ServicerContext) -> bytes:
        if request == b"fail":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "naïve 100%")
        return request

    server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    echo = grpc.unary_unary_rpc_method_handler(behave)
    handler = grpc.method_handlers_generic_handler("test.Echo", {"Echo": echo})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield "127.0.0.1", port
    server.stop(None)


@pytest.mark.parametrize("size", [0, 1, 300, 8000])
def test_grpcio_answers_our_calls(grpcio_server: tuple[str, int], size: int) -> None:
    message = random.Random(size).randbytes(size)
    call, _client = unary(grpcio_server, "/test.Echo/Echo", message)
    assert (call.http_status, call.grpc_status) == (200, 0)
    assert bytes(our_grpc.single_message(call.body)) == message


def test_a_large_request_goes_through_the_flow_control_of_grpcio(
    grpcio_server: tuple[str, int],
) -> None:
    call, _client = unary(grpcio_server, "/test.Echo/Echo", bytes(300000))
    assert call.grpc_status == 8 and "8192" in call.grpc_message
    message = bytes(300000)
    call, _client = unary(grpcio_server, "/test.Echo/Echo", message, max_body=400000)
    assert bytes(our_grpc.single_message(call.body)) == message


def test_errors_of_grpcio_arrive_with_status_and_message(
    grpcio_server: tuple[str, int],
) -> None:
    call, _client = unary(grpcio_server, "/test.Echo/Echo", b"fail")
    assert (call.grpc_status, call.grpc_message) == (7, "naïve 100%")
    call, _client = unary(grpcio_server, "/test.Echo/Other", b"")
    assert call.grpc_status == 12
