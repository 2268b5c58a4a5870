"""Asks the cloud whether the machine must restart."""

from microserver.wire import protobuf
from microserver.wire.messages import app_log

_PATH = "/viam.app.v1.RobotService/NeedsRestart"
_DEFAULT_INTERVAL_S = 5


async def must_restart(session):
    """(True when somebody asked for it, seconds until the next question, at least 1)."""
    request = protobuf.encode(app_log.NEEDS_RESTART_REQUEST, {"id": session.part_id})
    content = await session.send(_PATH, request)
    answer = protobuf.decode(app_log.NEEDS_RESTART_RESPONSE, content)
    seconds, _ = answer.get("restart_check_interval", (_DEFAULT_INTERVAL_S, 0))
    return bool(answer.get("must_restart")), max(1, seconds)
