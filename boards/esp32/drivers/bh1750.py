"""`bh1750`: ROHM BH1750FVI, how bright it is.  Explained in firmware/docs/writing_a_driver.md."""

import asyncio

from microserver.robot.resource import Sensor, board_of

_ONE_TIME_HIGH_RESOLUTION = b"\x20"  # measures once, then the chip goes back to sleep
_MEASURING_SECONDS = 0.18  # the longest that the data sheet allows


class Bh1750(Sensor):
    """Readings {"lux": float}: the mean of `samples` measurements."""

    ATTRIBUTES = "i2c_bus:str! address:int=35(1..127) samples:int=1(1..10)"

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._bus = board_of(dependencies, "i2c_bus").i2c(attributes["i2c_bus"])
        self._address = attributes["address"]
        self._samples = attributes["samples"]

    async def readings(self):
        total = 0
        for _ in range(self._samples):
            self._bus.writeto(self._address, _ONE_TIME_HIGH_RESOLUTION)
            await asyncio.sleep(_MEASURING_SECONDS)
            high, low = self._bus.readfrom(self._address, 2)
            total += high << 8 | low
        return {"lux": total / self._samples / 1.2}  # 1.2 counts per lux (data sheet)


MODEL = Bh1750
