"""The board's standing with the cloud: connected, logged in, and able to call."""

import asyncio

from micropython import const

from microserver.cloud.broken import ChannelBroken
from microserver.sync.backoff import Backoff
from microserver.wire.grpc import GrpcError

_CALL_TIMEOUT_MS = const(30000)
_LONGEST_RECONNECT_MS = const(60000)
_UNAUTHENTICATED = const(16)
_HALF_A_SECOND_US = const(500000)  # a Date header has whole seconds: the middle is the best guess
_AUTHENTICATE = "/proto.rpc.v1.AuthService/Authenticate"


class Session:
    """One connection, one call at a time; connects and logs in on demand.

    `open_channel` is a coroutine that returns a channel (HTTP/2 or gRPC-Web, chosen by address).
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
        self._backoff = Backoff(_LONGEST_RECONNECT_MS)
        self._retry_at = 0  # seconds since boot; before it no new connection is tried
        self.connections = 0
        self.last_error = ""

    async def call(self, path, size, parts, extra=()):
        """One unary call with the machine's token; as `Http2Channel.unary`."""
        async with self._lock:
            await self._ready()
            return await self._exchange(path, self._token, extra, size, parts)

    async def send(self, path, message):
        """One unary call with a message that is already whole."""
        return await self.call(path, len(message), (memoryview(message),))

    async def _ready(self):
        if self._channel and not self._channel.usable():
            self._drop()
        if self._channel and self._token:
            return
        self._wait_for_retry()
        try:
            if not self._channel:
                await self._connect()
            if not self._token:
                await self._log_in()
        except (ChannelBroken, GrpcError) as error:
            self.last_error = str(error)
            self._backoff.failed()
            self._clock.advance()
            self._retry_at = self._clock.seconds + (self._backoff.delay_ms + 999) // 1000
            raise
        self._backoff.succeeded()

    def _wait_for_retry(self):
        """Refuse at once while the backoff runs: callers keep their own pace, the cloud its peace."""
        self._clock.advance()
        if self._clock.seconds < self._retry_at:
            raise ChannelBroken(self.last_error)

    async def _connect(self):
        try:
            self._channel = await self._open_channel()
        except OSError as error:
            raise ChannelBroken("cannot reach the cloud: %s" % error)
        self.connections += 1

    async def _log_in(self):
        from microserver.wire import protobuf
        from microserver.wire.messages import auth

        credentials = {"type": "robot-secret", "payload": self._secret}
        request = protobuf.encode(
            auth.AUTHENTICATE_REQUEST, {"entity": self.part_id, "credentials": credentials}
        )
        parts = (memoryview(request),)
        answer = await self._exchange(_AUTHENTICATE, None, (), len(request), parts)
        self._token = protobuf.decode(auth.AUTHENTICATE_RESPONSE, answer)["access_token"]
        self._log.info("cloud", "logged in")

    async def _exchange(self, path, token, extra, size, parts):
        try:
            answer = await asyncio.wait_for_ms(
                self._channel.unary(path, token, extra, size, parts), self._timeout_ms
            )
        except asyncio.TimeoutError:
            self._drop()
            raise ChannelBroken("no answer within %d s" % (self._timeout_ms // 1000), True)
        except (ChannelBroken, asyncio.CancelledError):
            self._drop()  # a cancelled call leaves half a message behind
            raise
        except GrpcError as error:
            if error.status == _UNAUTHENTICATED:
                self._token = None  # expired or revoked: the next call logs in again
            raise
        if not self._clock.wall and self._channel.date:
            self._learn_time(self._channel.date)
        return answer

    def _learn_time(self, date):
        """Better half a second wrong than unknown; SNTP corrects it when it answers."""
        from microserver.cloud.http_date import unix_seconds

        try:
            self._clock.set_wall_now(unix_seconds(date), _HALF_A_SECOND_US)
        except ValueError as error:
            self._log.warning("time", str(error))

    def _drop(self):
        self._channel.close()
        self._channel = None

    def close(self):
        if self._channel:
            self._drop()

    @property
    def connected(self):
        return self._channel is not None
