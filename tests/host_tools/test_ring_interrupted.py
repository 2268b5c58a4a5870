"""The timer's callback may come between any two steps of the main loop: nothing is lost by it.

CPython's trace hook stands in for the timer: at chosen lines of the ring's own code it appends.
"""

import random
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from capture_parts import append, read_all, ring_of, values_of
from microserver.capture.batch import Batch, RecordsGone
from microserver.capture.flash_pool import FlashPool
from microserver.health.diagnostics import dropped
from nor_flash import NorFlash

WALL = (1_700_000_000, 0)


class Interrupter:
    """Appends the next record at each line of main-loop code for which the dice say so."""

    def __init__(self, ring: Any, rng: random.Random, often: float) -> None:
        self.ring = ring
        self.appended = 0
        self._rng = rng
        self._often = often
        self._inside = False

    def append(self) -> None:
        self._inside = True
        append(self.ring, self.appended, 20_000 * (self.appended + 1))
        self.appended += 1
        assert self.ring.used() <= self.ring.cap
        self._inside = False

    def during(self, work: Callable[[], Any]) -> Any:
        sys.settrace(self._trace)
        try:
            return work()
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if self._inside or "microserver/capture" not in frame.f_code.co_filename:
            return None
        if event == "line" and self._rng.random() < self._often:
            self.append()
        return self._trace


def upload(ring: Any, rng: random.Random) -> int:
    batch = Batch(ring, ring.schemas, WALL, rng.randrange(200, 6000))
    while batch.refreeze():
        try:
            size = sum(len(part) for part in batch.parts(bytearray(rng.choice((64, 300, 900)))))
        except RecordsGone:
            continue
        assert size == batch.size
        ring.ack(batch.end)
        return int(batch.count)
    return 0


@pytest.mark.parametrize("flash", [False, True], ids=["ram", "flash"])
@pytest.mark.parametrize("often", [0.002, 0.05])
def test_every_record_is_delivered_or_counted_whenever_the_callback_comes(
    flash: bool, often: float
) -> None:
    all_dropped = 0
    for seed in range(6):
        rng = random.Random(seed)
        pool = FlashPool(NorFlash(8)) if flash else None
        ring = ring_of(7000 if flash else 900, 600 if flash else 900, pool)
        timer = Interrupter(ring, rng, often)
        delivered = 0
        for _ in range(150):
            for _ in range(rng.randrange(20)):
                timer.append()
            timer.during(ring.service)
            if rng.random() < (0.1, 0.3)[seed % 2]:  # too rarely for the ring, or often enough
                delivered += timer.during(partial(upload, ring, rng))
            assert ring.front_held is False
            kept = ring.records() + dropped(ring) + ring.rejected + ring.lost
            assert timer.appended == delivered + kept, seed
        rows = read_all(ring)
        values = values_of(rows)
        assert values == sorted(set(values)) and len(values) == ring.records()
        assert all(time == divmod(20_000 * (value + 1), 10**6) for _, value, time in rows)
        all_dropped += dropped(ring)
    assert all_dropped > 0
