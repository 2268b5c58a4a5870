"""The composition root: builds every object, starts the tasks and supervises them."""

import asyncio
import gc
import os
import sys
import time

from micropython import const

from microserver.capture.clock import Clock
from microserver.device import chip, storage
from microserver.device.hardware import Hardware
from microserver.health.log import Log
from microserver.robot.robot import Robot

_RESTART_TASK_MS = const(5000)
_COLLECT_EVERY = const(4096)  # bytes; collecting only when full scatters what stays: fragments
LOCAL_CONFIG = "robot.json"
CLOUD_CONFIG = "robot_config.bin"  # a ConfigResponse as the cloud sent it
VERSION = "0.1.0"


class App:
    """One machine.  `run` returns after `stop` or Ctrl-C; `diagnostics` tells how it stands."""

    def __init__(self):
        gc.threshold(_COLLECT_EVERY)
        self.clock = Clock(time.ticks_us, time.ticks_diff)
        self.log = Log(self.clock)
        self.pool = self.capture = None
        self.hardware = Hardware()
        self.robot = Robot(self.hardware, self.log)
        self.session = self.uploader = None
        self.task_failures = 0
        self._settings = {}
        self._manager = None
        self._stopping = asyncio.ThreadSafeFlag()
        self._restarting = False
        self._tasks = []

    def run(self):
        """Capture and sync until told to stop; then restart the board if the cloud wants it."""
        self.log.info("app", "micro server %s, started by %s" % (VERSION, chip.reset_cause()))
        asyncio.run(self._main())
        if self._restarting:
            chip.reset()

    def stop(self, _timer=None):
        """Ask for a clean end: capture stops, a last sync is tried.  Safe in a callback."""
        self._stopping.set()

    async def _main(self):
        """Each step's modules leave the heap before the next ones enter it, so the order matters.

        The robot is always built from a file, at the start and with nothing else in the heap: a
        new config from the cloud is stored, and applied by a restart.
        """
        self._settings = self._read("settings.json") or {}
        load = self._config_loader()
        if load:
            self._configure(load)
        self._start_network(None if storage.exists(LOCAL_CONFIG) else CLOUD_CONFIG)
        await self._stopping.wait()
        await self._finish()

    def _config_loader(self):
        """What gives the config document: a local file goes before the cloud's last one."""
        if storage.exists(LOCAL_CONFIG):
            return lambda: self._read(LOCAL_CONFIG)
        return _cached_config if storage.exists(CLOUD_CONFIG) else None

    def _read(self, name):
        try:
            return storage.read_json(name)
        except ValueError as error:
            self.log.error("app", str(error))
            return None

    # The robot: what it is made of and what is captured from it.

    def _configure(self, load):
        try:
            parsed = _parsed(load)
        except ValueError as error:  # WireError is one
            self.log.error("config", "unreadable: %s" % error)
            return
        for problem in parsed.problems:
            self._report(*problem)
        self.robot.configure(parsed)
        _forget("robot.builder", "robot.registry", "robot.attributes")
        self._manager = parsed.data_manager
        if self._manager and not self._manager.capture_disabled:
            self._start_capture(parsed.components)

    def _report(self, path, message, severity):
        level = self.log.error if severity == "error" else self.log.info
        level("config", "%s: %s" % (path, message))

    def _start_capture(self, components):
        from microserver.capture.service import CaptureService

        self.pool = _flash_pool()
        self.capture = CaptureService(self.clock, chip.capture_timer(), self.pool, self.log)
        self.capture.build(components, self.robot.resources)
        self.capture.start()
        self.log.info("capture", "%d collectors" % len(self.capture.collectors))
        self._start("capture", self.capture.run)

    # The network: nothing of it is needed to capture.

    def _start_network(self, config_file):
        if "wifi" in self._settings:
            from microserver.device.wifi import Wifi

            self._start("wifi", Wifi(self._settings["wifi"], self.log).run)
        self._start("time", self._time_keeper().run)
        credentials = (self._read("viam.json") or {}).get("cloud")
        if credentials:
            self._open_session(credentials)
            self._start_sync()
            link = self._cloud_link(config_file)
            self._start("cloud", lambda: link.run(self._restart))
        elif config_file:
            self.log.error("app", "neither viam.json nor robot.json: nothing to do")

    def _time_keeper(self):
        from microserver.cloud.time_keeper import TimeKeeper
        from microserver.device import sntp

        host = self._settings.get("ntp_host", "pool.ntp.org")
        port = self._settings.get("ntp_port", 123)
        return TimeKeeper(sntp.ask, host, port, self.clock, self.log)

    def _open_session(self, credentials):
        from microserver.cloud.session import Session

        open_channel = _channel_opener(credentials["app_address"])
        part_id, secret = credentials["id"], credentials["secret"]
        self.session = Session(part_id, secret, open_channel, self.clock, self.log)

    def _cloud_link(self, config_file):
        from microserver.cloud.link import CloudLink

        return CloudLink(self.session, self.log, self.clock, storage, config_file)

    def _restart(self, reason):
        self.log.info("app", "restarting after a last sync: " + reason)
        self._restarting = True
        self.stop()

    def _start_sync(self):
        manager = self._manager
        if not self.capture or manager.sync_disabled:
            return
        from microserver.sync.outbox import Outbox
        from microserver.sync.uploader import Uploader

        boot_id = os.urandom(6).hex()
        metadata = self._metadata(manager.tags)
        outboxes = [Outbox(c, metadata[c.name], boot_id) for c in self.capture.collectors]
        self.uploader = Uploader(self.session, outboxes, self.clock, self.log)
        self._start("sync", lambda: self.uploader.run(manager.sync_interval_ms))

    def _metadata(self, tags):
        """The encoded metadata of each collector's uploads, by the collector's name."""
        from microserver.sync import metadata

        part_id = self.session.part_id
        encoded = {c.name: metadata.encode(part_id, c, tags) for c in self.capture.collectors}
        _forget("sync.metadata", "wire.messages.data_sync")
        return encoded

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
        if self.capture:
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


def _cached_config():
    """The last config that the cloud gave."""
    from microserver.wire import protobuf
    from microserver.wire.messages import app_robot

    content = storage.read_bytes(CLOUD_CONFIG)
    config = protobuf.decode(app_robot.CONFIG_RESPONSE, content).get("config", {})
    _forget("wire.messages.app_robot")
    return config


def _parsed(load):
    from microserver.robot import config

    parsed = config.parse(load())
    _forget("robot.config")
    return parsed


def _forget(*names):
    """Give back the heap of modules that were needed only once; an import loads them again.

    The caller's own reference to such a module must end with the function that used it.
    """
    for name in names:
        parent, _, leaf = ("microserver." + name).rpartition(".")
        if sys.modules.pop("microserver." + name, None):
            delattr(sys.modules[parent], leaf)
