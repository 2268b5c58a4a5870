"""Hardware for model tests: the register arrays of real chips behind machine.I2C's own methods."""


class FakeAdc:
    def __init__(self, microvolts):
        self.microvolts = microvolts

    def read_uv(self):
        return self.microvolts


class FakePin:
    def __init__(self):
        self.level = 0

    def value(self):
        return self.level


class FakeI2c:
    """`chips`: address -> bytearray of registers; another address does not answer."""

    def __init__(self):
        self.chips = {}

    def _registers(self, address):
        if address not in self.chips:
            raise OSError(19)
        return self.chips[address]

    def readfrom_mem(self, address, register, count):
        return bytes(self._registers(address)[register : register + count])

    def readfrom_mem_into(self, address, register, view):
        registers = self._registers(address)
        for index in range(len(view)):
            view[index] = registers[register + index]

    def writeto_mem(self, address, register, data):
        self._registers(address)[register : register + len(data)] = data


class FakeHardware:
    def __init__(self):
        self.bus = FakeI2c()
        self.buses_made = []
        self.adcs = {}
        self.pins = {}

    def pin(self, number):
        return self.pins.setdefault(number, FakePin())

    def adc(self, number):
        return self.adcs.setdefault(number, FakeAdc(0))

    def i2c(self, bus, data_pin, clock_pin, baudrate_hz, timeout_us):
        self.buses_made.append((bus, data_pin, clock_pin, baudrate_hz, timeout_us))
        return self.bus

    def free_heap(self):
        return 71234

    def rssi(self):
        return -61


class Lines:
    """Stands in for health.log.Log: keeps (level, logger, message)."""

    def __init__(self):
        self.lines = []

    def warning(self, logger, message):
        self.lines.append(("warning", logger, message))

    def error(self, logger, message):
        self.lines.append(("error", logger, message))
