"""The board's standing with the cloud: connected, logged in, and able to call."""

import asyncio

from micropython import const

from microserver.health.heap import forget
from microserver.sync.backoff import jittered_s, longer
from microserver.wire.grpc import GrpcError, WireError

_CALL_TIMEOUT_MS = const(30000)
_LONGEST_RECONNECT_MS = const(60000)
_UNAUTHENTICATED = const(16)
_ONLY_TO_CONNECT = ("wire.http2_control", "wire.well_known", "wire.grpc_status")
_HALF_A_SECOND_US = const(500000)  # a Date header has whole seconds: the middle is the best guess


class ChannelBroken(Exception):
    """The connection is gone.  `ambiguous`: the peer may have carried the call out all the same.

    A call is ambiguous once its last byte was sent and before its status came back.
    """

    def __init__(self, message, ambiguous=False):
        super().__init__(message)
        self.ambiguous = ambiguous


class Session:
    """One connection, one call at a time; connects and logs in on demand.

    `open_channel` is a coroutine that returns a channel (HTTP/2 or gRPC-Web, chosen by address).
    `connections` counts them; `last_error` tells why there is none.
    """

    def __init__(self, part_id, secret, open_channel, clock, log, timeout_ms=_CALL_TIMEOUT_MS):
        self.part_id = part_id
        self._secret = secret
        self._open_channel = open_channel
        self._clock = clock
        self._log = log
        self._timeout_ms = timeout_ms
        self._channel = None
        self._token = None
        self._lock = asyncio.Lock()
        self._delay_ms = 0
        self._retry_at = 0  # seconds since boot; before it no new connection is tried
        self.connections = 0
        self.last_error = ""

    async def call(self, path, size, parts, extra=()):
        """One unary call with the machine's token; as `Http2Channel.unary`."""
        async with self._lock:
            if self._channel and not self._channel.usable():
                self.close()
            if not self._channel or not self._token:
                await self._enter()
            return await self._exchange(path, self._token, extra, size, parts)

    async def send(self, path, message):
        """One unary call with a message that is already whole."""
        return await self.call(path, len(message), (memoryview(message),))

    async def _enter(self):
        """Connect and log in; after a failure not again before the backoff has passed."""
        clock = self._clock
        clock.advance()
        if clock.seconds < self._retry_at:
            raise ChannelBroken(self.last_error)
        try:
            if not self._channel:
                self._channel = await self._open_channel()
                self.connections += 1
            if not self._token:
                await self._log_in()
        except (OSError, ChannelBroken, GrpcError, WireError) as error:
            self._delay_ms = longer(self._delay_ms, _LONGEST_RECONNECT_MS)
            clock.advance()
            self._retry_at = clock.seconds + jittered_s(self._delay_ms)
            refused = isinstance(error, GrpcError)
            self.last_error = str(error) if refused else "cannot reach the cloud: %s" % error
            raise error if refused else ChannelBroken(self.last_error)
        self._delay_ms = 0
        self.last_error = ""
        forget("cloud.log_in", "wire.messages.auth", *_ONLY_TO_CONNECT)

    async def _log_in(self):
        from microserver.cloud.log_in import PATH, request, token_of

        message = request(self.part_id, self._secret)
        answer = await self._exchange(PATH, None, (), len(message), (memoryview(message),))
        self._token = token_of(answer)
        self._log.info("cloud", "logged in")

    async def _exchange(self, path, token, extra, size, parts):
        channel = self._channel
        try:
            answer = await asyncio.wait_for_ms(
                channel.unary(path, token, extra, size, parts), self._timeout_ms
            )
        except asyncio.TimeoutError:
            self.close()
            raise ChannelBroken("no answer within %d s" % (self._timeout_ms // 1000), True)
        except WireError as error:
            self.close()
            raise ChannelBroken("unreadable answer: %s" % error, True)
        except (ChannelBroken, asyncio.CancelledError, MemoryError):
            self.close()  # a cancelled call leaves half a message behind
            raise
        except GrpcError as error:
            if error.status == _UNAUTHENTICATED:
                self._token = None  # expired or revoked: the next call logs in again
            raise
        if channel.date and not self._clock.wall:
            self._learn_time(channel.date)
        return answer

    def _learn_time(self, date):
        """Better half a second wrong than unknown; SNTP corrects it when it answers."""
        from microserver.cloud.http_date import unix_seconds

        try:
            self._clock.set_wall_now(unix_seconds(date), _HALF_A_SECOND_US)
        except ValueError as error:
            self._log.warning("time", str(error))

    def close(self):
        """Drop the connection; the next call opens another."""
        if self._channel:
            self._channel.close()
            self._channel = None

    @property
    def connected(self):
        return self._channel is not None
