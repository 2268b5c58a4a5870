"""Absolute deadlines: every collector keeps its own exact grid, whatever the timer does.

A grid is kept in seconds, microseconds and a remainder in units of 1/frequency, so that 3 Hz is
three samples per second for ever.  All of it is small integers: a tick allocates nothing.
"""

from micropython import const

from microserver.capture.clock import TICK_LIMIT_US

_MICROS = const(1000000)
_LONGEST_TICK_US = const(10000)


def _small(value):
    """The same number: what comes out of long arithmetic stays long in MicroPython."""
    return int(str(value))


class _Grid:
    """The deadlines of one collector; `frequency_uhz` is in millionths of a hertz."""

    def __init__(self, collector, frequency_uhz):
        self.collector = collector
        self._frequency = frequency_uhz
        micros, rest = divmod(_MICROS * _MICROS, frequency_uhz)
        self._step_rest = _small(rest)
        self._step_seconds = _small(micros // _MICROS)
        self._step_micros = _small(micros % _MICROS)
        self._seconds = -1  # not yet laid
        self._micros = self._rest = 0

    def period_us(self):
        return self._step_seconds * _MICROS + self._step_micros

    def passed(self, seconds, micros, half_tick_us):
        """How many deadlines were reached since the last call.

        The grid is laid half a tick before the first tick, so that the jitter of a tick never
        crosses a deadline.
        """
        if self._seconds < 0:
            micros -= half_tick_us
            if micros < 0:
                seconds -= 1
                micros += _MICROS
            self._seconds = seconds
            self._micros = micros
            self._advance()
            return 1
        count = 0
        while self._seconds < seconds or (self._seconds == seconds and self._micros <= micros):
            self._advance()
            count += 1
        return count

    def _advance(self):
        micros = self._micros + self._step_micros
        left = self._frequency - self._step_rest
        if self._rest >= left:  # never add the two: their sum may be no small integer
            self._rest -= left
            micros += 1
        else:
            self._rest += self._step_rest
        seconds = self._seconds + self._step_seconds
        if micros >= _MICROS:
            micros -= _MICROS
            seconds += 1
        self._micros = micros
        self._seconds = seconds


class Schedule:
    """Calls `capture()` of every collector that is due; `tick` is the timer's callback.

    A late tick takes one sample of each collector that is due and adds the deadlines it skipped to
    the collector's `missed`.
    """

    def __init__(self, clock):
        self._clock = clock
        self._grids = []
        self._half_tick_us = _LONGEST_TICK_US // 2
        self.tick = self._tick  # bound once: a timer that calls it allocates nothing

    def add(self, collector):
        """Its first deadline is the next tick.  Needs `collector.frequency_uhz`."""
        self._grids.append(_Grid(collector, collector.frequency_uhz))
        self._half_tick_us = self.tick_period_us() // 2

    def remove(self, collector):
        self._grids = [grid for grid in self._grids if grid.collector is not collector]
        self._half_tick_us = self.tick_period_us() // 2

    def tick_period_us(self):
        """What the timer's period should be: the shortest of ours, at most 10 ms."""
        return min([_LONGEST_TICK_US] + [grid.period_us() for grid in self._grids])

    def _tick(self, _timer):
        clock = self._clock
        for grid in self._grids:
            clock.advance(TICK_LIMIT_US)
            passed = grid.passed(clock.seconds, clock.micros, self._half_tick_us)
            if passed:
                collector = grid.collector
                collector.missed += passed - 1
                collector.capture()
