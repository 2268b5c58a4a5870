"""Runs on MicroPython: one call of the real session to HOST PORT, and what became of it as JSON.

Arguments: PORT CALLS; prints one JSON object per call.
"""

import asyncio
import json
import sys
import time

from microserver.cloud.http2_channel import opener
from microserver.cloud.session import ChannelBroken, Session
from microserver.device import tcp
from microserver.wire.grpc import GrpcError

_MESSAGE = bytes(range(256)) * 12


class Clock:
    seconds = 0
    wall = (1, 0)

    def advance(self):
        self.seconds += 100  # no backoff between the calls of a test


class Silent:
    def info(self, logger, message):
        pass


def parts():
    view = memoryview(_MESSAGE)
    for start in range(0, len(view), 500):
        yield view[start : start + 500]


async def main(port, calls):
    open_channel = opener(tcp.open_stream, "127.0.0.1", port)
    session = Session("part", "secret", open_channel, Clock(), Silent(), timeout_ms=2000)
    session._token = "a-token"  # the cloud of the test need not know how to log in
    for _ in range(calls):
        print(json.dumps(await outcome(session)))
    session.close()


async def outcome(session):
    started = time.ticks_ms()
    try:
        answer = await session.call("/test.Service/Method", len(_MESSAGE), parts())
        result = {"answer": len(answer)}
    except ChannelBroken as error:
        result = {"broken": str(error), "ambiguous": error.ambiguous}
    except GrpcError as error:
        result = {"status": error.status, "message": error.message}
    result["ms"] = time.ticks_diff(time.ticks_ms(), started)
    return result


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
