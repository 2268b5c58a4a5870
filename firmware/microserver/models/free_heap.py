"""`free-heap`: how many bytes of memory are free on the board."""

from microserver.robot.resource import Sensor


class FreeHeap(Sensor):
    """Readings {"bytes": int}; no attributes."""

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._free_heap = hardware.free_heap

    def readings(self):
        return {"bytes": self._free_heap()}


MODEL = FreeHeap
