"""Builds what the App runs, step by step; leaves the heap when all of it stands.

Nothing that stays may be a function, a lambda or a class of this module: see `app.forget`.
"""

import os

from microserver.device import storage

LOCAL_CONFIG = "robot.json"
CLOUD_CONFIG = "robot_config.bin"  # a ConfigResponse as the cloud sent it


def build(app, forget):
    """Everything that starts before the first wait, in the order that leaves the most heap.

    The robot is always built from a file, first: a new config from the cloud is stored, and
    applied by a restart.  Capture runs before anything of the network is loaded.
    """
    settings = _read(app, "settings.json") or {}
    local = storage.exists(LOCAL_CONFIG)
    manager = None
    if local or storage.exists(CLOUD_CONFIG):
        manager = _build_robot(app, forget, local)
    if "wifi" in settings:
        _keep_wifi(app, settings["wifi"])
    host = settings.get("ntp_host", "pool.ntp.org")
    app.start("time", app.keep_time, host, settings.get("ntp_port", 123))
    credentials = (_read(app, "viam.json") or {}).get("cloud")
    if credentials:
        _build_cloud(app, forget, credentials, manager, local)
    elif not local:
        app.log.error("app", "neither viam.json nor robot.json: nothing to do")


def _read(app, name):
    try:
        return storage.read_json(name)
    except ValueError as error:
        app.log.error("app", str(error))
        return None


# The robot, and what is captured from it.


def _build_robot(app, forget, local):
    """The DataManagerConfig, or None."""
    try:
        parsed = _parsed(app, forget, local)
    except ValueError as error:  # WireError is one
        app.log.error("config", "unreadable: %s" % error)
        return None
    for path, message, severity in parsed.problems:
        say = app.log.error if severity == "error" else app.log.info
        say("config", "%s: %s" % (path, message))
    _build_components(app, parsed)
    forget("robot.builder", "robot.registry", "robot.attributes")
    manager = parsed.data_manager
    if manager and not manager.capture_disabled:
        _build_capture(app, parsed.components)
    _release(app, forget)
    return manager


def _build_components(app, parsed):
    from microserver.device.hardware import Hardware
    from microserver.robot.robot import Robot

    app.robot = Robot(Hardware(), app.log)
    app.robot.configure(parsed)


def _release(app, forget):
    from microserver.robot import release

    release.release(app.robot)
    forget("robot.release", "capture.builder", "capture.methods", "device.chip", "device.hardware")


def _parsed(app, forget, local):
    from microserver.robot import config

    parsed = config.parse(_read(app, LOCAL_CONFIG) if local else _cloud_config(forget))
    forget("robot.config")
    return parsed


def _cloud_config(forget):
    """The last config that the cloud gave."""
    from microserver.wire import protobuf
    from microserver.wire.messages import app_robot

    content = storage.read_bytes(CLOUD_CONFIG)
    config = protobuf.decode(app_robot.CONFIG_RESPONSE, content).get("config", {})
    forget("wire.messages.app_robot")
    return config


def _build_capture(app, components):
    from microserver.capture import builder
    from microserver.capture.service import CaptureService
    from microserver.device import chip

    app.pool = _flash_pool()
    app.capture = CaptureService(app.clock, chip.capture_timer(), app.log)
    builder.build(app.capture, components, app.robot.resources, app.pool)
    app.capture.start()
    app.log.info("capture", "%d collectors" % len(app.capture.collectors))
    app.start("capture", app.capture.run)


def _flash_pool():
    from microserver.capture.flash_pool import FlashPool
    from microserver.device import partition

    sectors = partition.find_capture_partition()
    if sectors is None:
        from microserver.capture.file_sectors import FileSectors

        sectors = FileSectors(os, open)
    return FlashPool(sectors)


# The network: nothing of it is needed to capture.


def _keep_wifi(app, networks):
    from microserver.device.wifi import keep_connected

    app.start("wifi", keep_connected, networks, app.log)


def _build_cloud(app, forget, credentials, manager, local):
    from microserver.cloud.link import CloudLink
    from microserver.cloud.session import Session

    app.session = Session(
        credentials["id"],
        credentials["secret"],
        _opener(forget, credentials["app_address"]),
        app.clock,
        app.log,
        forget,
    )
    if app.capture and not manager.sync_disabled:
        _build_sync(app, forget, manager)
    config_file = None if local else CLOUD_CONFIG
    link = CloudLink(app.session, app.log, app.clock, storage, config_file, forget)
    app.start("cloud", link.run, app.restart)


def _build_sync(app, forget, manager):
    from microserver.sync.uploader import Outbox, Uploader

    boot_id = os.urandom(6).hex()
    metadata = _metadata(app, forget, manager.tags)
    outboxes = [Outbox(c, metadata[c.name], boot_id) for c in app.capture.collectors]
    app.uploader = Uploader(app.session, outboxes, app.clock, app.log)
    app.start("sync", app.uploader.run, manager.sync_interval_ms)


def _metadata(app, forget, tags):
    """The encoded metadata of each collector's uploads, by the collector's name."""
    from microserver.sync import metadata

    part_id = app.session.part_id
    encoded = {c.name: metadata.encode(part_id, c, tags) for c in app.capture.collectors}
    forget("sync.metadata", "wire.messages.data_sync")
    return encoded


def _opener(forget, app_address):
    """A coroutine function that connects: gRPC-Web for https, HTTP/2 in cleartext for grpc."""
    from microserver.cloud import address
    from microserver.device import tcp

    secure, host, port = address.parse(app_address)
    forget("cloud.address")
    if secure:
        from microserver.cloud import grpc_web_channel
        from microserver.device import trust

        context = trust.verifying_context(storage.read_bytes("ca.pem"))
        return grpc_web_channel.opener(tcp.open_stream, host, port, context)
    from microserver.cloud import http2_channel

    return http2_channel.opener(tcp.open_stream, host, port)
