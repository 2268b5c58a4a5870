"""Keeps the board on one of its Wi-Fi networks; capture never waits for it."""

import asyncio

import network
from micropython import const

_CONNECT_TIMEOUT_MS = const(15000)
_POLL_MS = const(500)


async def keep_connected(networks, log):
    """Connect, and again whenever the link is lost, for ever.

    `networks`: list of {"ssid", "password"} in order of preference.
    """
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    while True:
        for credentials in networks:
            waited_ms = 0
            if not wlan.isconnected():
                wlan.disconnect()
                wlan.connect(credentials["ssid"], credentials.get("password", ""))
                while not wlan.isconnected() and waited_ms < _CONNECT_TIMEOUT_MS:
                    await asyncio.sleep_ms(_POLL_MS)
                    waited_ms += _POLL_MS
                log.info("wifi", "%s: status %s" % (credentials["ssid"], wlan.status()))
            while wlan.isconnected():
                await asyncio.sleep_ms(_POLL_MS)
        await asyncio.sleep_ms(_POLL_MS)
