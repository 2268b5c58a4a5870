"""The same services as gRPC-Web (HTTP/1.1 POST, application/grpc-web+proto), an ASGI app."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from host_tools.local_cloud.dispatch import Dispatcher, answer, answers
from host_tools.local_cloud.rpc import Call, Method, RpcError, Status

_CONTENT_TYPES = ("application/grpc-web", "application/grpc-web+proto")
_MAX_BODY = 64_000_000
_MAX_BODY_OF_A_STRANGER = 16_000
_COMPRESSED, _TRAILERS = 0x01, 0x80
_PREFIX = 5

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class GrpcWeb:
    """Serves one dispatcher; what is not a gRPC-Web call gets a plain HTTP error."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send
    ) -> None:
        """One HTTP request (the ASGI protocol)."""
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        content_type = headers.get("content-type", "").partition(";")[0].strip()
        if scope["method"] != "POST":
            await _plain_error(send, 404, "this is a gRPC-Web server: POST /service/method")
        elif content_type not in _CONTENT_TYPES:
            await _plain_error(send, 415, f"content-type must be one of {_CONTENT_TYPES}")
        else:
            await self._call(scope["path"], headers, receive, _Answer(send, content_type))

    async def _call(
        self, path: str, headers: dict[str, str], receive: Receive, out: "_Answer"
    ) -> None:
        try:
            method, call = self._dispatcher.begin(path, headers)
            limit = _MAX_BODY_OF_A_STRANGER if call.identity is None else _MAX_BODY
            data = _message_in(await _body(receive, limit))
            await _respond(method, data, call, out)
        except RpcError as error:
            await out.end(error.status, error.message)
        except _GoneError:
            return


async def _respond(method: Method, data: bytes, call: Call, out: "_Answer") -> None:
    if method.unary is not None:
        message = await answer(method, data, call)
        out.headers += call.initial_metadata
        await out.end(Status.OK, "", last_message=message)
        return
    async for message in answers(method, data, call):
        await out.message(message)
    await out.end(Status.OK, "")


class _GoneError(Exception):
    """The client closed the connection before its request was whole."""


async def _body(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    more = True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise _GoneError
        body += event.get("body", b"")
        more = event.get("more_body", False)
        if len(body) > limit:
            raise RpcError(Status.RESOURCE_EXHAUSTED, f"the body is over {limit} bytes")
    return bytes(body)


def _message_in(body: bytes) -> bytes:
    """The one message of a request body: flags, length, bytes."""
    size = int.from_bytes(body[1:_PREFIX], "big")
    if len(body) < _PREFIX or len(body) != _PREFIX + size:
        raise RpcError(
            Status.INVALID_ARGUMENT, f"a body of {len(body)} bytes is not one gRPC-Web frame"
        )
    if body[0] & _COMPRESSED:
        raise RpcError(Status.UNIMPLEMENTED, "compressed messages are not supported")
    if body[0]:
        raise RpcError(Status.INVALID_ARGUMENT, f"frame flags {body[0]:#x} are not a message's")
    return body[_PREFIX:]


class _Answer:
    """The response: data frames, then the trailers as the last frame of the body."""

    def __init__(self, send: Send, content_type: str) -> None:
        self.headers: list[tuple[str, str]] = []
        self._send = send
        self._content_type = content_type
        self._begun = False

    async def message(self, message: bytes) -> None:
        """One message of several (sent chunked)."""
        await self._begin()
        frame = _frame(0, message)
        await self._send({"type": "http.response.body", "body": frame, "more_body": True})

    async def end(self, status: Status, text: str, last_message: bytes | None = None) -> None:
        """The trailers; with a Content-Length if nothing was sent before."""
        trailers = f"grpc-status: {int(status)}\r\n"
        if text:
            trailers += f"grpc-message: {quote(text, safe=' ,:;!()[]/=@')}\r\n"
        body = _frame(_TRAILERS, trailers.encode())
        if last_message is not None:
            body = _frame(0, last_message) + body
        if not self._begun:
            self.headers.append(("content-length", str(len(body))))
        await self._begin()
        await self._send({"type": "http.response.body", "body": body})

    async def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        # uvicorn sends `date` itself, and so may not get a second one from a service.
        pairs = [("content-type", self._content_type), *self.headers]
        headers = [(k.encode(), v.encode()) for k, v in pairs if k != "date"]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})


def _frame(flags: int, payload: bytes) -> bytes:
    return bytes((flags,)) + len(payload).to_bytes(4, "big") + payload


async def _plain_error(send: Send, status: int, text: str) -> None:
    body = f"{text}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
