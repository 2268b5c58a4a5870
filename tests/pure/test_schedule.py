"""Deadlines: exact grids for hours, late ticks counted, a clock that outlives its counter."""

from capture_parts import Ticks
from microserver.capture.clock import Clock
from microserver.capture.service import CaptureService, grid_of


class Witness:
    """A collector that notes when it was called."""

    def __init__(self, clock, frequency_uhz):
        self.grid = grid_of(frequency_uhz)
        self.missed = 0
        self.times = []
        self._clock = clock

    def capture(self):
        self.times.append((self._clock.seconds, self._clock.micros))


def machine(*frequencies):
    ticks = Ticks()
    clock = Clock(ticks.ticks_us, ticks.ticks_diff)
    schedule = CaptureService(clock, None, None)
    witnesses = [Witness(clock, frequency) for frequency in frequencies]
    for witness in witnesses:
        schedule.add(witness)
    return ticks, clock, schedule, witnesses


class GridWitness(Witness):
    """Compares each sample with its place on the grid; `per_second` samples as a fraction."""

    def __init__(self, clock, frequency_uhz):
        super().__init__(clock, frequency_uhz)
        self.frequency_uhz = frequency_uhz
        self.count = 0
        self.worst_us = 0

    def capture(self):
        seconds, micros = self._clock.seconds, self._clock.micros
        if not self.count:
            self.first = (seconds, micros)
        passed = (seconds - self.first[0]) * 1000000 + micros - self.first[1]
        want = self.count * 1000000 * 1000000 // self.frequency_uhz
        self.worst_us = max(self.worst_us, abs(passed - want))
        self.count += 1


def test_10_hz_beside_3_hz_beside_0_2_hz_for_an_hour_without_drift():
    ticks, clock, schedule, _ = machine()
    witnesses = [GridWitness(clock, frequency) for frequency in (10000000, 3000000, 200000)]
    for witness in witnesses:
        schedule.add(witness)
    for _ in range(360000):
        ticks.move(10000)
        schedule.tick(None)
    for witness, count in zip(witnesses, (36000, 10800, 720)):
        assert (witness.count, witness.missed) == (count, 0)
        assert witness.worst_us <= 5000, "half a tick at most, all the hour"


def test_a_late_tick_takes_one_sample_and_counts_the_rest_as_missed():
    ticks, _, schedule, (fast, slow) = machine(100000000, 1000000)
    schedule.tick(None)
    ticks.move(1053000)
    schedule.tick(None)
    assert len(fast.times) == 2 and fast.times[1] == (1, 53000)
    assert fast.missed == 104
    assert len(slow.times) == 2 and slow.missed == 0
    schedule.tick(None)
    assert len(fast.times) == 2, "a tick that was queued meanwhile takes no second sample"


def test_the_jitter_of_ticks_costs_no_sample():
    ticks, _, schedule, (fast,) = machine(100000000)
    late = 0
    for number in range(5000):
        jitter = number * 7919 % 4000
        ticks.move(10000 + jitter - late)
        late = jitter
        schedule.tick(None)
    assert len(fast.times) == 5000 and fast.missed == 0


def test_the_tick_is_as_fast_as_the_fastest_collector():
    assert machine(1000000000, 100)[2].tick_period_us() == 1000
    assert machine(100)[2].tick_period_us() == 10000


def test_a_period_of_hours_is_kept():
    ticks, _, schedule, (slow,) = machine(100)
    for _ in range(3 * 10000):
        ticks.move(1000000)
        schedule.tick(None)
    assert len(slow.times) == 3 and slow.times[2][0] - slow.times[0][0] == 20000


def test_the_clock_outlives_its_counter():
    ticks, clock, _, _ = machine()
    for _ in range(100):
        ticks.move(200000001)
        clock.advance()
    assert (clock.seconds, clock.micros) == (20000, 100)
    assert clock.now() == (20000, 100)


def test_the_wall_time_of_boot_is_known_once_the_time_is():
    ticks, clock, _, _ = machine()
    ticks.move(2300000)
    assert clock.wall is None
    clock.set_wall_now(1700000000, 100000)
    assert clock.wall == (1699999997, 800000)


def test_a_tick_between_any_two_reads_of_the_clock_leaves_a_time_that_belongs_together():
    ticks = Ticks()
    pending = []

    def ticks_us():
        if pending:
            pending.pop()
            ticks.move(150000000)
            clock.advance(0)  # as the tick does, and it moves the anchor
        return ticks.now

    clock = Clock(ticks_us, ticks.ticks_diff)
    ticks.move(999999)
    pending.append(1)
    assert clock.now() == (150, 999999)
