"""Capture in the timer callback: not one byte is allocated, whatever the ring has to do."""

import time

import micropython

from capture_parts import Ticks
from microserver.capture.clock import Clock
from microserver.capture.collector import FastCollector
from microserver.capture.flash_pool import FlashPool
from microserver.capture.ring import Ring
from microserver.capture.schedule import Schedule
from microserver.robot.resource import FastSource
from nor_flash import NorFlash


class Component:
    name = "imu"
    api = "rdk:component:movement_sensor"


class Capture:
    method = "AngularVelocity"
    params = {}
    tags = ()

    def __init__(self, frequency_uhz):
        self.frequency_uhz = frequency_uhz


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
    schedule = Schedule(clock)
    ring = Ring(cap, ram, pool)
    collector = FastCollector(Component, Capture(frequency_uhz), sensor(), ring, clock, print)
    schedule.add(collector)
    tick = schedule.tick
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
    assert collector.ring.stored_bytes() == 200 * 13


def test_dropping_from_a_full_ring_in_ram_allocates_nothing():
    collector = locked_ticks(500, 500, None, 400)
    assert collector.captured == 400 and collector.ring.dropped() > 300


def test_dropping_from_a_full_ring_in_flash_allocates_nothing():
    collector = locked_ticks(6000, 512, FlashPool(NorFlash(6)), 2000)
    ring = collector.ring
    assert collector.captured == 2000 and ring.spilled > 1000 and ring.dropped() > 1000
    assert ring.records() + ring.dropped() == 2000


def test_late_ticks_and_long_periods_allocate_nothing():
    collector = locked_ticks(4000, 4000, None, 200, 50000000, 3000007)
    assert collector.captured == 200 and collector.missed == 199 * 149


def test_a_failing_sensor_is_counted():
    ticks = Ticks()
    clock = Clock(ticks.ticks_us, time.ticks_diff)

    def broken(view):
        raise OSError(116)

    source = FastSource("<H", ((("value",), 1, 0),), broken)
    collector = FastCollector(Component, Capture(1000000), source, Ring(500, 500), clock, print)
    collector.capture()
    assert (collector.failed, collector.captured) == (1, 0)
    assert "116" in collector.stats()["last_error"]
