"""Field tables of viam.app.v1: `python -m host_tools.generate_messages` wrote them."""

LOG_REQUEST = (
    b"\x01\x04\x02id"
    b"\x02\x15\x04logs.\x00"
    b"\x01\x04\x04host"
    b"\x02\x04\x05level"
    b"\x03\t\x04time"
    b"\x04\x04\x0blogger_name"
    b"\x05\x04\x07message"
)
NEEDS_RESTART_REQUEST = b"\x01\x04\x02id"
NEEDS_RESTART_RESPONSE = b"\x01\x04\x02id\x02\x01\x0cmust_restart\x03\t\x16restart_check_interval"
