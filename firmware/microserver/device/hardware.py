"""The chip's pins, converters and buses as models see them: their only way to `machine`."""

import gc

import machine


class Hardware:
    """Hands out machine objects; what this chip cannot do is a ValueError that says what."""

    def pin(self, number):
        """machine.Pin as input."""
        return self._make("pin %d" % number, machine.Pin, number, machine.Pin.IN)

    def adc(self, number):
        """machine.ADC of the pin at 11 dB (0 to about 2450 mV); use `.read_uv()`."""
        what = "analog input on pin %d" % number
        pin = self._make(what, machine.Pin, number)
        return self._make(what, machine.ADC, pin, atten=machine.ADC.ATTN_11DB)

    def i2c(self, bus, data_pin, clock_pin, baudrate_hz, timeout_us):
        """machine.I2C number `bus` (0, 1); timeout 0 = the port's own default of 50 ms."""
        return self._make(
            "I2C bus %d on pins %d and %d" % (bus, data_pin, clock_pin),
            machine.I2C,
            bus,
            sda=machine.Pin(data_pin),
            scl=machine.Pin(clock_pin),
            freq=baudrate_hz,
            timeout=timeout_us or 50000,
        )

    def _make(self, what, cls, *arguments, **options):
        try:
            return cls(*arguments, **options)
        except (ValueError, OSError) as error:
            raise ValueError("this chip has no %s: %s" % (what, error))

    free_heap = staticmethod(gc.mem_free)
    """Bytes, garbage not collected first: cheap enough for any rate.  It keeps nothing of ours."""

    def rssi(self):
        """dBm of the access point; OSError while not connected."""
        import network  # a board without Wi-Fi has no such module

        return network.WLAN(network.STA_IF).status("rssi")
