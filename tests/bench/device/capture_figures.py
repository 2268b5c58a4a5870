"""Runs on MicroPython: what the capture side costs, as one JSON object on the last line."""

import gc
import json
import time

import micropython

from capture_parts import Machine, Ticks
from microserver.capture import builder
from microserver.capture.clock import Clock
from microserver.capture.flash_pool import FlashPool
from microserver.capture.ring import Ring
from microserver.capture.service import CaptureService
from microserver.capture.simple_source import SimpleSource
from microserver.health.diagnostics import stored_bytes
from microserver.robot.resource import FastSource
from nor_flash import NorFlash

_10_HZ = 10000000


class Simple:
    """Gives so many float values, each time other ones."""

    def __init__(self, values):
        self._values = values
        self._count = 0

    def read(self):
        self._count += 1
        return {"v%d" % n: self._count / 8 + n for n in range(self._values)}


def fast_source():
    def sample_into(view):
        for at in range(6):
            view[at] = at

    fields = [(("angular_velocity", axis), 0.0076, 0) for axis in "xyz"]
    return FastSource(">hhh", fields, sample_into)


def simple_bytes(values, count=200):
    """Bytes that a stored reading of so many floats takes."""
    ticks = Ticks()
    clock = Clock(ticks.ticks_us, time.ticks_diff)
    ring = Ring(16000, 16000)
    source = SimpleSource(Simple(values).read, None)
    collector = builder.collector("bench", _10_HZ, source, ring, Machine(clock))
    for _ in range(count):
        ticks.move(100000)
        clock.advance()
        collector.capture()
        collector.read()
    return ring.used() / count


def fast_run(ring, count):
    """`count` samples at 10 Hz by the service's own tick; bytes that they allocated."""
    ticks = Ticks()
    clock = Clock(ticks.ticks_us, time.ticks_diff)
    service = CaptureService(clock, None, None)
    collector = builder.collector("bench", _10_HZ, fast_source(), ring, service)
    service.add(collector)
    tick = service.tick
    allocated = 0
    for _ in range(count):
        ring.service()
        gc.collect()
        before = gc.mem_alloc()
        micropython.heap_lock()  # an allocation would raise MemoryError
        tick(None)
        micropython.heap_unlock()
        allocated += gc.mem_alloc() - before
        ticks.move(100000)
    return collector, allocated


def erases_per_kb(drained):
    """Erases per stored kB over 30,000 records in a 64 kB cache, drained in time or never."""
    flash = NorFlash(32)
    ring = Ring(64000, 1024, FlashPool(flash))
    source_ticks = Ticks()
    clock = Clock(source_ticks.ticks_us, time.ticks_diff)
    service = CaptureService(clock, None, None)
    collector = builder.collector("bench", _10_HZ, fast_source(), ring, service)
    service.add(collector)
    for index in range(30000):
        service.tick(None)
        source_ticks.move(100000)
        if index % 10 == 0:
            ring.service()
        if drained and index % 30 == 29:  # every three seconds
            drain(ring, collector)
    return sum(flash.erases) * 1000 / stored_bytes(ring)


def drain(ring, collector):
    from microserver.capture.batch import Batch

    batch = Batch(ring, collector.schemas, (1795000000, 0))
    for _ in batch.parts(bytearray(512)):
        pass
    ring.ack(batch.end)


def main():
    collector, allocated = fast_run(Ring(4000, 4000), 100)
    print(
        json.dumps(
            {
                "bytes_1": simple_bytes(1),
                "bytes_3": simple_bytes(3),
                "bytes_3_fast": collector.ring.used() / collector.captured,
                "allocated": allocated,
                "erases": erases_per_kb(False),
                "erases_drained": erases_per_kb(True),
            }
        )
    )


main()
