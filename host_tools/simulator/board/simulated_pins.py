"""Pin and ADC of the classic ESP32.  Inputs come from the simulated world."""

import simulated_world
from micropython import const

_INPUT_ONLY = const(34)  # pins 34 to 39
_FIRST_ANALOG = const(32)
_PINS = b"\x3f\xf6\xef\x0e\xff"  # bit n: pin n exists on an ESP32 with its flash on 6, 7, 8, 11
_FULL_SCALE_MV = (950, 1250, 1750, 2450)  # of each attenuation

_levels = bytearray(40)
_modes = bytearray(40)


class Pin:
    """One GPIO; all objects of a number share its level and mode.  ValueError: no such pin."""

    IN, OUT, OPEN_DRAIN = 1, 3, 7
    PULL_DOWN, PULL_UP = 1, 2
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, number, mode=0, pull=None, value=None):
        if not (0 <= number < 40 and _PINS[number >> 3] >> (number & 7) & 1):
            raise ValueError("invalid pin")
        self.number = number
        self.init(mode, pull, value=value)

    def init(self, mode=0, pull=None, value=None):
        if mode in (3, 7) and self.number >= _INPUT_ONLY:
            raise ValueError("pin can only be input")
        if mode:
            _modes[self.number] = mode
        if value is not None:
            self.value(value)

    def value(self, level=None):
        number = self.number
        if level is not None:
            _levels[number] = 1 if level else 0
        elif _modes[number] in (3, 7):
            return _levels[number]
        elif number < 32:
            word = simulated_world.now()[simulated_world.LEVELS + (number >> 4)]
            return word >> (number & 15) & 1
        else:
            return 0

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def __str__(self):
        return "Pin(%d)" % self.number


class ADC:
    """ADC1: pins 32 to 39."""

    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3

    def __init__(self, pin, atten=0):
        number = pin if isinstance(pin, int) else pin.number
        if not _FIRST_ANALOG <= number < 40:
            raise ValueError("invalid pin")
        self._channel = simulated_world.MILLIVOLTS + number - _FIRST_ANALOG
        self.atten(atten)

    def atten(self, attenuation):
        self._full_scale_mv = _FULL_SCALE_MV[attenuation]

    def _millivolts(self):
        return max(0, min(self._full_scale_mv, simulated_world.now()[self._channel]))

    def read_uv(self):
        return self._millivolts() * 1000

    def read_u16(self):
        return self._millivolts() * 65535 // self._full_scale_mv

    def read(self):
        return self.read_u16() >> 4
