"""Asks the cloud for the robot config and keeps it in flash, where the next start finds it."""

from microserver.wire import protobuf
from microserver.wire.messages import app_robot

_PATH = "/viam.app.v1.RobotService/Config"

# ConfigResponse{config{revision}} and ConfigResponse{config{services{attributes}}}, in the form of
# wire/messages: all else is skipped.
_REVISION = b"\x01\x05\x06config\x0b\x00\x0f\x04\x08revision"
_SERVICES = b"\x01\x05\x06config\x1a\x00\x05\x15\x08services\x0d\x00\x04\x06\nattributes"


async def fetch(session, storage, file_name, revision):
    """None when the cloud's config is that of `revision`; else it is stored, and the answer is
    whether it wants data to be synced.

    `storage` has read_bytes(name) and replace(name, content).  Raises GrpcError, ChannelBroken, or
    WireError for an answer that cannot be read.
    """
    values = {"id": session.part_id, "agent_info": {"host": "esp32", "os": "micropython"}}
    request = protobuf.encode(app_robot.CONFIG_REQUEST, values)
    content = await session.send(_PATH, request)
    # The bytes of one revision differ from answer to answer: protobuf maps have no order.
    if revision and revision == protobuf.decode(_REVISION, content)["config"].get("revision"):
        return None
    if not revision and content == storage.read_bytes(file_name):
        return None  # unreadable, and still the same: a restart would bring nothing
    storage.replace(file_name, content)
    services = protobuf.decode(_SERVICES, content)["config"].get("services", ())
    return not any([service.get("attributes", {}).get("sync_disabled") for service in services])
