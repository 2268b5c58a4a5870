"""Runs the collectors: the timer drives them, and their rings are looked after."""

import asyncio

from micropython import const

from microserver.capture.schedule import Schedule

_SERVICE_MS = const(50)


class CaptureService:
    """`collectors` is the list of what is captured; the timer drives them from `start` on."""

    def __init__(self, clock, timer, log):
        self.clock = clock
        self._timer = timer
        self._log = log
        self._schedule = Schedule(clock)
        self.collectors = []
        self._tasks = []  # of the slow sensors

    def add(self, collector):
        """Before `start`."""
        self.collectors.append(collector)
        self._schedule.add(collector)

    def report(self, name, message):
        """What a collector, or its building, has to say."""
        self._log.error("capture", "%s: %s" % (name, message))

    def start(self):
        """Begin to capture: the timer ticks, and the slow sensors' tasks run."""
        for collector in self.collectors:
            if not collector.source.fast:
                self._tasks.append(asyncio.create_task(collector.run()))
        if self.collectors:
            period_us = self._schedule.tick_period_us()
            self._timer.init(period=period_us, tick_hz=1000000, callback=self._schedule.tick)

    def stop(self):
        """No more captures; what the rings hold stays."""
        self._timer.deinit()
        for task in self._tasks:
            task.cancel()

    async def run(self):
        """Move data between RAM and flash, outside of any callback."""
        while True:
            for collector in self.collectors:
                collector.ring.service()
            await asyncio.sleep_ms(_SERVICE_MS)
