"""Capture in the timer callback: not one byte is allocated, whatever the ring has to do."""

import time

import micropython

from capture_parts import Machine, Ticks
from microserver.capture import builder
from microserver.capture.clock import Clock
from microserver.capture.flash_pool import FlashPool
from microserver.capture.ring import Ring
from microserver.capture.service import CaptureService
from microserver.capture.simple_source import SimpleSource
from microserver.health.diagnostics import collector_account, dropped, stored_bytes
from microserver.robot.resource import FastSource
from nor_flash import NorFlash


def sensor():
    state = bytearray(1)

    def sample_into(view):
        state[0] = state[0] + 1 & 0x7F
        for at in range(6):
            view[at] = state[0]

    fields = [(("angular_velocity", axis), 0.0076, 0) for axis in "xyz"]
    return FastSource(">hhh", fields, sample_into)


def locked_ticks(cap, ram, pool, ticks_count, frequency_uhz=100000000, step_us=10000):
    """Runs so many ticks with a locked heap, and the ring's service between them without."""
    ticks = Ticks()
    clock = Clock(ticks.ticks_us, time.ticks_diff)
    service = CaptureService(clock, None, None)
    ring = Ring(cap, ram, pool)
    collector = builder.collector("imu:AngularVelocity", frequency_uhz, sensor(), ring, service)
    service.add(collector)
    tick = service.tick
    for _ in range(ticks_count):
        micropython.heap_lock()
        try:
            tick(None)
        finally:
            micropython.heap_unlock()
        ticks.move(step_us)
        ring.service()
    return collector


def test_appending_allocates_nothing():
    collector = locked_ticks(4000, 4000, None, 200)
    assert (collector.captured, collector.failed, collector.ring.records()) == (200, 0, 200)
    assert stored_bytes(collector.ring) == 200 * 13


def test_dropping_from_a_full_ring_in_ram_allocates_nothing():
    collector = locked_ticks(500, 500, None, 400)
    assert collector.captured == 400 and dropped(collector.ring) > 300


def test_dropping_from_a_full_ring_in_flash_allocates_nothing():
    collector = locked_ticks(6000, 512, FlashPool(NorFlash(6)), 2000)
    ring = collector.ring
    assert collector.captured == 2000 and ring.spilled > 1000 and dropped(ring) > 1000
    assert ring.records() + dropped(ring) == 2000


def test_waking_a_simple_collector_allocates_nothing():
    ticks = Ticks()
    service = Machine(Clock(ticks.ticks_us, time.ticks_diff))
    source = SimpleSource(lambda: {"t": 1.5}, None)
    collector = builder.collector("a:b", 1000000, source, Ring(500, 500), service)
    for _ in range(3):
        micropython.heap_lock()
        try:
            collector.capture()
            collector.capture()
        finally:
            micropython.heap_unlock()
        collector.read()
    assert (collector.captured, collector.missed, collector.failed) == (3, 3, 0)


def test_late_ticks_and_long_periods_allocate_nothing():
    collector = locked_ticks(4000, 4000, None, 200, 50000000, 3000007)
    assert collector.captured == 200 and collector.missed == 199 * 149


def test_a_failing_sensor_is_counted():
    ticks = Ticks()
    clock = Clock(ticks.ticks_us, time.ticks_diff)

    def broken(view):
        raise OSError(116)

    source = FastSource("<H", ((("value",), 1, 0),), broken)
    service = Machine(clock)
    collector = builder.collector("a:b", 1000000, source, Ring(500, 500), service)
    collector.capture()
    assert (collector.failed, collector.captured) == (1, 0)
    assert "116" in collector_account(collector)["last_error"]
