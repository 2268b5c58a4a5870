"""What the board tells and asks the cloud beside its uploads: config, log lines, restarts."""

import asyncio

from micropython import const

from microserver.cloud.session import ChannelBroken
from microserver.health.heap import forget
from microserver.wire import protobuf
from microserver.wire.grpc import GrpcError, WireError
from microserver.wire.messages import app_log

_SERVICE = "/viam.app.v1.RobotService/"
_HOST = "esp32"
_TICK_MS = const(1000)  # log lines go every second
_QUESTION_S = const(5)
_LINES_PER_CALL = const(6)


class CloudLink:
    """`config_file`: where the cloud's config belongs, or None when a local one is in force."""

    def __init__(self, session, log, clock, storage, config_file, revision, reserve):
        self._session = session
        self._log = log
        self._clock = clock
        self._storage = storage
        self._config_file = config_file
        self._revision = revision
        self._reserve = reserve  # room for the config in one piece, until it is asked for
        self._last_error = None
        self._question_in_s = 0

    async def run(self, restart):
        """`restart(reason)` is called when the cloud asks for it, or when a new config was stored,
        with whether that one wants data to be synced."""
        while True:
            try:
                await self._round(restart)
                if not self._config_file:
                    self._last_error = None
            except (GrpcError, ChannelBroken, WireError) as error:
                self._warn(error)
            await asyncio.sleep_ms(_TICK_MS)

    def _warn(self, error):
        message = str(error)
        if message != self._last_error:  # once per change of cause
            self._last_error = message
            self._log.warning("cloud", message)

    async def _round(self, restart):
        self._question_in_s -= 1
        if self._question_in_s <= 0:
            self._question_in_s = _QUESTION_S
            if await self._must_restart():
                restart("the cloud asks for it")
            if self._config_file:
                await self._update_config(restart)
        await self._send_log()

    async def _update_config(self, restart):
        """Ask for the config, once per start; a refusal holds up nothing else, and is no end."""
        try:
            wants_sync = await self._fetch_config()
            if wants_sync is not None:
                restart("a new config", wants_sync)
            self._config_file = None
            forget("cloud.config_source", "wire.messages.app_robot")
        except (GrpcError, WireError, MemoryError) as error:
            self._warn(error)

    async def _fetch_config(self):
        from microserver.cloud.config_source import fetch

        # The reserve is given up when all that the call itself needs is in the heap.
        self._reserve = None
        return await fetch(self._session, self._storage, self._config_file, self._revision)

    async def _must_restart(self):
        """True when somebody asked for it; the next question comes when the cloud wants it."""
        request = protobuf.encode(app_log.NEEDS_RESTART_REQUEST, {"id": self._session.part_id})
        content = await self._session.send(_SERVICE + "NeedsRestart", request)
        answer = protobuf.decode(app_log.NEEDS_RESTART_RESPONSE, content)
        self._question_in_s, _ = answer.get("restart_check_interval", (_QUESTION_S, 0))
        return answer.get("must_restart")

    async def _send_log(self):
        """Send the lines that are there; a line leaves the board's log when the cloud has it.

        Times are corrected on the way: lines from before the clock was set get their right one.
        """
        log = self._log
        wall = self._clock.wall
        lines = log.oldest(_LINES_PER_CALL)
        while lines and wall:
            values = {
                "id": self._session.part_id,
                "logs": [_entry(line, wall[0], wall[1]) for line in lines],
            }
            request = protobuf.encode(app_log.LOG_REQUEST, values)
            await self._session.send(_SERVICE + "Log", request)
            log.sent(lines[-1][0])
            lines = log.oldest(_LINES_PER_CALL)


def _entry(line, wall_seconds, wall_micros):
    _, level, seconds, micros, logger, message = line
    micros += wall_micros
    return {
        "host": _HOST,
        "level": level,
        "time": (wall_seconds + seconds + micros // 1000000, micros % 1000000 * 1000),
        "logger_name": logger,
        "message": message,
    }
