"""Unary calls as gRPC-Web over HTTP/1.1 and TLS: stock images have no ALPN, so no HTTP/2 there."""

from micropython import const

from microserver.cloud.session import ChannelBroken
from microserver.wire import grpc, grpc_web

_RECEIVE_BUFFER = const(1024)
_MAX_BODY = const(16384)


def opener(open_stream, host, port, tls_context):
    """A coroutine function that connects over TLS; `open_stream`: device.tcp's."""
    receive = memoryview(bytearray(_RECEIVE_BUFFER))

    async def open_channel():
        stream = await open_stream(host, port, tls_context)
        return GrpcWebChannel(stream, "%s:%d" % (host, port), receive)

    return open_channel


class GrpcWebChannel:
    """The same interface as `Http2Channel`."""

    def __init__(self, stream, authority, receive):
        self._stream = stream
        self._authority = authority
        self._receive = receive
        self._keep_alive = True
        self.date = None

    def usable(self):
        """False once the peer has closed: between calls it has nothing to say."""
        try:
            return self._keep_alive and self._stream.read_now(self._receive) is None
        except OSError:
            return False

    async def unary(self, path, token, extra, size, parts):
        """See `Http2Channel.unary`.  What `parts` raises closes the connection: HTTP/1.1 cannot
        take back a request that it has begun."""
        sent = False
        response = grpc_web.Response(_MAX_BODY)
        try:
            await self._send(path, token, extra, size, parts)
            sent = True
            while not response.done:
                count = await self._stream.read_into(self._receive)
                if not count:
                    raise OSError("the cloud closed it")
                response.receive(self._receive[:count])
        except (OSError, grpc.WireError, ValueError) as error:
            # ValueError is how mbedTLS refuses a certificate, with the reason in words.
            self.close()
            raise ChannelBroken("connection lost: %s" % str(error).strip(), sent)
        except Exception:
            self.close()
            raise
        return self._answer(response)

    async def _send(self, path, token, extra, size, parts):
        prefix = grpc.message_prefix(size)
        head = grpc_web.request_head(self._authority, path, token, extra, len(prefix) + size)
        await self._stream.write(memoryview(head + prefix))
        for part in parts:
            await self._stream.write(part)

    def _answer(self, response):
        self._keep_alive = response.keep_alive
        self.date = response.date or self.date
        if response.grpc_status:
            raise grpc.GrpcError(response.grpc_status, response.grpc_message)
        return response.message

    def close(self):
        self._keep_alive = False
        self._stream.close()
