"""The log-in of a machine: proto.rpc.v1 AuthService/Authenticate with its secret."""

from microserver.wire import protobuf
from microserver.wire.messages import auth

PATH = "/proto.rpc.v1.AuthService/Authenticate"


def request(part_id, secret):
    """The encoded AuthenticateRequest."""
    credentials = {"type": "robot-secret", "payload": secret}
    return protobuf.encode(
        auth.AUTHENTICATE_REQUEST, {"entity": part_id, "credentials": credentials}
    )


def token_of(answer):
    """The access token of an encoded AuthenticateResponse; raises WireError."""
    return protobuf.decode(auth.AUTHENTICATE_RESPONSE, answer).get("access_token", "")
