"""Brings the board's log lines to the cloud; a line leaves the ring when the cloud has it."""

from micropython import const

from microserver.wire import protobuf
from microserver.wire.messages import app_log

_PATH = "/viam.app.v1.RobotService/Log"
_HOST = "esp32"
_LINES_PER_CALL = const(6)


async def send_lines(session, log, clock):
    """Send the lines that are there.  Raises GrpcError or ChannelBroken; they stay then.

    Times are corrected on the way: lines written before the clock was known get their right one.
    """
    lines = log.oldest(_LINES_PER_CALL)
    while lines and clock.wall:
        entries = [_entry(line, clock.wall) for line in lines]
        request = protobuf.encode(app_log.LOG_REQUEST, {"id": session.part_id, "logs": entries})
        await session.send(_PATH, request)
        log.sent(lines[-1][0])
        lines = log.oldest(_LINES_PER_CALL)


def _entry(line, wall):
    _, level, seconds, micros, logger, message = line
    micros += wall[1]
    return {
        "host": _HOST,
        "level": level,
        "time": (wall[0] + seconds + micros // 1000000, micros % 1000000 * 1000),
        "logger_name": logger,
        "message": message,
    }
