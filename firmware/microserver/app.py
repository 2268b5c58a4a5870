"""The composition root: builds every object, starts the tasks and supervises them."""

import asyncio
import os
import sys
import time

from micropython import const

from microserver.capture.clock import Clock
from microserver.capture.service import CaptureService
from microserver.device import chip, storage
from microserver.device.hardware import Hardware
from microserver.health.log import Log
from microserver.robot.robot import Robot

_RESTART_TASK_MS = const(5000)
VERSION = "0.1.0"


class App:
    """One machine.  `run` returns after `stop` or Ctrl-C; `diagnostics` tells how it stands."""

    def __init__(self):
        self.clock = Clock(time.ticks_us, time.ticks_diff)
        self.log = Log(self.clock)
        self.pool = _flash_pool()
        self.hardware = Hardware()
        self.robot = Robot(self.hardware, self.log)
        self.capture = CaptureService(self.clock, chip.capture_timer(), self.pool, self.log)
        self.session = self.uploader = None
        self.task_failures = 0
        self._settings = {}
        self._configured = False
        self._stopping = asyncio.ThreadSafeFlag()
        self._restart = False
        self._tasks = []

    def run(self):
        """Capture and sync until told to stop; then restart the board if the cloud wants it."""
        self.log.info("app", "micro server %s, started by %s" % (VERSION, chip.reset_cause()))
        asyncio.run(self._main())
        if self._restart:
            chip.reset()

    def stop(self, _timer=None):
        """Ask for a clean end: capture stops, a last sync is tried.  Safe in a callback."""
        self._stopping.set()

    async def _main(self):
        self._settings = self._read("settings.json") or {}
        credentials = (self._read("viam.json") or {}).get("cloud")
        local = self._read("robot.json")
        config_source = self._connect(credentials) if credentials else None
        if local:
            self._configure(local)
        elif config_source:
            self._configure_from_flash(config_source)
        else:
            self.log.error("app", "no viam.json and no robot.json: nothing to do")
        self._start_network(config_source, local)
        self._start("capture", self.capture.run)
        await self._stopping.wait()
        await self._finish()

    def _read(self, name):
        try:
            return storage.read_json(name)
        except ValueError as error:
            self.log.error("app", str(error))
            return None

    # The cloud side: built only for a board that has credentials.

    def _connect(self, credentials):
        from microserver.cloud.config_source import ConfigSource
        from microserver.cloud.session import Session

        self.session = Session(
            credentials["id"],
            credentials["secret"],
            _channel_opener(credentials["app_address"]),
            self.clock,
            self.log,
        )
        agent_info = {"host": "esp32", "os": "micropython", "version": VERSION}
        return ConfigSource(self.session, storage, agent_info)

    def _configure_from_flash(self, config_source):
        """Capture with the last known config at once; the cloud is asked later."""
        config = config_source.cached()
        if config:
            self.log.info("config", "from flash, until the cloud answers")
            self._configure(config)

    def _start_network(self, config_source, local):
        if "wifi" in self._settings:
            from microserver.device.wifi import Wifi

            self._start("wifi", Wifi(self._settings["wifi"], self.log).run)
        self._start("time", self._time_keeper().run)
        if config_source:
            fetch = None if local else config_source.fetch
            link = self._cloud_link()
            self._start("cloud", lambda: link.run(fetch, self._on_config, self._on_restart))

    def _time_keeper(self):
        from microserver.cloud.time_keeper import TimeKeeper
        from microserver.device import sntp

        host = self._settings.get("ntp_host", "pool.ntp.org")
        port = self._settings.get("ntp_port", 123)
        return TimeKeeper(sntp.ask, host, port, self.clock, self.log)

    def _cloud_link(self):
        from microserver.cloud.link import CloudLink
        from microserver.cloud.log_sink import LogSink
        from microserver.cloud.restart_monitor import RestartMonitor

        log_sink = LogSink(self.session, self.log, self.clock, "esp32")
        return CloudLink(log_sink, RestartMonitor(self.session), self.log)

    def _on_config(self, config, changed):
        _forget("microserver.wire.messages.app_robot")
        if not self._configured:
            self._configure(config)
        elif changed:
            self.log.info("config", "a new revision: restarting after a last sync")
            self._on_restart()

    def _on_restart(self):
        self._restart = True
        self.stop()

    # The robot: what it is made of, what is captured from it, and how that is sent.

    def _configure(self, document):
        from microserver.robot import config

        self._configured = True
        parsed = config.parse(document)
        _forget("microserver.robot.config")
        for problem in parsed.problems:
            self._report(*problem)
        self.robot.configure(parsed)
        manager = parsed.data_manager
        if manager and not manager.capture_disabled:
            self.capture.build(parsed, self.robot.resources)
            self.capture.start()
            self.log.info("capture", "%d collectors" % len(self.capture.collectors))
        if manager and self.session and not manager.sync_disabled:
            self._start_sync(manager)

    def _report(self, path, message, severity):
        level = self.log.error if severity == "error" else self.log.info
        level("config", "%s: %s" % (path, message))

    def _start_sync(self, manager):
        from microserver.sync import metadata
        from microserver.sync.outbox import Outbox
        from microserver.sync.uploader import Uploader

        boot_id = os.urandom(6).hex()
        outboxes = [
            Outbox(
                collector,
                metadata.encode(self.session.part_id, collector, manager.tags),
                boot_id,
            )
            for collector in self.capture.collectors
        ]
        _forget("microserver.sync.metadata")
        self.uploader = Uploader(self.session, outboxes, self.clock, self.log)
        interval_ms = manager.sync_interval_ms
        self._start("sync", lambda: self.uploader.run(interval_ms))

    # Tasks.

    def _start(self, name, run):
        self._tasks.append(asyncio.create_task(self._supervise(name, run)))

    async def _supervise(self, name, run):
        """Run a task for ever: what it did not expect is logged, counted, and it starts again."""
        while True:
            try:
                return await run()
            except Exception as error:  # the supervisor: one broken task never ends the others
                self.task_failures += 1
                self.log.error("app", "%s failed: %r, again in 5 s" % (name, error))
                sys.print_exception(error)
            await asyncio.sleep_ms(_RESTART_TASK_MS)

    async def _finish(self):
        self.capture.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.sleep_ms(0)
        if self.uploader and self.clock.wall:
            await self.uploader.sync(final=True)
        if self.session:
            self.session.close()
        self.robot.close()

    def diagnostics(self):
        """Everything there is to know about this board, as one dict (see health/diagnostics.py)."""
        from microserver.health import diagnostics

        return diagnostics.snapshot(self)


