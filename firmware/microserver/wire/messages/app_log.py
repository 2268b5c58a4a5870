"""Field tables of viam.app.v1: `python -m host_tools.generate_messages` wrote them."""

LOG_REQUEST = (
    b"\x01\x05\x02id"
    b"\x02\x17\x04logs.\x00"
    b"\x01\x05\x04host"
    b"\x02\x05\x05level"
    b"\x03\n\x04time"
    b"\x04\x05\x0blogger_name"
    b"\x05\x05\x07message"
)
NEEDS_RESTART_REQUEST = b"\x01\x05\x02id"
NEEDS_RESTART_RESPONSE = b"\x01\x05\x02id\x02\x02\x0cmust_restart\x03\n\x16restart_check_interval"
