"""`esp32`: the board's pins, analog readers and I2C buses, made when first asked for."""

import struct

from microserver.robot.resource import Board, ConfigError, FastSource


class Esp32Board(Board):
    """Attributes as in the documents; pin numbers may be strings.

    A bad analog reader or bus disables what uses it, not the board.
    """

    ATTRIBUTES = {
        "": "pins:int[](0..48) analogs:object[] digital_interrupts:object[] i2cs:object[]",
        "analogs": "name:str! pin:int!(0..48)",
        "digital_interrupts": "pin:int!(0..48) name:~",
        # The anchor's default pins 11 and 6 are those of the flash chip, and 1 MHz is more than
        # most sensors take: these defaults work.
        "i2cs": "name:str! bus:str=i2c0 data_pin:int=21(0..48) clock_pin:int=22(0..48)"
        " baudrate_hz:int=400000(1000..1000000) timeout_ns:int=0(0..1000000000)",
    }

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._hardware = hardware
        self._attributes = attributes
        self._made = {}

    def analog(self, name):
        """An AnalogReader; two users of one name share it."""
        return self._once("analogs", name, self._make_analog)

    def i2c(self, name):
        """A machine.I2C; all chips of one bus share it."""
        return self._once("i2cs", name, self._make_bus)

    def pin(self, name):
        """A machine.Pin as input, of those given in "pins"; the name is its number."""
        number = int(name) if str(name).isdigit() else -1
        if number not in self._attributes["pins"]:
            raise ConfigError('board "%s" has no "%s" in its pins' % (self.name, name), "pin_name")
        return self._hardware.pin(number)

    def _once(self, kind, name, make):
        if (kind, name) not in self._made:
            for entry in self._attributes[kind]:
                if entry["name"] == name:
                    self._made[kind, name] = make(entry)
                    break
            else:
                raise ConfigError('board "%s" has no "%s" in its %s' % (self.name, name, kind))
        return self._made[kind, name]

    def _make_analog(self, entry):
        return AnalogReader(self._hardware.adc(entry["pin"]))

    def _make_bus(self, entry):
        bus = entry["bus"]
        if bus not in ("i2c0", "i2c1"):
            raise ConfigError('bus is "i2c0" or "i2c1", not "%s"' % bus, "i2cs")
        return self._hardware.i2c(
            int(bus[3]),
            entry["data_pin"],
            entry["clock_pin"],
            entry["baudrate_hz"],
            entry["timeout_ns"] // 1000,
        )

    def fast_source(self, method, params):
        """Analogs (`reader_name`) and Gpios (`pin_name`) are both fast."""
        if method == "Analogs":
            return self.analog(params["reader_name"]).source()
        value = self.pin(params["pin_name"]).value

        def sample_into(view):
            view[0] = value()

        return FastSource("<B", ((("high",), None, 0),), sample_into)


class AnalogReader:
    """Millivolts of one pin: integers from 0 up to the supply, calibrated by the chip to 2450."""

    def __init__(self, adc):
        self.read_uv = adc.read_uv

    def read(self):
        """Millivolts."""
        return self.read_uv() // 1000

    def sample_into(self, view):
        struct.pack_into("<H", view, 0, self.read_uv() // 1000)

    def source(self):
        """The payload of viam-server; the range is the one that Espressif calibrates at 11 dB."""
        constants = (("min_range",), 0), (("max_range",), 2450), (("step_size",), 1)
        return FastSource("<H", ((("value",), 1, 0),), self.sample_into, constants)


MODEL = Esp32Board
