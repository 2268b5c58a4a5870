"""`wifi-rssi`: how strong the board hears its Wi-Fi."""

from microserver.robot.resource import Sensor


class WifiRssi(Sensor):
    """Readings {"rssi": dBm}; no attributes.  OSError (a failed reading) while not connected."""

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._rssi = hardware.rssi

    def readings(self):
        return {"rssi": self._rssi()}


MODEL = WifiRssi
