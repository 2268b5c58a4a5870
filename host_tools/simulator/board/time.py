"""The board's clock: seconds since 2000-01-01, counting from 0 at power-on until it is set."""

from micropython import const
from utime import *  # noqa: F403
from utime import gmtime as _unix_gmtime
from utime import mktime as _unix_mktime
from utime import ticks_ms as _ticks_ms

_UNIX_AT_2000 = const(946684800)

_boot_ms = _ticks_ms()
set_s = 0  # what machine.RTC was set to, as the seconds at boot


def time():
    """Whole seconds since 2000-01-01, or since power-on while the clock is not set."""
    return set_s + ticks_diff(ticks_ms(), _boot_ms) // 1000  # noqa: F405


def time_ns():
    return time() * 1000000000


def gmtime(seconds=None):
    return _unix_gmtime((time() if seconds is None else seconds) + _UNIX_AT_2000)


localtime = gmtime


def mktime(fields):
    return _unix_mktime(fields) - _UNIX_AT_2000
