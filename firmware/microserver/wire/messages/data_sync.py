"""Field tables of viam.app.datasync.v1: `python -m host_tools.generate_messages` wrote them."""

UPLOAD_METADATA = (
    b"\x01\x04\x07part_id"
    b"\x02\x04\x0ecomponent_type"
    b"\x03\x04\x0ecomponent_name"
    b"\x05\x04\x0bmethod_name"
    b"\x06\x00\x04type"
    b"\x08(\x11method_parameters"
    b"\t\x04\x0efile_extension"
    b"\n\x14\x04tags"
)
DATA_CAPTURE_UPLOAD_RESPONSE = b"\x01\x04\x07file_id"
