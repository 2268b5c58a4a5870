"""`tmp36`: an analog temperature sensor; 500 mV at 0 degrees, 10 mV per degree (data sheet)."""

from microserver.robot.resource import Sensor, board_of


class Tmp36(Sensor):
    """Readings {"temperature_celsius": float, two decimals}: the mean of `num_readings` samples of
    the board's analog reader `analog_reader`."""

    ATTRIBUTES = "analog_reader:str! num_readings:int=15(1..100)"

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        board = board_of(dependencies, "analog_reader")
        self._read_uv = board.analog(attributes["analog_reader"]).read_uv
        self._count = attributes["num_readings"]

    def readings(self):
        total = 0
        for _ in range(self._count):
            total += self._read_uv()
        hundredths = (total // self._count - 500000 + 50) // 100
        return {"temperature_celsius": hundredths / 100}


MODEL = Tmp36
