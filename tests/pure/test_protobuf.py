"""Protobuf on the device: what it reads, writes, skips and refuses."""

from expect import raises
from microserver.wire import protobuf
from microserver.wire.grpc import WireError
from microserver.wire.messages import app_log, app_robot, auth, data_sync


def refused(table, data):
    return raises(WireError, protobuf.decode, table, data)


def test_varints_of_every_size_come_back():
    for bits in range(65):
        value = (1 << bits) - 1
        data = bytearray()
        protobuf.write(data, value)
        assert len(data) == max(1, (bits + 6) // 7)
        assert protobuf.read(data, 0) == (value, len(data))
        assert raises(WireError, protobuf.read, data[:-1], 0)


def test_a_varint_over_64_bits_is_refused():
    for data in (b"\xff" * 9 + b"\x02", b"\x80" * 10 + b"\x01", b"\x80" * 40):
        assert raises(WireError, protobuf.read, data, 0)


def test_a_message_comes_back_as_it_was_written():
    credentials = {"type": "robot-secret", "payload": "s\u00fc\u00df"}
    request = {"entity": "part", "credentials": credentials}
    data = protobuf.encode(auth.AUTHENTICATE_REQUEST, request)
    assert protobuf.decode(auth.AUTHENTICATE_REQUEST, data) == request
    assert data[:6] == b"\x0a\x04part"


def test_absent_fields_are_absent_and_repeated_ones_are_lists():
    assert protobuf.decode(auth.AUTHENTICATE_RESPONSE, b"") == {}
    entry = {"level": "info", "message": "hi", "time": (1700000000, 999999999)}
    request = {"id": "part", "logs": [entry, entry]}
    data = protobuf.encode(app_log.LOG_REQUEST, request)
    assert protobuf.decode(app_log.LOG_REQUEST, data) == request


def test_every_json_value_survives_a_struct():
    attributes = {
        "text": "x",
        "flag": True,
        "off": False,
        "nothing": None,
        "list": [1, "two", [3], {}],
        "inner": {"deep": {"deeper": -5}},
        "half": 0.5,
        "zero": 0,
    }
    config = {"config": {"components": [{"name": "c", "attributes": attributes}]}}
    data = protobuf.encode(app_robot.CONFIG_RESPONSE, config)
    assert protobuf.decode(app_robot.CONFIG_RESPONSE, data) == config


def number(data):
    """Decodes the double in eight big-endian bytes, as a Struct carries it."""
    struct = b"\x0a\x0e\x0a\x01n\x12\x09\x11" + bytes(reversed(data))
    wire = b"\x0a\x14\x1a\x12\x42\x10" + struct
    return protobuf.decode(app_robot.CONFIG_RESPONSE, wire)["config"]["components"][0][
        "attributes"
    ]["n"]


def test_a_whole_double_is_an_exact_int_even_where_floats_are_single():
    cases = (
        (b"\x00\x00\x00\x00\x00\x00\x00\x00", 0),
        (b"\x80\x00\x00\x00\x00\x00\x00\x00", 0),
        (b"\x3f\xf0\x00\x00\x00\x00\x00\x00", 1),
        (b"\xc0\x08\x00\x00\x00\x00\x00\x00", -3),
        (b"\x41\x70\x00\x00\x10\x00\x00\x00", 16777217),
        (b"\x43\x3f\xff\xff\xff\xff\xff\xff", (1 << 53) - 1),
    )
    for data, expected in cases:
        value = number(data)
        assert value == expected and isinstance(value, int), expected
    for data, expected in ((b"\x3f\xe0\0\0\0\0\0\0", 0.5), (b"\xc0\x04\0\0\0\0\0\0", -2.5)):
        value = number(data)
        assert value == expected and isinstance(value, float), expected
    assert number(b"\x7f\xf0\0\0\0\0\0\0") == float("inf")
    assert number(b"\x7f\xf8\0\0\0\0\0\0") != number(b"\x7f\xf8\0\0\0\0\0\0")


def test_method_parameters_are_values_packed_in_any():
    metadata = {"type": 2, "tags": ["a", "b"], "method_parameters": {"pin": "5", "n": [1, None]}}
    data = protobuf.encode(data_sync.UPLOAD_METADATA, metadata)
    assert protobuf.decode(data_sync.UPLOAD_METADATA, data) == metadata


def test_unknown_fields_and_wire_types_are_skipped():
    unknown = b"\xf8\x3f\x05" + b"\xf9\x3f12345678" + b"\xfa\x3f\x03abc" + b"\xfd\x3f1234"
    known = b"\x0a\x03abc"
    other_type = b"\x08\x07"
    wire = unknown + known + other_type + unknown
    assert protobuf.decode(auth.AUTHENTICATE_RESPONSE, wire) == {"access_token": "abc"}


def test_a_repeated_singular_message_is_merged():
    first = protobuf.encode(auth.AUTHENTICATE_REQUEST, {"credentials": {"type": "t"}})
    second = protobuf.encode(auth.AUTHENTICATE_REQUEST, {"credentials": {"payload": "p"}})
    expected = {"credentials": {"type": "t", "payload": "p"}}
    assert protobuf.decode(auth.AUTHENTICATE_REQUEST, first + second) == expected


def test_negative_integers_survive():
    response = {"restart_check_interval": (-5, -1), "must_restart": True}
    data = protobuf.encode(app_log.NEEDS_RESTART_RESPONSE, response)
    assert protobuf.decode(app_log.NEEDS_RESTART_RESPONSE, data) == response


def test_every_truncation_is_refused_or_is_a_shorter_message():
    request = {"entity": "part", "credentials": {"type": "robot-secret", "payload": "secret"}}
    data = protobuf.encode(auth.AUTHENTICATE_REQUEST, request)
    whole = (0, 6, len(data))
    for cut in range(len(data)):
        if cut not in whole:
            assert refused(auth.AUTHENTICATE_REQUEST, data[:cut]), cut


def test_malformed_bytes_are_refused():
    cases = (b"\x0b\x0c", b"\x0c", b"\x0e", b"\x02\x00", b"\x0a\x01\xff", b"\x0a\xff\xff\xff\x7f")
    for data in cases:
        assert refused(auth.AUTHENTICATE_RESPONSE, data), data


def test_nesting_deeper_than_the_stack_allows_is_refused():
    attributes = {}
    for _ in range(40):
        attributes = {"a": attributes}
    config = {"config": {"components": [{"attributes": attributes}]}}
    assert raises(WireError, protobuf.encode, app_robot.CONFIG_RESPONSE, config)
    wire = b""
    for _ in range(20):  # a list in a value in a list in a value ...
        wire = b"\x0a" + bytes((len(wire) + 2, 0x32, len(wire))) + wire
    entry = b"\x0a\x01a\x12" + bytes((len(wire) + 2, 0x32, len(wire))) + wire
    for tag in (0x0A, 0x42, 0x1A, 0x0A):
        entry = bytes((tag, len(entry))) + entry
    assert refused(app_robot.CONFIG_RESPONSE, entry)


def test_a_key_that_the_table_does_not_know_is_a_mistake_of_ours():
    assert raises(WireError, protobuf.encode, auth.AUTHENTICATE_REQUEST, {"entty": "x"})
