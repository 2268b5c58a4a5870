"""Brings the board's log lines to the cloud; a line leaves the ring when the cloud has it."""

from microserver.wire import protobuf
from microserver.wire.messages import app_log

_PATH = "/viam.app.v1.RobotService/Log"
_LINES_PER_CALL = 12


class LogSink:
    """Times are corrected on the way: lines written before the clock was known get their right one."""

    def __init__(self, session, log, clock, host):
        self._session = session
        self._log = log
        self._clock = clock
        self._host = host

    async def send(self):
        """Send what is there.  Raises GrpcError or ChannelBroken; the lines stay then."""
        lines = self._log.oldest(_LINES_PER_CALL)
        while lines and self._clock.wall:
            entries = [self._entry(line) for line in lines]
            request = protobuf.encode(
                app_log.LOG_REQUEST, {"id": self._session.part_id, "logs": entries}
            )
            await self._session.send(_PATH, request)
            self._log.sent(lines[-1][0])
            lines = self._log.oldest(_LINES_PER_CALL)

    def _entry(self, line):
        _, level, seconds, micros, logger, message = line
        wall_seconds, wall_micros = self._clock.wall
        micros += wall_micros
        return {
            "host": self._host,
            "level": level,
            "time": (wall_seconds + seconds + micros // 1000000, micros % 1000000 * 1000),
            "logger_name": logger,
            "message": message,
        }
