"""Field tables of proto.rpc.v1: `python -m host_tools.generate_messages` wrote them."""

AUTHENTICATE_REQUEST = (
    b"\x01\x04\x06entity\x02\x05\x0bcredentials\x11\x00\x01\x04\x04type\x02\x04\x07payload"
)
AUTHENTICATE_RESPONSE = b"\x01\x04\x0caccess_token"
