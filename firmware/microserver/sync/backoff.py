"""How long to wait after a failure: doubling, with jitter, up to a limit."""

import random

from micropython import const

_FIRST_MS = const(1000)


def longer(delay_ms, longest_ms):
    """The delay that follows `delay_ms` (0 = nothing has failed yet)."""
    return min(longest_ms, delay_ms * 2 or _FIRST_MS)


def jittered_s(delay_ms):
    """Whole seconds to wait: half of the delay and up to as much again, so a fleet spreads."""
    half = delay_ms // 2
    return (half + random.getrandbits(22) % (half + 1) + 999) // 1000