def _flash_pool():
    from microserver.capture.flash_pool import FlashPool
    from microserver.device import partition

    sectors = partition.find_capture_partition()
    if sectors is None:
        from microserver.capture.file_sectors import FileSectors

        sectors = FileSectors(os, open)
    return FlashPool(sectors)


def _channel_opener(app_address):
    """A coroutine function that connects: gRPC-Web for https, HTTP/2 in cleartext for grpc."""
    from microserver.cloud import address

    secure, host, port = address.parse(app_address)
    authority = "%s:%d" % (host, port)

    async def open_web():
        from microserver.cloud.grpc_web_channel import GrpcWebChannel
        from microserver.device import tcp

        authority_file = storage.read_bytes("ca.pem")
        context = tcp.verifying_context(authority_file)
        return GrpcWebChannel(await tcp.open_stream(host, port, context), authority)

    async def open_http2():
        from microserver.cloud.http2_channel import Http2Channel
        from microserver.device import tcp

        return Http2Channel(await tcp.open_stream(host, port), "http", authority)

    return open_web if secure else open_http2


def _forget(name):
    """Give back the heap of a module that was needed only once; a later import loads it again."""
    parent, _, leaf = name.rpartition(".")
    if sys.modules.pop(name, None):
        delattr(sys.modules[parent], leaf)
