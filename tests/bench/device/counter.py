"""`counter`: numbers its readings from 0, so that each one can be looked for in the cloud."""

from array import array

from microserver.robot.resource import FastSource, Sensor


class Counter(Sensor):
    """Readings {"n": int}; `kind` "fast": from the timer's callback, "text": with a string."""

    ATTRIBUTES = "kind:str=plain"

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._kind = attributes["kind"]
        self._count = 0

    def fast_source(self, method, params):
        if self._kind != "fast":
            return None
        count = array("i", (0,))

        def sample_into(view):
            number = count[0]
            count[0] = number + 1
            view[0] = number & 255
            view[1] = number >> 8 & 255
            view[2] = number >> 16

        return FastSource("<I", ((("readings", "n"), 1, 0),), sample_into)

    def readings(self):
        number = self._count
        self._count = number + 1
        if self._kind == "text":
            return {"n": number, "note": "reading " + "." * (number % 40)}
        return {"n": number}


MODEL = Counter
