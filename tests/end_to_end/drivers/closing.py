"""`closing`: numbers its readings, and says at its end how many there were."""

from microserver.robot.resource import Sensor


class Closing(Sensor):
    """Readings {"n": int, "boot": int}: `boot` tells one start from the next."""

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        import os

        self._boot = os.urandom(2)[0] << 8 | os.urandom(1)[0]
        self._count = 0

    def readings(self):
        number = self._count
        self._count = number + 1
        if number == 200:
            print("200 readings of boot", self._boot)
        return {"n": number, "boot": self._boot}

    def close(self):
        print("closing after %d readings of boot %d" % (self._count, self._boot))


MODEL = Closing
