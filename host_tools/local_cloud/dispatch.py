"""From a path and metadata to the method that answers, for any transport."""

from collections.abc import AsyncIterator, Mapping

from host_tools.local_cloud.access import Access
from host_tools.local_cloud.rpc import Call, Method, RpcError, Status


class Dispatcher:
    """All served methods, behind the check of the caller's token."""

    def __init__(self, access: Access, methods: Mapping[str, Method]) -> None:
        self._access = access
        self._methods = methods

    def begin(self, path: str, metadata: Mapping[str, str]) -> tuple[Method, Call]:
        """The method and a call of it; needs no message, so that strangers send none.

        RpcError: UNIMPLEMENTED for an unknown path, UNAUTHENTICATED without a valid token.
        """
        method = self._methods.get(path)
        if method is None:
            raise RpcError(Status.UNIMPLEMENTED, f"{path[:200]} is not served here")
        identity = None if method.open_to_all else self._access.identify(metadata)
        return method, Call(path, metadata, identity)


async def answer(method: Method, data: bytes, call: Call) -> bytes:
    """The response of a unary method to the request in `data`."""
    if method.unary is None:
        raise TypeError(f"{method.path} streams its answers")
    response = await method.unary(method.parse(data), call)
    return response.SerializeToString()


async def answers(method: Method, data: bytes, call: Call) -> AsyncIterator[bytes]:
    """The responses of a server-streaming method to the request in `data`."""
    if method.stream is None:
        raise TypeError(f"{method.path} has one answer")
    async for response in method.stream(method.parse(data), call):
        yield response.SerializeToString()
