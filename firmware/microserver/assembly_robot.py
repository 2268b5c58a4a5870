"""Builds the robot and its capture from the config; leaves the heap when they stand.

The robot is always built from a file, before anything of the network is loaded: a new config from
the cloud is stored, and applied by a restart.  Nothing that stays may be a function, a lambda or a
class of this module: see health/heap.py.
"""

import os

from microserver.device import storage
from microserver.health.heap import forget


def build(app, local):
    """The robot, from the `local` file or from the cloud's last config, and what captures from it.

    Returns the DataManagerConfig, or None.
    """
    try:
        parsed = _parsed(app, local)
    except (ValueError, MemoryError) as error:  # WireError is a ValueError
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
    _release(app)
    return manager


def _build_components(app, parsed):
    from microserver.device.hardware import Hardware
    from microserver.robot.robot import Robot

    app.robot = Robot(Hardware(), app.log)
    app.robot.configure(parsed)


def _release(app):
    from microserver.robot import release

    release.release(app.robot)
    forget(
        "robot.release",
        "capture.builder",
        "capture.methods",
        "capture.simple_source",
        "device.chip",
        "device.hardware",
    )


def _parsed(app, local):
    from microserver.robot import config

    parsed = config.parse(storage.read_json(local) if local else _cloud_config(app))
    forget("robot.config")
    return parsed


def _cloud_config(app):
    """The last config that the cloud gave."""
    from microserver.wire import protobuf
    from microserver.wire.messages import app_robot

    content = storage.read_bytes(app.CLOUD_CONFIG)
    config = protobuf.decode(app_robot.CONFIG_RESPONSE, content).get("config", {})
    forget("wire.messages.app_robot", "wire.well_known")
    app.revision = config.get("revision")
    return config


def _build_capture(app, components):
    from microserver.capture import builder
    from microserver.capture.service import CaptureService
    from microserver.device import chip

    app.pool = _flash_pool()
    app.capture = CaptureService(app.clock, chip.capture_timer(), app.log)
    builder.build(app.capture, components, app.robot.resources, app.pool)
    app.capture.start()
    builder.release()
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
