"""Time since boot from a counter that wraps, in integers, and the wall time that boot had.

`seconds` and `micros` are small integers, so that reading the clock in a timer callback allocates
nothing.  Both a callback and the main loop may call `advance`: the main loop never leaves a torn
state behind, because the anchor moves only in the tick, or when no tick has come for minutes.
"""

from micropython import const

_MICROS = const(1000000)
_IDLE_US = const(1 << 28)  # 4.5 minutes; the counter can be compared over twice that
TICK_LIMIT_US = 1 << 26


class Clock:
    """`ticks_us`, `ticks_diff`: those of the `time` module (or of a simulation).

    `wall`: None, or what the time of day was at boot, as (unix seconds, microseconds).
    """

    def __init__(self, ticks_us, ticks_diff):
        self._ticks_us = ticks_us
        self._ticks_diff = ticks_diff
        self._anchor_ticks = ticks_us()
        self._anchor_seconds = self._anchor_micros = 0
        self._advances = 0
        self.seconds = self.micros = 0
        self.wall = None

    def advance(self, limit_us=_IDLE_US):
        """Brings `seconds` and `micros` up to date; call at least every 4 minutes."""
        while True:
            anchor = self._anchor_ticks
            ticks = self._ticks_us()
            elapsed = self._ticks_diff(ticks, anchor)
            seconds = self._anchor_seconds
            micros = self._anchor_micros + elapsed
            if anchor == self._anchor_ticks:  # else a callback moved the anchor meanwhile
                break
        seconds += micros // _MICROS
        micros %= _MICROS
        self.seconds = seconds
        self.micros = micros
        if elapsed > limit_us:
            self._anchor_seconds = seconds
            self._anchor_micros = micros
            self._anchor_ticks = ticks
        self._advances = self._advances + 1 & 0xFFFF

    def now(self):
        """(seconds, micros) since boot, for the main loop: a pair that belongs together."""
        while True:
            expected = self._advances + 1 & 0xFFFF
            self.advance()
            seconds, micros = self.seconds, self.micros
            if self._advances == expected:
                return seconds, micros

    def set_wall_now(self, unix_seconds, micros):
        """Tells the clock what time it is; samples taken before get their true time by it."""
        seconds, passed = self.now()
        unix_seconds -= seconds
        micros -= passed
        if micros < 0:
            micros += _MICROS
            unix_seconds -= 1
        self.wall = (unix_seconds, micros)
