"""Simple collectors: any reading that a driver can give, and any way in which it can fail."""

import asyncio

from capture_parts import Machine, Ticks, taken_us, upload
from microserver.capture.clock import Clock
from microserver.capture.collector import SimpleCollector
from microserver.capture.cursor import Cursor
from microserver.capture.ring import Ring
from microserver.health.diagnostics import collector_account, stored_bytes

WALL = (1700000000, 0)


class Source:
    """Gives its answers one after the other; an exception is raised, a coroutine awaited."""

    def __init__(self, answers, ticks):
        self._answers = list(answers)
        self._ticks = ticks

    def getter(self):
        self._ticks.move(2500)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    def payload_of(self, result):
        return result


def collect(answers, cap=2000, timeout_ms=50):
    """Takes one reading per answer, a second apart; returns the collector and what it reported."""
    ticks = Ticks()
    clock = Clock(ticks.ticks_us, ticks.ticks_diff)
    machine = Machine(clock)
    source = Source(answers, ticks)
    collector = SimpleCollector("probe:Readings", None, source, Ring(cap, cap), machine)
    collector.timeout_ms = timeout_ms

    async def run():
        for _ in answers:
            ticks.move(1000000)
            clock.advance()
            collector.capture()
            collector.read()
            if collector.reading:
                await collector.reading

    asyncio.run(run())
    return collector, machine.reports


def times(collector):
    cursor = Cursor(collector.ring)
    found = []
    while cursor.next():
        found.append((cursor.seconds, cursor.micros, taken_us(cursor)))
    return found


def test_readings_are_stored_with_the_times_of_request_and_receipt():
    collector, reports = collect([{"readings": {"t": 20.5 + n}} for n in range(3)])
    assert (collector.captured, collector.failed, reports) == (3, 0, [])
    assert times(collector) == [(1, 0, 2500), (2, 2500, 2500), (3, 5000, 2500)]
    account = collector_account(collector)
    assert (account["name"], account["stored"], account["last_error"]) == ("probe:Readings", 3, "")


def test_a_reading_of_one_float_takes_11_bytes_and_of_three_19():
    one, _ = collect([{"readings": {"t": 20.5 + n}} for n in range(50)])
    three, _ = collect([{"readings": {"x": 1.5, "y": -2.5, "z": float(n)}} for n in range(50)])
    assert stored_bytes(one.ring) <= 50 * 11
    assert stored_bytes(three.ring) <= 50 * 19


def test_a_coroutine_is_awaited():
    async def reading():
        return {"readings": {"t": 1.5}}

    collector, _ = collect([reading])
    assert collector.captured == 1


def test_a_sensor_that_hangs_fails_by_its_timeout_and_the_next_reading_is_taken():
    async def hanging():
        await asyncio.sleep(30)

    collector, reports = collect([hanging, {"readings": {"t": 1.5}}])
    assert (collector.captured, collector.failed) == (1, 1)
    assert reports == [("probe:Readings", "no reading within 50 ms")]


def test_what_is_no_reading_is_counted_and_named_once_in_a_row():
    answers = [
        None,
        None,
        21.5,
        {},
        {"readings": {}},
        OSError(5, "bus"),
        {"readings": {"a": b"x"}},
    ]
    answers.append({"readings": {"t": 1.0}})
    collector, reports = collect(answers)
    assert (collector.captured, collector.failed, collector.ring.records()) == (1, 7, 1)
    assert [message for _, message in reports][:3] == [
        "a reading is a dict, not None",
        "a reading is a dict, not 21.5",
        "no value in the reading",
    ]
    assert reports[-1][1] == "a bytes cannot be captured"


def test_nan_and_infinity_are_left_out_and_counted():
    nan, infinite = float("nan"), float("inf")
    collector, _ = collect([
        {"readings": {"a": nan, "b": 2.5, "c": {"d": infinite}, "e": [1.5, -infinite]}},
        {"readings": {"a": nan}},
    ])  # fmt: skip
    assert (collector.bad_values, collector.captured, collector.failed) == (4, 1, 1)


def test_more_shapes_than_slots_are_rejected_until_their_records_are_gone():
    answers = [{"readings": {"key%d" % n: 1.5}} for n in range(20)]
    collector, _ = collect(answers)
    ring = collector.ring
    assert (collector.captured, ring.records(), ring.rejected) == (20, 16, 4)
    assert upload(ring, WALL)[0] == 16
    assert collector.schemas.find({"new": 1.5}, [], [], ring.first).slot >= 0


def test_shapes_come_and_go_for_ever_in_a_ring_that_overflows():
    answers = [{"readings": {"key%d" % n: n}} for n in range(200)]
    collector, _ = collect(answers, cap=100)
    assert collector.captured == 200 and collector.ring.rejected == 0
    _, data = upload(collector.ring, WALL)
    assert b"key199" in data and b"key150" not in data


def test_a_string_larger_than_the_ring_is_rejected_and_the_rest_goes_on():
    collector, _ = collect([{"readings": {"s": "x" * 5000}}, {"readings": {"s": "small"}}])
    assert (collector.captured, collector.ring.rejected, collector.ring.records()) == (2, 1, 1)


def test_a_deadline_that_comes_while_the_sensor_is_busy_is_missed():
    collector, _ = collect([])
    collector.capture()
    collector.capture()
    assert (collector.missed, collector.is_due) == (1, True)


def test_readings_of_a_driver_are_put_under_their_key():
    collector, _ = collect([])
    collector._payload_of = None
    collector.store({"t": 1.5})
    _, data = upload(collector.ring, WALL)
    assert b"readings" in data
