"""Simple collectors: any reading that a driver can give, and any way in which it can fail."""

import asyncio

from capture_parts import Ticks, taken_us, upload
from microserver.capture.clock import Clock
from microserver.capture.collector import SimpleCollector
from microserver.capture.cursor import Cursor
from microserver.capture.ring import Ring

WALL = (1700000000, 0)


class Component:
    name = "probe"
    api = "rdk:component:sensor"


class Capture:
    method = "Readings"
    frequency_uhz = 1000000
    params = {}
    tags = ()


class Flag:
    """Wakes once per `set`; ends the task when nothing is due any more."""

    def __init__(self):
        self.due = 0

    def set(self):
        self.due += 1

    async def wait(self):
        if not self.due:
            raise Finished
        self.due -= 1


class Finished(BaseException):
    pass


class Source:
    """Gives its answers one after the other; an exception is raised, a coroutine awaited."""

    def __init__(self, answers, ticks):
        self._answers = list(answers)
        self._ticks = ticks

    def read(self):
        self._ticks.move(2500)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer


def collect(answers, cap=2000, timeout_ms=50):
    """Takes one reading per answer, a second apart; returns the collector and what it reported."""
    ticks = Ticks()
    clock = Clock(ticks.ticks_us, ticks.ticks_diff)
    reports = []
    collector = SimpleCollector(
        Component, Capture, Source(answers, ticks), Ring(cap, cap), clock,
        lambda name, message: reports.append((name, message)), timeout_ms, Flag(),
    )  # fmt: skip

    async def run():
        for _ in answers:
            ticks.move(1000000)
            clock.advance()
            collector.capture()
            try:
                await collector.run()
            except Finished:
                continue

    asyncio.run(run())
    return collector, reports


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
    assert collector.stats()["name"] == "probe:Readings"


def test_a_reading_of_one_float_takes_11_bytes_and_of_three_19():
    one, _ = collect([{"readings": {"t": 20.5 + n}} for n in range(50)])
    three, _ = collect([{"readings": {"x": 1.5, "y": -2.5, "z": float(n)}} for n in range(50)])
    assert one.ring.stored_bytes() <= 50 * 11
    assert three.ring.stored_bytes() <= 50 * 19


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
    assert collector.schemas.slot_of({"new": "f"}, ring.first) >= 0


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
    ticks = Ticks()
    clock = Clock(ticks.ticks_us, ticks.ticks_diff)
    flag = Flag()
    collector = SimpleCollector(Component, Capture, None, Ring(500, 500), clock, print, 50, flag)
    collector.capture()
    collector.capture()
    assert (collector.missed, flag.due) == (1, 1)
