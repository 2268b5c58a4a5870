"""Unary gRPC calls over one HTTP/2 connection, one call at a time."""

from micropython import const

from microserver.cloud.session import ChannelBroken
from microserver.wire import grpc
from microserver.wire.http2 import Http2Client

_FRAME_HEADER = const(9)
_SEND_BUFFER = const(768)
_RECEIVE_BUFFER = const(512)


def opener(open_stream, host, port):
    """A coroutine function that connects in cleartext; `open_stream`: device.tcp's.

    The buffers are allocated here, once: a heap that has been in use for weeks has no such room.
    """
    send = memoryview(bytearray(_SEND_BUFFER))
    receive = memoryview(bytearray(_RECEIVE_BUFFER))

    async def open_channel():
        stream = await open_stream(host, port)
        return Http2Channel(stream, "http", "%s:%d" % (host, port), send, receive)

    return open_channel


class Http2Channel:
    """Owns `stream`; a failed or cancelled call leaves it closed."""

    def __init__(self, stream, scheme, authority, send, receive):
        self._stream = stream
        self._connection = Http2Client(scheme, authority)
        self._send = send
        self._receive = receive
        self._call = None
        self.date = None  # the last answer's HTTP date (bytes), for a board without SNTP

    def usable(self):
        """False once the peer has closed or said GOAWAY: then connect anew before a call."""
        connection = self._connection
        try:
            count = self._stream.read_now(self._receive)
            while count:
                connection.receive(self._receive[:count])
                count = self._stream.read_now(self._receive)
        except (OSError, grpc.WireError):
            return False
        return count is None and not connection.closed and connection.goaway is None

    async def unary(self, path, token, extra, size, parts):
        """Send a message of `size` bytes that `parts` yields as views; return the answer's bytes.

        `extra` is a list of (name, value) metadata.  Raises GrpcError for a status other than OK,
        ChannelBroken when the connection fails; what `parts` raises cancels the call.
        """
        self._call = None
        try:
            call = self._call = self._connection.open_call(path, token, extra)
            await self._send_message(call, size, parts)
            while not call.done:
                await self._read()
            await self._flush()
        except (OSError, grpc.WireError) as error:
            raise self._broken(error)
        return self._answer(call)

    async def _send_message(self, call, size, parts):
        pending = self._send
        pending[_FRAME_HEADER : _FRAME_HEADER + 5] = grpc.message_prefix(size)
        at = _FRAME_HEADER + 5
        try:
            for part in parts:
                taken = 0
                while taken < len(part) and not call.done:
                    count = min(len(part) - taken, _SEND_BUFFER - at)
                    pending[at : at + count] = part[taken : taken + count]
                    taken += count
                    at += count
                    if at == _SEND_BUFFER:
                        await self._send_data(call, at, False)
                        at = _FRAME_HEADER
        except Exception:
            await self._cancel(call)  # the source of the message failed: it must not be stored
            raise
        if not call.done:
            await self._send_data(call, at, True)

    async def _send_data(self, call, end, last):
        """Send the buffer's payload up to `end` as DATA, as fast as flow control lets us."""
        pending = self._send
        start = _FRAME_HEADER
        while not call.done:
            count = min(end - start, self._connection.sendable(call))
            if not count and end > start:
                await self._flush()
                await self._read()
                continue
            ends = last and start + count == end
            header = self._connection.data_header(call, count, ends)
            pending[start - _FRAME_HEADER : start] = header
            await self._flush()
            await self._stream.write(pending[start - _FRAME_HEADER : start + count])
            start += count
            if start == end:
                return

    async def _read(self):
        count = await self._stream.read_into(self._receive)
        if not count:
            raise OSError("the cloud closed it")
        self._connection.receive(self._receive[:count])
        await self._flush()

    async def _flush(self):
        outgoing = self._connection.outgoing
        if outgoing:
            await self._stream.write(memoryview(outgoing))
            outgoing[:] = b""

    async def _cancel(self, call):
        if not call.done:
            self._connection.cancel(call)
            await self._flush()

    def _answer(self, call):
        self.date = call.date or self.date
        if call.grpc_status:
            raise grpc.GrpcError(call.grpc_status, call.grpc_message)
        if call.grpc_status is None:
            raise ChannelBroken("the call was reset (%s)" % call.reset_code, not call.refused)
        return grpc.single_message(call.body)

    def _broken(self, error):
        call = self._call
        self.close()
        text = str(error)
        return ChannelBroken(
            # MicroPython knows a text for a few errno only.
            "connection lost: " + ("errno " + text if text.isdigit() else text),
            bool(call and call.ended_sending and not call.refused),
        )

    def close(self):
        self._stream.close()
