"""Records: times that never drift, whatever lies between two readings."""

from capture_parts import ring_of
from microserver.capture.cursor import Cursor
from microserver.capture.record import HEADER, Reading, put_times, rounding_us, taken_us_of


def stored_times(gaps, big_endian=False):
    """Appends records that far apart in (seconds, micros), as collectors do; reads them back."""
    ring = ring_of(4000, 4000)
    ring.schemas.big_endian[0] = big_endian
    wanted = []
    now = last = (0, 0)
    for seconds, micros in gaps:
        total = now[1] + micros
        now = (now[0] + seconds + total // 1000000, total % 1000000)
        since = (now[0] - last[0], now[1] - last[1])
        if since[1] < 0:
            since = (since[0] - 1, since[1] + 1000000)
        buffer = bytearray(HEADER + 4)
        put_times(buffer, big_endian, since[0], since[1], 5)
        assert ring.append(buffer, len(buffer))
        micros = now[1] - rounding_us(*since)
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
        put_times(buffer, False, 0, 0, taken)
        got = taken_us_of(buffer[5] | buffer[6] << 8)
        if taken < 32768:
            assert got == taken
        else:
            assert taken - 1024 < got <= taken or (taken > 33554431 and got == 0x7FFF << 10)


def test_equal_payloads_have_one_shape_whatever_the_order_of_their_keys():
    one = Reading({"readings": {"a": 1.5, "b": True, "c": [1, None, "x"]}})
    two = Reading({"readings": {"c": (7, None, "yy"), "b": False, "a": 2.5}})
    assert one.shape == two.shape == {"readings": {"a": "f", "b": "?", "c": ["i", "n", "s"]}}
    assert (one.values, one.strings) == ([1.5, True, 1], [b"x"])


def test_integers_take_what_they_need():
    assert Reading({"a": (1 << 31) - 1}).shape == {"a": "i"}
    assert Reading({"a": -(1 << 31)}).shape == {"a": "i"}
    assert Reading({"a": 1 << 31}).shape == {"a": "q"}
    assert Reading({"a": 1 << 64}).shape == {"a": "f"}
