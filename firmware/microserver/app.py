"""The composition root: starts what assembly_*.py build, supervises it, and ends it cleanly."""

import asyncio
import gc
import sys
import time

from micropython import const

from microserver.capture.clock import Clock
from microserver.device import storage
from microserver.health.heap import forget
from microserver.health.log import Log

_RESTART_TASK_MS = const(5000)
_LAST_SYNCS = const(6)
_COLLECT_EVERY = const(4096)  # bytes; collecting only when full scatters what stays: fragments
# The first reading of a sensor lays out its upload, which takes room: before the network has it.
_FIRST_READINGS_MS = const(50)
_SNTP_RETRY_MS = const(10000)
_SNTP_AGAIN_MS = const(3600000)
LOCAL_CONFIG = "robot.json"  # goes before the cloud's config
VERSION = "0.1.0"


class App:
    """One machine.  `run` returns after `stop` or Ctrl-C; `diagnostics` tells how it stands."""

    CLOUD_CONFIG = "robot_config.bin"  # a ConfigResponse as the cloud sent it

    def __init__(self):
        gc.threshold(_COLLECT_EVERY)
        self.clock = Clock(time.ticks_us, time.ticks_diff)
        self.log = Log(self.clock)
        self.robot = self.pool = self.capture = self.session = self.uploader = None
        self.sync_enabled = False
        self.revision = None  # of the cloud's config that this board runs
        self.task_failures = 0
        self._stopping = asyncio.ThreadSafeFlag()
        self._restarting = False
        self._tasks = []

    def run(self):
        """Capture and sync until told to stop; then restart the board if the cloud wants it."""
        asyncio.run(self._main())
        if self._restarting:
            from microserver.device import chip

            chip.reset()

    def stop(self):
        """Ask for a clean end: capture stops, a last sync is tried.  Safe in a callback."""
        self._stopping.set()

    def restart(self, reason, wants_sync=None):
        """Ask for a clean end and a restart; a new config may switch the last sync on or off."""
        if wants_sync is not None:
            self.sync_enabled = wants_sync
        self.log.info("app", "restarting after a last sync: " + reason)
        self._restarting = True
        self.stop()

    async def _main(self):
        local = LOCAL_CONFIG if storage.exists(LOCAL_CONFIG) else None
        manager = None
        if local or storage.exists(self.CLOUD_CONFIG):
            manager = _build_robot(self, local)
            forget("assembly_robot")
            await asyncio.sleep_ms(_FIRST_READINGS_MS)
        _build_network(self, manager, local)
        forget("assembly_network")
        await self._stopping.wait()
        await self._finish()

    def read_json(self, name):
        """The file's content, or None: a file that cannot be read is reported."""
        try:
            return storage.read_json(name)
        except (ValueError, MemoryError) as error:
            self.log.error("app", "%s: %s" % (name, error))
            return None

    def start(self, name, run, *arguments):
        """Run a task for ever, supervised; `run` is a coroutine function."""
        self._tasks.append(asyncio.create_task(self._supervise(name, run, arguments)))

    async def _supervise(self, name, run, arguments):
        """What a task did not expect is logged, counted, and the task starts again."""
        while True:
            try:
                return await run(*arguments)
            except Exception as error:  # the supervisor: one broken task never ends the others
                self.task_failures += 1
                self.log.error("app", "%s failed: %r, again in 5 s" % (name, error))
                sys.print_exception(error)
            await asyncio.sleep_ms(_RESTART_TASK_MS)

    async def keep_time(self, host, port):
        """Set the clock by SNTP, and correct it every hour."""
        while True:
            known = await _ask_time(self.clock, self.log, host, port)
            forget("device.sntp")
            await asyncio.sleep_ms(_SNTP_AGAIN_MS if known else _SNTP_RETRY_MS)

    async def _finish(self):
        if self.capture:
            self.capture.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.sleep_ms(0)
        if self.uploader and self.sync_enabled and self.clock.wall:
            tries = _LAST_SYNCS
            while await self.uploader.sync(True) and self._restarting and tries:
                tries -= 1  # what is not sent now is lost by the restart
                await asyncio.sleep_ms(_RESTART_TASK_MS)
        if self.session:
            self.session.close()
        if self.robot:
            self.robot.close()

    def diagnostics(self):
        """How this board stands, as one dict: see health/diagnostics.py."""
        from microserver.health import diagnostics

        return diagnostics.snapshot(self)


def _build_robot(app, local):
    from microserver import assembly_robot

    return assembly_robot.build(app, local)


def _build_network(app, manager, local):
    from microserver import assembly_network

    settings = app.read_json("settings.json") or {}
    assembly_network.build(app, settings, manager, local)


async def _ask_time(clock, log, host, port):
    from microserver.device import sntp

    return await sntp.set_clock(clock, log, host, port)
