"""What the simulated sensors feel, read from the file that the simulate command prepared.

One frame of 18 little-endian int16: acceleration x y z (0.1 mg), rotation x y z (0.01 deg/s),
temperature (0.01 degrees Celsius), Wi-Fi signal (dBm, 0: no network), millivolts at pins 32 to 39,
then 32 levels of the input pins.  The file starts with the frame period in ms and the number of
frames; the series repeats.  Reading allocates nothing, so that it may happen in a timer callback.
"""

import os
import struct
import time
from array import array

from micropython import const

SIGNAL, MILLIVOLTS, LEVELS, TEMPERATURE = 7, 8, 16, 6

_FRAME_SIZE = const(36)
_HEADER_SIZE = const(8)
_STILL = (0, 0, 10000, 0, 0, 0, 2500, -55, 750, 750, 750, 750, 750, 750, 750, 750, 0, 0)

frame = array("h", _STILL)
_name = os.getenv("SIMULATED_WORLD")
_file = open(_name, "rb") if _name else None
_period_ms, _frames = struct.unpack("<II", _file.read(_HEADER_SIZE)) if _file else (1, 1)
_started_ms = time.ticks_ms()


def now():
    """The frame of this moment, in a buffer that the next call overwrites."""
    if _file:
        elapsed_ms = time.ticks_diff(time.ticks_ms(), _started_ms)
        _file.seek(_HEADER_SIZE + elapsed_ms // _period_ms % _frames * _FRAME_SIZE)
        _file.readinto(frame)
    return frame
