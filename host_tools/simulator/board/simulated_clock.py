"""Virtual time: when every task waits, the clock jumps to the next deadline.

Work takes its real time, waiting takes none.  While a task waits for a socket, the clock runs at
most `_FASTEST` times as fast as the peer's, so that no timeout passes before a local peer answers.
Must be imported before asyncio.  Virtual time is never behind real time: asyncio's C queue
stamps new tasks with real ticks.
"""

import os
import time

import machine
import uctypes
from micropython import const
from utime import ticks_ms as _real_ms
from utime import ticks_us as _real_us

_FASTEST = const(50)
_HALF_US = const(1 << 29)  # ticks_add() takes less than half of the ticks' period

_ticks_add = time.ticks_add
_skipped_ms = _skipped_us = _rest_us = _owed_ms = 0
_boot_ms = _real_ms()
_limit_ms = int(os.getenv("SIMULATED_LIMIT_MS"))  # the run ends here: no jump goes beyond
_shared = None


def share(address):
    """Keeps the number of skipped milliseconds at `address`, for the simulate command."""
    global _shared
    _shared = uctypes.struct(address, {"skipped_ms": uctypes.UINT32})


def ticks_us():
    return _ticks_add(_real_us(), _skipped_us)


def ticks_ms():
    return _ticks_add(_real_ms(), _skipped_ms)


def jump(jump_us):
    """Moves the clock, not beyond the end of the run, and lets due timers fire."""
    global _skipped_ms, _skipped_us, _rest_us
    left_ms = _limit_ms - _skipped_ms - time.ticks_diff(_real_ms(), _boot_ms)
    if left_ms <= 0:
        return _real_sleep_ms(1)
    jump_us = min(jump_us, min(left_ms, 500000) * 1000)
    _skipped_us += jump_us
    if _skipped_us >= _HALF_US:
        _skipped_us -= 2 * _HALF_US
    _rest_us += jump_us
    _skipped_ms += _rest_us // 1000
    _shared.skipped_ms += _rest_us // 1000
    _rest_us %= 1000
    machine.fire_due()


def sleep_us(duration_us):
    end = _ticks_add(ticks_us(), duration_us)
    while True:
        left_us = time.ticks_diff(end, ticks_us())
        if left_us <= 0:
            return
        jump(max(1, min(left_us, machine.next_due_us())))


def sleep_ms(duration_ms):
    while duration_ms > 100000:
        sleep_us(100000000)
        duration_ms -= 100000
    sleep_us(duration_ms * 1000)


_real_sleep_ms = time.sleep_ms
time.ticks_us = ticks_us
time.ticks_ms = ticks_ms
time.sleep_us = sleep_us
time.sleep_ms = sleep_ms
time.sleep = lambda seconds: sleep_ms(int(seconds * 1000))

import asyncio
import asyncio.core as core

_Flag = asyncio.ThreadSafeFlag
_wait_really = core.IOQueue.wait_io_event


def _wait(queue, wait_ms):
    """Takes the place of IOQueue.wait_io_event: -1 is until a task is ready."""
    while True:
        peer = False  # does a task wait for a socket?
        ready = wait_ms == 0
        for entry in queue.map.values():
            if not isinstance(entry[2], _Flag):
                peer = True
            elif entry[2].state:
                ready = True
        if ready and queue.map:  # polling a flag takes a real millisecond, so not in vain
            _wait_really(queue, 0)
        if not ready:
            _skip(queue, wait_ms, peer)
        if wait_ms >= 0 or core._task_queue.peek():
            return


def _skip(queue, wait_ms, peer):
    """Jumps to what is due next, unless a peer answers first."""
    global _owed_ms
    jump_us = max(0, machine.next_due_us())
    if wait_ms >= 0:
        jump_us = min(jump_us, min(wait_ms, 500000) * 1000)
    if peer:
        _owed_ms += jump_us // 1000 + 1
        if _owed_ms >= _FASTEST:
            first = core._task_queue.peek()
            _wait_really(queue, _owed_ms // _FASTEST)
            _owed_ms = 0
            if core._task_queue.peek() is not first:
                return
    jump(jump_us)


core.IOQueue.wait_io_event = _wait
