"""Records: times that never drift, whatever lies between two readings."""

from capture_parts import ring_of, taken_us_of
from expect import raises
from microserver.capture.cursor import Cursor
from microserver.capture.record import HEADER, Schemas, put_times, record_of

BIG_ENDIAN = 1 << 24  # in a layout


def stored_times(gaps, big_endian=False):
    """Appends records that far apart in (seconds, micros), as collectors do; reads them back."""
    ring = ring_of(4000, 4000)
    layout = HEADER + 4 + BIG_ENDIAN * big_endian
    ring.schemas.layouts[0] = layout
    wanted = []
    now = last = (0, 0)
    for seconds, micros in gaps:
        total = now[1] + micros
        now = (now[0] + seconds + total // 1000000, total % 1000000)
        since = (now[0] - last[0], now[1] - last[1])
        if since[1] < 0:
            since = (since[0] - 1, since[1] + 1000000)
        buffer = bytearray(HEADER + 4)
        rounding = put_times(buffer, layout, since[0], since[1], 5)
        assert ring.append(buffer, len(buffer))
        micros = now[1] - rounding
        last = (now[0], micros) if micros >= 0 else (now[0] - 1, micros + 1000000)
        wanted.append(now)
    cursor = Cursor(ring)
    found = []
    while cursor.next():
        found.append((cursor.seconds, cursor.micros))
    return wanted, found


GAPS = [(0, 0), (0, 1), (0, 999999), (1, 0), (4, 999999), (1072, 999999), (0, 333333), (60, 1)]


def test_gaps_of_up_to_17_minutes_are_exact():
    for big_endian in (False, True):
        wanted, found = stored_times(GAPS, big_endian)
        assert found == wanted


def test_longer_gaps_are_rounded_by_4_ms_at_most_and_the_rounding_never_adds_up():
    for big_endian in (False, True):
        wanted, found = stored_times(
            [(1073, 0), (10000, 1), (4000000, 999999)] * 10 + GAPS, big_endian
        )
        for want, got in zip(wanted, found):
            late = (want[0] - got[0]) * 1000000 + want[1] - got[1]
            assert 0 <= late < 4096, (want, got)


def test_the_time_taken_is_exact_up_to_33_ms_and_then_to_a_millisecond():
    buffer = bytearray(HEADER)
    for taken in (0, 1, 700, 32767, 32768, 1000000, 33000000, 60000000):
        put_times(buffer, HEADER, 0, 0, taken)
        got = taken_us_of(buffer[5] | buffer[6] << 8)
        if taken < 32768:
            assert got == taken
        else:
            assert taken - 1024 < got <= taken or (taken > 33554431 and got == 0x7FFF << 10)


def found(schemas, payload):
    """(slot, format, values, texts) of a payload."""
    values = []
    texts = []
    schema = schemas.find(payload, values, texts, 0)
    return schema.slot, schema.format, values, texts


def test_equal_payloads_have_one_schema_whatever_the_order_of_their_keys():
    schemas = Schemas()
    one = found(schemas, {"readings": {"a": 1.5, "b": True, "c": [1, None, "x"]}})
    two = found(schemas, {"readings": {"c": (7, None, "yy"), "b": False, "a": 2.5}})
    assert one == (0, "<fBi", [1.5, True, 1], [b"x"])
    assert two == (0, "<fBi", [2.5, False, 7], [b"yy"])
    assert found(schemas, {"readings": {"a": 1.5, "b": True, "c": [1, None]}})[0] == 1
    assert found(schemas, {"readings": {"a": 1.5, "b": 1, "c": [1, None, "x"]}})[0] == 2
    assert found(schemas, {"readings": {"a": 1.5, "b": True, "d": [1, None, "x"]}})[0] == 3
    assert found(schemas, {"readings": {"c": [9, None, ""], "a": 0.5, "b": True}})[0] == 0


def test_integers_take_what_they_need():
    for value, code in (
        ((1 << 31) - 1, "i"),
        (-(1 << 31), "i"),
        (1 << 31, "q"),
        ((1 << 63) - 1, "q"),
        (1 << 64, "f"),
    ):
        assert found(Schemas(), {"a": value})[:3] == (0, "<" + code, [value])


def test_what_is_left_out_is_known_by_its_schema():
    schemas = Schemas()
    nan = float("nan")
    schema = schemas.find({"a": nan, "b": 2.5, "c": [nan, 1]}, [], [], 0)
    assert (schema.bad, schema.format, schema.size) == (2, "<fi", HEADER + 8)
    assert schemas.find({"a": nan}, [], [], 0).size == 0
    assert schemas.find({"a": None}, [], [], 0).size == HEADER


def test_a_record_holds_slot_values_and_texts():
    schemas = Schemas()
    values = []
    texts = []
    schema = schemas.find({"n": 258, "s": "ab", "t": ""}, values, texts, 0)
    record = record_of(schema, values, texts)
    assert record == bytes(HEADER) + b"\x02\x01\x00\x00" + b"\x02\x00ab" + b"\x00\x00"


def test_shapes_that_come_and_go_keep_their_slots_while_these_are_few():
    schemas = Schemas()
    for _ in range(3):
        for slot in range(4):
            assert found(schemas, {"abcd"[slot]: 1.5})[0] == slot
    assert schemas.find({"e": 1.5}, [], [], 100).slot == 0
    assert schemas.find({"a": 1.5}, [], [], 100).slot == 0


def test_a_reading_with_too_many_strings_is_refused():
    raises(ValueError, Schemas().find, {"a": ["x"] * 256}, [], [], 0)
