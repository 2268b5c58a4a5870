"""`network.WLAN` of a station; whether there is a network, and how strong, the world says."""

import time

import simulated_world
from micropython import const

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP, STAT_NO_AP_FOUND = 1000, 1001, 1010, 201

_JOIN_MS = const(300)

_active = False
_joined_at = None


class WLAN:
    """The station; every object is the same one."""

    def __init__(self, interface=STA_IF):
        self._interface = interface

    def active(self, on=None):
        global _active
        if on is not None:
            _active = bool(on)
        return _active

    def connect(self, ssid=None, key=None):
        global _joined_at
        if not _active:
            raise OSError("Wifi Not Started")
        _joined_at = time.ticks_add(time.ticks_ms(), _JOIN_MS)

    def disconnect(self):
        global _joined_at
        _joined_at = None

    def isconnected(self):
        return self.status() == STAT_GOT_IP

    def status(self, what=None):
        signal = simulated_world.now()[simulated_world.SIGNAL]
        if what == "rssi":
            return signal or -100
        if _joined_at is None:
            return STAT_IDLE
        if not signal:
            return STAT_NO_AP_FOUND
        joined = time.ticks_diff(time.ticks_ms(), _joined_at) >= 0
        return STAT_GOT_IP if joined else STAT_CONNECTING

    def ifconfig(self):
        address = "127.0.0.1" if self.isconnected() else "0.0.0.0"
        return (address, "255.0.0.0", address, address)

    def config(self, *_names, **_values):
        return None
