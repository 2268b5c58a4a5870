"""The task that reads the simple collectors: one that waits holds up no other one."""

import asyncio

from capture_parts import Ticks
from microserver.capture.clock import Clock
from microserver.capture.collector import SimpleCollector
from microserver.capture.ring import Ring
from microserver.capture.service import CaptureService, grid_of
from microserver.capture.simple_source import SimpleSource


class Answers:
    def __init__(self, answers):
        self._answers = answers

    def next(self):
        answer = self._answers.pop(0)
        return answer() if callable(answer) else answer


def same(result):
    return result


class Timer:
    def init(self, **_):
        pass

    def deinit(self):
        pass


def test_a_sensor_that_waits_holds_up_no_other_one():
    async def waiting():
        await asyncio.sleep(0.01)
        return {"late": 1.5}

    async def run():
        ticks = Ticks()
        service = CaptureService(Clock(ticks.ticks_us, ticks.ticks_diff), Timer(), None)
        for answers in ([waiting, waiting], [{"t": 1.5}, {"t": 2.5}]):
            source = SimpleSource(Answers(answers).next, same)
            service.add(SimpleCollector("a:b", grid_of(10000000), source, Ring(500, 500), service))
        service.start()
        slow, quick = service.collectors
        for _ in range(2):
            service.tick(None)
            ticks.move(100000)
            await asyncio.sleep(0.002)
        assert (quick.captured, slow.captured, slow.missed) == (2, 0, 1)
        await asyncio.sleep(0.05)
        assert (slow.captured, slow.failed) == (1, 0)
        service.tick(None)
        await asyncio.sleep(0.002)
        service.stop()
        await asyncio.sleep(0.02)
        assert slow.captured == 1, "nothing is captured after stop"

    asyncio.run(run())
