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


async def rounds():
    """Lets every task run that can."""
    for _ in range(20):
        await asyncio.sleep_ms(0)


async def run():
    gate = asyncio.Event()

    async def waiting():
        await gate.wait()
        return {"late": 1.5}

    ticks = Ticks()
    service = CaptureService(Clock(ticks.ticks_us, ticks.ticks_diff), Timer(), None)
    for answers in ([waiting, waiting], [{"t": 1.5}, {"t": 2.5}, {"t": 3.5}]):
        source = SimpleSource(Answers(answers).next, same)
        service.add(SimpleCollector("a:b", grid_of(10000000), source, Ring(500, 500), service))
    service.start()
    slow, quick = service.collectors
    for _ in range(2):
        service.tick(None)
        ticks.move(100000)
        await rounds()
    assert (quick.captured, slow.captured, slow.missed) == (2, 0, 1)
    gate.set()
    await rounds()
    assert (slow.captured, slow.failed) == (1, 0)
    gate.clear()
    service.tick(None)
    await rounds()
    service.stop()
    gate.set()
    await rounds()
    assert slow.captured == 1, "nothing is captured after stop"


def test_a_sensor_that_waits_holds_up_no_other_one_and_stop_ends_it():
    asyncio.run(run())
