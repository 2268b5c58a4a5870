"""Tells the clock the time of day by SNTP, with its fraction; then corrects it every hour."""

import asyncio

from micropython import const

_RETRY_MS = const(5000)
_AGAIN_MS = const(3600000)


class TimeKeeper:
    """`ask(host, port)` is `device.sntp.ask`.  Until SNTP answers, `Session` may know the time."""

    def __init__(self, ask, host, port, clock, log):
        self._ask = ask
        self._host = host
        self._port = port
        self._clock = clock
        self._log = log
        self._known = False

    async def run(self):
        while True:
            await asyncio.sleep_ms(_AGAIN_MS if await self._set() else _RETRY_MS)

    async def _set(self):
        try:
            seconds, micros, round_trip_us = await self._ask(self._host, self._port)
        except OSError as error:
            if not self._known and not self._clock.wall:
                self._log.warning("time", "no answer from %s: %s" % (self._host, error))
            return False
        self._clock.set_wall_now(seconds, micros)
        if not self._known:
            self._known = True
            self._log.info("time", "set by SNTP, within %d ms" % (round_trip_us // 2000 + 1))
        return True
