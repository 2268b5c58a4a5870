"""Keeps the board on one of its Wi-Fi networks; capture never waits for it."""

import asyncio

import network
from micropython import const

_CONNECT_TIMEOUT_MS = const(15000)
_POLL_MS = const(200)


class Wifi:
    """`networks`: list of {"ssid", "password"} in order of preference."""

    def __init__(self, networks, log):
        self._networks = networks
        self._log = log
        self._wlan = network.WLAN(network.STA_IF)
        self.reconnects = 0

    def connected(self):
        return self._wlan.isconnected()

    async def run(self):
        """Connect, and connect again whenever the link is lost."""
        self._wlan.active(True)
        while True:
            if not self._wlan.isconnected():
                await self._try_each()
            await asyncio.sleep_ms(1000)

    async def _try_each(self):
        for credentials in self._networks:
            ssid = credentials.get("ssid", "")
            if await self._join(ssid, credentials.get("password", "")):
                self.reconnects += 1
                self._log.info("wifi", "connected to %s as %s" % (ssid, self._wlan.ifconfig()[0]))
                return
            self._log.warning("wifi", "no connection to %s (status %d)" % (ssid, self._status()))

    def _status(self):
        status = self._wlan.status()
        return status if isinstance(status, int) else 0

    async def _join(self, ssid, password):
        self._wlan.disconnect()
        self._wlan.connect(ssid, password)
        for _ in range(_CONNECT_TIMEOUT_MS // _POLL_MS):
            if self._wlan.isconnected():
                return True
            await asyncio.sleep_ms(_POLL_MS)
        return False
