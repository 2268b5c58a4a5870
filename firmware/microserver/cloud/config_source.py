"""Where the robot config comes from: the cloud, and a copy in flash for when it cannot be reached."""

from microserver.wire import protobuf
from microserver.wire.messages import app_robot
from microserver.wire.varint import WireError

_PATH = "/viam.app.v1.RobotService/Config"
_CACHE = "robot_config.bin"


class ConfigSource:
    """`storage` has read_bytes(name) and replace(name, content)."""

    def __init__(self, session, storage, agent_info):
        self._session = session
        self._storage = storage
        self._agent_info = agent_info

    def cached(self):
        """The last config that the cloud gave, as a dict, or None."""
        content = self._storage.read_bytes(_CACHE)
        return _parse(content) if content else None

    async def fetch(self):
        """(config dict, True when it differs from the cached one); the copy in flash follows.

        Raises GrpcError, ChannelBroken, or WireError for an answer that cannot be read.
        """
        request = protobuf.encode(
            app_robot.CONFIG_REQUEST,
            {"id": self._session.part_id, "agent_info": self._agent_info},
        )
        content = await self._session.send(_PATH, request)
        config = _parse(content)
        changed = content != self._storage.read_bytes(_CACHE)
        if changed:
            self._storage.replace(_CACHE, content)
        return config, changed


def _parse(content):
    config = protobuf.decode(app_robot.CONFIG_RESPONSE, content).get("config")
    if config is None:
        raise WireError("the answer holds no config")
    return config
