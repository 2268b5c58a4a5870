"""Runs the collectors: the timer drives them on absolute grids, and their rings are looked after.

Every collector keeps its own exact grid, whatever the timer does: in seconds, microseconds and a
remainder in units of 1/frequency, so that 3 Hz is three samples per second for ever.  All of it
is small integers: a tick allocates nothing.
"""

import asyncio
from array import array

from micropython import const

from microserver.capture.clock import TICK_LIMIT_US

_SERVICE_MS = const(50)
_MICROS = const(1000000)
_LONGEST_TICK_US = const(10000)

# A grid: the frequency in millionths of a hertz, the step in seconds, microseconds and the rest
# of a microsecond, and the next deadline likewise; its seconds are -1 until the grid is laid.
_FREQUENCY = const(0)
_STEP_SECONDS = const(1)
_STEP_MICROS = const(2)
_STEP_REST = const(3)
_SECONDS = const(4)
_MICROS_AT = const(5)
_REST = const(6)


def grid_of(frequency_uhz):
    """The deadlines of one collector; `frequency_uhz` is in millionths of a hertz."""
    micros, rest = divmod(_MICROS * _MICROS, frequency_uhz)
    return array("i", (frequency_uhz, micros // _MICROS, micros % _MICROS, rest, -1, 0, 0))


class CaptureService:
    """`collectors` is the list of what is captured; the timer drives them from `start` on.

    A late tick takes one sample of each collector that is due and adds the deadlines it skipped to
    the collector's `missed`.  `due` is set when a simple collector has to read.
    """

    def __init__(self, clock, timer, log):
        self.clock = clock
        self._timer = timer
        self._log = log
        self._half_tick_us = _LONGEST_TICK_US // 2
        self.collectors = []
        self.due = self._task = None

    def add(self, collector):
        """Its first deadline is the next tick."""
        self.collectors.append(collector)
        self._half_tick_us = self.tick_period_us() // 2

    def tick_period_us(self):
        """What the timer's period should be: the shortest of ours, at most 10 ms."""
        grids = [collector.grid for collector in self.collectors]
        periods = [grid[_STEP_SECONDS] * _MICROS + grid[_STEP_MICROS] for grid in grids]
        return min([_LONGEST_TICK_US] + periods)

    def start(self):
        """Begin to capture: the timer ticks, and the slow sensors are read in a task."""
        if self.collectors:
            self.due = asyncio.ThreadSafeFlag()
            self._task = asyncio.create_task(self.read())
            self._timer.init(period=self.tick_period_us(), tick_hz=1000000, callback=self.tick)

    def tick(self, _timer):
        """The timer's callback."""
        clock = self.clock
        for collector in self.collectors:
            clock.advance(TICK_LIMIT_US)
            passed = self._passed(collector.grid)
            if passed:
                collector.missed += passed - 1
                collector.capture()

    def _passed(self, grid):
        """How many deadlines were reached since the last call."""
        seconds = self.clock.seconds
        micros = self.clock.micros
        if grid[_SECONDS] < 0:
            # Half a tick before the first one: the jitter of a tick never crosses a deadline.
            grid[_SECONDS] = seconds
            grid[_MICROS_AT] = micros - self._half_tick_us
        count = 0
        while grid[_SECONDS] < seconds or (
            grid[_SECONDS] == seconds and grid[_MICROS_AT] <= micros
        ):
            _go_on(grid)
            count += 1
        return count

    def report(self, name, message):
        """What a collector, or its building, has to say."""
        self._log.error("capture", "%s: %s" % (name, message))

    def stop(self):
        """No more captures; what the rings hold stays."""
        self._timer.deinit()
        if self._task:
            self._task.cancel()
        for collector in self.collectors:
            if collector.reading:
                collector.reading.cancel()

    async def run(self):
        """Move data between RAM and flash, outside of any callback."""
        while True:
            for collector in self.collectors:
                collector.ring.service()
            await asyncio.sleep_ms(_SERVICE_MS)

    async def read(self):
        """Take the readings of the simple collectors that are due; for ever."""
        while True:
            await self.due.wait()
            for collector in self.collectors:
                if collector.is_due:
                    collector.read()
                    await asyncio.sleep_ms(0)


def _go_on(grid):
    """To the next deadline."""
    micros = grid[_MICROS_AT] + grid[_STEP_MICROS]
    left = grid[_FREQUENCY] - grid[_STEP_REST]
    if grid[_REST] >= left:  # never add the two: their sum may be no small integer
        grid[_REST] -= left
        micros += 1
    else:
        grid[_REST] += grid[_STEP_REST]
    grid[_SECONDS] += grid[_STEP_SECONDS]
    if micros >= _MICROS:
        micros -= _MICROS
        grid[_SECONDS] += 1
    grid[_MICROS_AT] = micros
