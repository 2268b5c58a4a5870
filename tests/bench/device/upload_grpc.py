"""Runs on MicroPython: takes COUNT readings of two values and uploads them by the real uploader.

Arguments: PORT PART_ID SECRET COUNT UPLOAD FLASH.  With UPLOAD 0 it takes them, connects and
logs in; with FLASH 1 the ring is in files.
"""

import asyncio
import sys

from microserver.capture.clock import Clock
from microserver.capture.collector import SimpleCollector
from microserver.capture.ring import Ring
from microserver.capture.simple_source import SimpleSource
from microserver.cloud.http2_channel import opener
from microserver.cloud.session import Session
from microserver.device import tcp
from microserver.health.heap import forget
from microserver.sync.uploader import Outbox, Uploader


class Weather:
    count = 0

    def read(self):
        self.count += 1
        temperature = 20 + self.count % 700 / 100
        return {"temperature": temperature, "humidity": 40 + self.count % 333 / 10}


class Silent:
    def info(self, logger, message):
        pass

    def warning(self, logger, message):
        print(logger, message)


class Service:
    """What a collector asks of the CaptureService."""

    def __init__(self, clock):
        self.clock = clock
        self.due = self

    def set(self):
        pass


_ticks = 0


def ticks_us():
    global _ticks
    _ticks += 50000
    return _ticks & 0x3FFFFFFF


def ticks_diff(end, start):
    return (end - start + 0x20000000 & 0x3FFFFFFF) - 0x20000000


async def main(port, part_id, secret, count, upload, flash):
    clock = Clock(ticks_us, ticks_diff)
    clock.set_wall_now(1795000000, 0)
    ring = ring_in_flash() if flash else Ring(20000, 20000)
    source = SimpleSource(Weather().read, None)
    collector = SimpleCollector("weather:Readings", None, source, ring, Service(clock))
    collector.origin = "rdk:component:sensor", "weather", "Readings", {}, ()
    for _ in range(count):
        clock.advance()
        collector.capture()
        collector.read()
        ring.service()
    open_channel = opener(tcp.open_stream, "127.0.0.1", port)
    session = Session(part_id, secret, open_channel, clock, Silent())
    outbox = Outbox(collector, encoded_metadata(part_id, collector), "bench%d" % count)
    forget("sync.metadata", "wire.messages.data_sync", "wire.well_known")
    who = b"\x0a" + bytes([len(part_id)]) + part_id.encode()  # NeedsRestartRequest { id }
    await session.send("/viam.app.v1.RobotService/NeedsRestart", who)
    if upload:
        await Uploader(session, [outbox], clock, Silent()).sync()
    session.close()
    print("uploaded", outbox.uploaded, "dropped", ring.refused + ring.overwritten)


def encoded_metadata(part_id, collector):
    from microserver.sync import metadata

    return metadata.encode(part_id, collector, ())


def ring_in_flash():
    """As on a board: 1 kB of RAM, the rest in files of the folder that the script runs in."""
    import os

    from microserver.capture.file_sectors import FileSectors
    from microserver.capture.flash_pool import FlashPool

    return Ring(20000, 1024, FlashPool(FileSectors(os, open)))


_port, _part_id, _secret, _count, _upload, _flash = sys.argv[1:]
asyncio.run(main(int(_port), _part_id, _secret, int(_count), int(_upload), int(_flash)))
