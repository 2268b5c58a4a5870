"""The chip itself: its timer, its reset, and why it last restarted."""

import machine
from micropython import const

_CAPTURE_TIMER = const(0)  # the one hardware timer that every ESP32 variant has
_RESET_CAUSES = ("unknown", "power on", "reset", "watchdog", "deep sleep", "soft reset")


def capture_timer():
    """The timer that drives all collectors."""
    return machine.Timer(_CAPTURE_TIMER)


def reset_cause():
    """Why the chip last restarted, in words."""
    cause = machine.reset_cause()
    return _RESET_CAUSES[cause] if cause < len(_RESET_CAUSES) else str(cause)


def reset():
    """Restart the board; does not return."""
    machine.reset()
