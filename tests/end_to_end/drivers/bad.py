"""`bad`: a sensor that misbehaves as its attribute `how` says."""

import asyncio

from microserver.robot.resource import FastSource, Sensor


class Bad(Sensor):
    """Counts its readings, so that some of them differ from each other."""

    ATTRIBUTES = "how:str!"

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._how = attributes["how"]
        self._count = 0
        if self._how == "no start":
            raise RuntimeError("does not even start")

    def fast_source(self, method, params):
        if self._how == "no source":
            raise RuntimeError("has no source")
        if self._how == "breaks":
            return FastSource("<H", ((("readings", "n"), 1, 0),), self._breaks)

    def readings(self):
        self._count += 1
        if self._count == 30:
            print("bad sensor: 30 readings of", self._how)
        return getattr(self, "_" + self._how)()

    def _raises(self):
        raise OSError("broken wire")

    def _breaks(self, view):
        self._count += 1
        if self._count > 20:
            raise OSError(5)
        view[0] = self._count

    async def _hangs(self):
        await asyncio.Event().wait()

    def _none(self):
        return None

    def _nan(self):
        return {"n": float("nan")}

    def _partly(self):
        return {"n": self._count, "broken": float("inf")}

    def _keys(self):
        return {"key%d" % self._count: self._count}

    def _long(self):
        return {"text": "x" * 5000}

    def _kind(self):
        return {"n": object()}


MODEL = Bad
