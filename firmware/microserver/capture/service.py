"""Builds a collector for each capture method of the config and looks after their rings."""

import asyncio

from micropython import const

from microserver.capture.collector import FastCollector, SimpleCollector
from microserver.capture.methods import source_for
from microserver.capture.ring import Ring
from microserver.capture.schedule import Schedule
from microserver.robot.resource import ConfigError

_RAM_FOR_RINGS = const(6144)  # heads of all rings together; the rest of each cache is in flash
_SMALLEST_HEAD = const(512)
_SERVICE_MS = const(50)


class CaptureService:
    """`collectors` is the list of what is captured; the timer drives them from `start` on."""

    def __init__(self, clock, timer, pool, log):
        self._clock = clock
        self._timer = timer
        self._pool = pool
        self._log = log
        self._schedule = Schedule(clock)
        self.collectors = []
        self._tasks = []  # of the slow sensors

    def build(self, components, resources):
        """One collector per capture method; a bad one is reported and left out.

        `components`: those of a RobotConfig; `resources`: resource by name.
        """
        wanted = [
            (component, capture)
            for component in components
            for capture in component.captures
            if component.name in resources and not capture.disabled
        ]
        head = max(_SMALLEST_HEAD, _RAM_FOR_RINGS // max(1, len(wanted)))
        for component, capture in wanted:
            try:
                self._add(component, capture, resources[component.name], head)
            except ConfigError as error:
                self._log.error("capture", "%s %s: %s" % (component.name, capture.method, error))

    def _add(self, component, capture, resource, head):
        source = source_for(resource, capture.method, capture.params)
        cap = capture.cache_bytes
        ring = Ring(cap, min(cap, head), self._pool)
        kind = FastCollector if source.fast else SimpleCollector
        collector = kind(component, capture, source, ring, self._clock, self._report)
        self.collectors.append(collector)
        self._schedule.add(collector)

    def _report(self, name, message):
        self._log.error("capture", "%s: %s" % (name, message))

    def start(self):
        """Begin to capture: the timer ticks, and the slow sensors' tasks run."""
        self._tasks = [
            asyncio.create_task(collector.run())
            for collector in self.collectors
            if not collector.source.fast
        ]
        if self.collectors:
            self._timer.init(
                period=self._schedule.tick_period_us(),
                tick_hz=1000000,
                callback=self._schedule.tick,
            )

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
