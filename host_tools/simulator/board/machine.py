"""The chip as `machine` shows it: soft timers here, the other peripherals in files of their own.

Timers are real: SIGALRM's handler, called through `ffi`, asks the interpreter's scheduler for a
walk over what is due; callbacks run between bytecodes and in every wait, as on the ESP32.  The
walk sets the next alarm: one that came while the scheduler holds its mutex would lock up the
interpreter.
"""

import os
import time
from array import array

import ffi
import micropython
from micropython import const

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5

_SIGALRM = const(14)
_EXIT_RESET = const(42)  # the simulate command starts the interpreter again
_SHORTEST_US = const(100)
_QUEUE_LENGTH = const(8)
_QUEUE_FULL_US = const(1000)
_SOON_US = const(20)
_LONGEST_US = const(500000000)  # ticks_us() cannot compare more than 2**29
_LAZY = {
    "Pin": "simulated_pins",
    "ADC": "simulated_pins",
    "PWM": "simulated_pwm",
    "I2C": "simulated_i2c",
    "SoftI2C": "simulated_i2c",
    "RTC": "simulated_rtc",
}

_libc = ffi.open("libc.so.6")
_setitimer = _libc.func("i", "setitimer", "ipp")
_alarm = array("i", (0, 0, 0, 0))  # struct itimerval: no interval, then seconds and microseconds
_timers = []


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(name)
    value = globals()[name] = getattr(__import__(_LAZY[name]), name)
    return value


def fire_due(_signal=0):
    """Asks for a walk over the timers.  Signal handler: allocates nothing."""
    try:
        micropython.schedule(_walk, None)
    except RuntimeError:
        _set_alarm(_QUEUE_FULL_US)


def _walk(_):
    try:
        for timer in _timers:
            timer.run_due()
    finally:
        _set_alarm(max(_SOON_US, next_due_us()))


def _set_alarm(wait_us):
    _alarm[2] = wait_us // 1000000
    _alarm[3] = wait_us % 1000000
    _setitimer(0, _alarm, None)


def next_due_us():
    """Microseconds until the next timer is due, `_LONGEST_US` if none is armed."""
    now = time.ticks_us()
    nearest = _LONGEST_US
    for timer in _timers:
        if timer.period_us:
            nearest = min(nearest, time.ticks_diff(timer.due, now))
    return nearest


class Timer:
    """As on the ESP32: four of them, soft callbacks; the scheduler's queue may overflow."""

    ONE_SHOT, PERIODIC = 0, 1

    def __new__(cls, number, **options):
        for timer in _timers:
            if timer.number == number:
                return timer
        return super().__new__(cls)

    def __init__(self, number, **options):
        if not 0 <= number <= 3:
            raise ValueError("invalid Timer number")
        self.number = number
        if self not in _timers:
            self.period_us = self.due = 0
            _timers.append(self)
        if options:
            self.init(**options)

    def init(self, mode=PERIODIC, callback=None, period=0, tick_hz=1000, freq=0):
        """Starts the timer; `period` counts ticks of `tick_hz`."""
        self.period_us = 0
        period_us = int(1000000 / freq) if freq else period * 1000000 // tick_hz
        if not _SHORTEST_US <= period_us <= _LONGEST_US:
            raise ValueError("a simulated timer's period is 100 us to 500 s")
        self.callback = callback
        self.mode = mode
        self.due = time.ticks_add(time.ticks_us(), period_us)
        self.period_us = period_us
        _set_alarm(max(_SOON_US, next_due_us()))

    def run_due(self):
        """Calls back for every tick since the last walk, but no more than the chip queues."""
        ticks = 0
        while self.period_us and time.ticks_diff(self.due, time.ticks_us()) <= 0:
            self.due = time.ticks_add(self.due, self.period_us)
            ticks += 1
            if self.mode == 0:
                self.period_us = 0
        for _ in range(min(ticks, _QUEUE_LENGTH)):  # the chip loses the others silently, too
            self.callback(self)

    def deinit(self):
        self.period_us = 0


def reset():
    """Restarts the board at once: nothing is cleaned up, as on the chip."""
    _libc.func("v", "_exit", "i")(_EXIT_RESET)


def reset_cause():
    return int(os.getenv("SIMULATED_RESET_CAUSE") or PWRON_RESET)


def unique_id():
    return b"\x02simul"


def freq():
    return 160000000


def stop_timers():
    """The firmware has ended: nothing may call into it any more."""
    for timer in _timers:
        timer.deinit()
    _set_alarm(0)


_handler = ffi.callback("v", fire_due, "i", lock=True)
_libc.func("p", "signal", "iC")(_SIGALRM, _handler)
