"""`esp32`: the board's pins, analog readers and I2C buses, made when first asked for."""

from microserver.robot.resource import Board, ConfigError, FastSource, level, millivolts


class Esp32Board(Board):
    """Attributes as in the documents; pin numbers may be strings.

    A bad analog reader or bus disables what uses it, not the board.
    """

    ATTRIBUTES = {
        "": "pins:int[](0..48) analogs:object[] i2cs:object[] digital_interrupts:-",
        "analogs": "name:str! pin:int!(0..48)",
        # The anchor's default pins 11 and 6 are those of the flash chip, and 1 MHz is more than
        # most sensors take: these defaults work.
        "i2cs": "name:str! bus:str=i2c0 data_pin:int=21(0..48) clock_pin:int=22(0..48)"
        " baudrate_hz:int=400000(1000..1000000) timeout_ns:int=0(0..1000000000)",
    }

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._hardware = hardware
        self._attributes = attributes

    def _entry(self, kind, name):
        for entry in self._attributes[kind]:
            if entry["name"] == name:
                return entry
        raise ConfigError('board "%s" has no "%s" in its %s' % (self.name, name, kind))

    def analog(self, name):
        """A machine.ADC; two users of one name share it."""
        entry = self._entry("analogs", name)
        if "made" not in entry:
            entry["made"] = self._hardware.adc(entry["pin"])
        return entry["made"]

    def i2c(self, name):
        """A machine.I2C; all chips of one bus share it."""
        entry = self._entry("i2cs", name)
        if "made" not in entry:
            if entry["bus"] not in ("i2c0", "i2c1"):
                raise ConfigError('bus must be "i2c0" or "i2c1", not "%s"' % entry["bus"])
            entry["made"] = self._hardware.i2c(
                int(entry["bus"][3]),
                entry["data_pin"],
                entry["clock_pin"],
                entry["baudrate_hz"],
                entry["timeout_ns"] // 1000,
            )
        return entry["made"]

    def pin(self, name):
        """A machine.Pin as input, of those given in "pins"; the name is its number."""
        number = int(name) if str(name).isdigit() else -1
        if number not in self._attributes["pins"]:
            raise ConfigError('board "%s" has no "%s" in its pins' % (self.name, name))
        return self._hardware.pin(number)

    def fast_source(self, method, params):
        """Analogs (`reader_name`) in millivolts, and Gpios (`pin_name`): both are fast."""
        if method == "Gpios":
            sample_into = level(self.pin(params["pin_name"]).value)
            return FastSource("<B", ((("high",), None, 0),), sample_into)
        sample_into = millivolts(self.analog(params["reader_name"]).read_uv)
        # The range is the one that Espressif calibrates at 11 dB.
        constants = (("min_range",), 0), (("max_range",), 2450), (("step_size",), 1)
        return FastSource("<H", ((("value",), 1, 0),), sample_into, constants)


MODEL = Esp32Board
