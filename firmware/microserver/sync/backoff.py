"""How long to wait after a failure: doubling, with jitter, up to one hour."""

import random

from micropython import const

_FIRST_MS = const(1000)
_LONGEST_MS = const(3600000)


class Backoff:
    """`delay_ms` is 0 while all is well, else the wait before the next attempt."""

    def __init__(self, longest_ms=_LONGEST_MS):
        self._longest_ms = longest_ms
        self._ceiling_ms = 0
        self.delay_ms = 0

    def succeeded(self):
        self._ceiling_ms = self.delay_ms = 0

    def failed(self):
        """Twice as long as last time; half of it at random, so that a fleet spreads out."""
        self._ceiling_ms = min(self._longest_ms, self._ceiling_ms * 2 or _FIRST_MS)
        self._choose()

    def gave_up(self):
        """The answer can never be yes: come back after the longest wait."""
        self._ceiling_ms = self._longest_ms
        self._choose()

    def _choose(self):
        half = self._ceiling_ms // 2
        self.delay_ms = half + random.getrandbits(22) % (half + 1)
