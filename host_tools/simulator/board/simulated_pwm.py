"""`machine.PWM`: remembers what it was told."""


class PWM:
    """One channel; ValueError for a frequency that the chip has not."""

    def __init__(self, pin, freq=5000, duty_u16=0):
        self.pin = pin
        self.freq(freq)
        self.duty_u16(duty_u16)

    def freq(self, hertz=None):
        if hertz is None:
            return self._freq
        if not 1 <= hertz <= 40000000:
            raise ValueError("freq must be from 1Hz to 40MHz")
        self._freq = hertz

    def duty_u16(self, duty=None):
        if duty is None:
            return self._duty
        self._duty = max(0, min(65535, duty))

    def deinit(self):
        self._duty = 0
