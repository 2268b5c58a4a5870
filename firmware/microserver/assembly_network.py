"""Builds what talks to the network, which no capture needs; leaves the heap when it stands.

Nothing that stays may be a function, a lambda or a class of this module: see health/heap.py.
"""

import os

from micropython import const

from microserver.device import storage
from microserver.health.heap import forget

_CONFIG_ROOM = const(2048)


def build(app, settings, manager, local):
    """`settings`: the board's own; `manager`: the DataManagerConfig or None; `local`: a config
    file that goes before the cloud's, or None."""
    if "wifi" in settings:
        _keep_wifi(app, settings["wifi"])
    host = settings.get("ntp_host", "pool.ntp.org")
    app.start("time", app.keep_time, host, settings.get("ntp_port", 123))
    if not storage.exists("viam.json"):
        if not local:
            app.log.error("app", "neither viam.json nor robot.json: nothing to do")
        return
    try:
        _build_cloud(app, _credentials(app), manager, local)
    except ValueError as error:
        app.log.error("app", "viam.json: %s" % error)


def _credentials(app):
    """The part `cloud` of viam.json, checked; ValueError."""
    document = app.read_json("viam.json")
    cloud = document.get("cloud") if isinstance(document, dict) else None
    for key in ("id", "secret", "app_address"):
        if not isinstance(cloud, dict) or not isinstance(cloud.get(key), str):
            raise ValueError('no "%s" below "cloud"' % key)
    return cloud


def _keep_wifi(app, networks):
    from microserver.device.wifi import keep_connected

    app.start("wifi", keep_connected, networks, app.log)


def _build_cloud(app, credentials, manager, local):
    reserve = bytearray(0 if local else _CONFIG_ROOM)
    metadata = None
    if app.capture:
        app.sync_enabled = not manager.sync_disabled
        metadata = _metadata(app, credentials["id"], manager.tags)
    from microserver.cloud.link import CloudLink
    from microserver.cloud.session import Session

    app.session = Session(
        credentials["id"],
        credentials["secret"],
        _opener(credentials["app_address"]),
        app.clock,
        app.log,
    )
    if metadata:
        _build_sync(app, metadata, manager.sync_interval_ms)
    config_file = None if local else app.CLOUD_CONFIG
    link = CloudLink(app.session, app.log, app.clock, storage, config_file, app.revision, reserve)
    app.start("cloud", link.run, app.restart)


def _build_sync(app, metadata, interval_ms):
    from microserver.sync.uploader import Outbox, Uploader

    boot_id = os.urandom(6).hex()
    # By place, not by name: two readers of one board are two collectors of one name.
    outboxes = [
        Outbox(collector, metadata[index], "%s-%d" % (boot_id, index))
        for index, collector in enumerate(app.capture.collectors)
    ]
    app.uploader = Uploader(app.session, outboxes, app.clock, app.log)
    if app.sync_enabled:
        app.start("sync", app.uploader.run, interval_ms)


def _metadata(app, part_id, tags):
    """The encoded metadata of each collector's uploads, in the order of the collectors."""
    from microserver.sync import metadata

    encoded = [metadata.encode(part_id, collector, tags) for collector in app.capture.collectors]
    for collector in app.capture.collectors:
        collector.origin = None
    forget("sync.metadata", "wire.messages.data_sync", "wire.well_known")
    return encoded


def _opener(app_address):
    """A coroutine function that connects: gRPC-Web for https, HTTP/2 in cleartext for grpc."""
    from microserver.cloud import address
    from microserver.device import tcp

    secure, host, port = address.parse(app_address)
    forget("cloud.address")
    if secure:
        from microserver.cloud import grpc_web_channel
        from microserver.device import trust

        authority = storage.read_bytes("ca.pem")
        if not authority:
            raise ValueError("https needs ca.pem, the certificate to trust")
        context = trust.verifying_context(authority)
        return grpc_web_channel.opener(tcp.open_stream, host, port, context)
    from microserver.cloud import http2_channel

    return http2_channel.opener(tcp.open_stream, host, port)
