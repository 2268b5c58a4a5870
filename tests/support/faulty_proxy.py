"""A TCP proxy that follows a fault plan: cuts connections after a random number of bytes."""

import asyncio
import contextlib
import random
import threading


class FaultyProxy:
    """Forwards to `target` until the seed's plan says otherwise; `cuts` counts what it cut.

    Every connection is cut after a number of bytes, in one direction, drawn from the seed, until
    `faults` of them have been cut; later ones live.  With `up`, that is the number of bytes from
    the device after which a connection is cut.
    """

    def __init__(
        self,
        target: tuple[str, int],
        seed: int,
        faults: int,
        most: int = 6000,
        up: int | None = None,
        port: int = 0,
    ) -> None:
        self._target = target
        self._up = up
        self._random = random.Random(seed)
        self._faults = faults
        self._most = most
        self.cuts = 0
        self.bytes_up = 0  # from the device to the target
        self.port = port  # 0: any free one

    def __enter__(self) -> "FaultyProxy":
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(asyncio.CancelledError):  # at the end of the proxy
            await self._forward(reader, writer)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        budgets = [1 << 60, 1 << 60]
        if self.cuts < self._faults:
            direction, most = self._random.randrange(2), self._random.randrange(1, self._most)
            budgets[direction if self._up is None else 0] = self._up or most
        try:
            to_cloud, from_cloud = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        pumps = [
            asyncio.create_task(self._pump(reader, from_cloud, budgets[0], True)),
            asyncio.create_task(self._pump(to_cloud, writer, budgets[1], False)),
        ]
        done, waiting = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        self.cuts += any(task.result() for task in done)
        for task in waiting:
            task.cancel()
        from_cloud.transport.abort()
        writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: int, up: bool
    ) -> bool:
        """Copy until the end, or until `budget` bytes have passed: True then."""
        with contextlib.suppress(OSError):
            while budget:
                data = await reader.read(min(4096, budget))
                if not data:
                    return False
                budget -= len(data)
                if up:
                    self.bytes_up += len(data)
                writer.write(data)
                await writer.drain()
            return True
        return False
