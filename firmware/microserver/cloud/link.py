"""The board's conversation with the cloud beside the uploads: config, log lines, restart wishes."""

import asyncio

from micropython import const

from microserver.cloud.broken import ChannelBroken
from microserver.cloud.log_sink import send_lines
from microserver.cloud.restart_monitor import must_restart
from microserver.wire.grpc import GrpcError
from microserver.wire.varint import WireError

_TICK_MS = const(1000)  # log lines go every second
_FIRST_QUESTION_S = const(5)


class CloudLink:
    """`config_file`: where the cloud's config belongs, or None when a local one is in force."""

    def __init__(self, session, log, clock, storage, config_file):
        self._session = session
        self._log = log
        self._clock = clock
        self._storage = storage
        self._config_file = config_file
        self._last_error = None

    async def run(self, restart):
        """`restart(reason)` is called when a new config was stored or the cloud asks for it."""
        question_in_s = _FIRST_QUESTION_S
        while True:
            if self._config_file and await self._attempt(self._fetch_config):
                restart("a new config")
            await self._attempt(self._send_log)
            question_in_s -= 1
            if question_in_s <= 0:
                wanted, question_in_s = await self._attempt(self._ask) or (False, 1)
                if wanted:
                    restart("the cloud asks for it")
            await asyncio.sleep_ms(_TICK_MS)

    def _send_log(self):
        return send_lines(self._session, self._log, self._clock)

    def _ask(self):
        return must_restart(self._session)

    async def _fetch_config(self):
        from microserver.cloud.config_source import fetch

        changed = await fetch(self._session, self._storage, self._config_file)
        self._config_file = None  # asked once per start
        return changed

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
