"""Asks the cloud whether the machine must restart."""

from microserver.wire import protobuf
from microserver.wire.messages import app_log

_PATH = "/viam.app.v1.RobotService/NeedsRestart"
_DEFAULT_INTERVAL_S = 5


class RestartMonitor:
    def __init__(self, session):
        self._session = session
        self.interval_s = _DEFAULT_INTERVAL_S

    async def must_restart(self):
        """True when somebody asked for it; `interval_s` follows the cloud's wish (at least 1 s)."""
        request = protobuf.encode(app_log.NEEDS_RESTART_REQUEST, {"id": self._session.part_id})
        content = await self._session.send(_PATH, request)
        answer = protobuf.decode(app_log.NEEDS_RESTART_RESPONSE, content)
        seconds, _ = answer.get("restart_check_interval", (_DEFAULT_INTERVAL_S, 0))
        self.interval_s = max(1, seconds)
        return bool(answer.get("must_restart"))
