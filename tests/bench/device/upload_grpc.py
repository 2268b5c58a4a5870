"""Runs on MicroPython: takes COUNT readings of two values and uploads them by the real uploader.

Arguments: PORT PART_ID SECRET COUNT UPLOAD.  With UPLOAD 0 it takes them, connects and logs in.
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
from microserver.sync import metadata
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


def forget(*names):
    pass


_ticks = 0


def ticks_us():
    global _ticks
    _ticks += 50000
    return _ticks & 0x3FFFFFFF


def ticks_diff(end, start):
    return (end - start + 0x20000000 & 0x3FFFFFFF) - 0x20000000


async def main(port, part_id, secret, count, upload):
    clock = Clock(ticks_us, ticks_diff)
    clock.set_wall_now(1795000000, 0)
    ring = Ring(20000, 20000)
    source = SimpleSource(Weather().read, None)
    collector = SimpleCollector("weather:Readings", None, source, ring, Service(clock))
    collector.origin = "rdk:component:sensor", "weather", "Readings", {}, ()
    for _ in range(count):
        clock.advance()
        collector.capture()
        collector.read()
    open_channel = opener(tcp.open_stream, "127.0.0.1", port)
    session = Session(part_id, secret, open_channel, clock, Silent(), forget)
    outbox = Outbox(collector, metadata.encode(part_id, collector, ()), "bench%d" % count)
    who = b"\x0a" + bytes([len(part_id)]) + part_id.encode()  # NeedsRestartRequest { id }
    await session.send("/viam.app.v1.RobotService/NeedsRestart", who)
    if upload:
        await Uploader(session, [outbox], clock, Silent()).sync()
    session.close()
    print("uploaded", outbox.uploaded, "dropped", ring.refused + ring.overwritten)


_port, _part_id, _secret, _count, _upload = sys.argv[1:]
asyncio.run(main(int(_port), _part_id, _secret, int(_count), int(_upload)))
