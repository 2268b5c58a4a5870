"""The board's conversation with the cloud beside the uploads: config, log lines, restart wishes."""

import asyncio

from microserver.cloud.broken import ChannelBroken
from microserver.wire.grpc import GrpcError
from microserver.wire.varint import WireError

_TICK_MS = 1000  # log lines go every second


class CloudLink:
    """Log lines every second, restart wishes at the cloud's pace, the config once."""

    def __init__(self, log_sink, restart_monitor, log):
        self._log_sink = log_sink
        self._restart_monitor = restart_monitor
        self._log = log
        self._last_error = None

    async def run(self, fetch, on_config, on_restart):
        """`fetch`, if any, is asked until it answers; `on_config` gets what it returned."""
        if fetch:
            on_config(*await self._until_answered(fetch))
        seconds = 0
        while True:
            await asyncio.sleep_ms(_TICK_MS)
            await self._attempt(self._log_sink.send)
            seconds += 1
            if seconds >= self._restart_monitor.interval_s:
                seconds = 0
                if await self._attempt(self._restart_monitor.must_restart):
                    on_restart()

    async def _until_answered(self, call):
        while True:
            answer = await self._attempt(call)
            if answer:
                return answer
            await asyncio.sleep_ms(_TICK_MS)

    async def _attempt(self, call):
        """What `call` returns, or None when it failed: reported once per change of cause."""
        try:
            answer = await call()
        except (GrpcError, ChannelBroken, WireError) as error:
            message = str(error)
            if message != self._last_error:
                self._last_error = message
                self._log.warning("cloud", message)
            return None
        self._last_error = None
        return answer
