"""Boards with bad sensors, bad configs, or a cloud that refuses them.

Each scenario runs its board until it has shown what matters, and returns the firmware's report.
"""

import json
import socket
from collections.abc import Callable
from typing import Any

from board_place import Config, Place
from faulty_proxy import FaultyProxy
from tests.bench import machine

BAD_WAYS = ("raises", "none", "nan", "partly", "keys", "long", "kind")

Report = dict[str, Any]
Scenario = Callable[[Place], Report]


def config_of(*components: Config, **data_manager: Any) -> Config:
    """The counter `good`, the given components, and data management."""
    manager = machine.data_manager(**{"sync_interval_mins": 0.02, **data_manager})
    return {"components": [machine.sensor("good", 10, 60), *components], "services": [manager]}


def chatty_config(*components: Config, **data_manager: Any) -> Config:
    """`good`, a sensor that says in the log when it was read 30 times, and these."""
    partly = machine.sensor("partly", 10, model="bad", how="partly")
    return config_of(partly, *components, **data_manager)


READ = "30 readings of partly"
BAD_CONFIG = chatty_config(
    machine.sensor("unknown-model", 1, model="no-such-model"),
    machine.sensor("bad-attribute", 1, model="tmp36", num_readings="many"),
    {**machine.sensor("hen", 1), "depends_on": ["egg"]},
    {**machine.sensor("egg", 1), "depends_on": ["hen"]},
    machine.sensor("tiny-cache", 1, 0.1),
    machine.sensor("huge-cache", 1, 1_000_000),
    machine.sensor("zero", 0),
    machine.sensor("negative", -1),
    machine.sensor("rare", 0.0001),
    machine.sensor("frantic", 5000),
    machine.sensor("not-started", 1, model="bad", how="no start"),
    machine.sensor("no-source", 1, model="bad", how="no source"),
)
LARGE = config_of(*[machine.sensor(f"sensor-{n}", 1, label="x" * 150) for n in range(250)])


def bad_sensors(place: Place) -> Report:
    ways = (*BAD_WAYS, "hangs", "breaks")
    sensors = [machine.sensor(way, 10, model="bad", how=way) for way in ways]
    place.know(config_of(*sensors, sync_interval_mins=0.08))
    place.start()
    for way in BAD_WAYS:
        place.board.wait_for(f"30 readings of {way}")
    place.board.wait_for("no reading within 5000 ms")
    place.board.wait_for("breaks:Readings: OSError(5,)")
    place.wait_for_cloud_log("no reading within 5000 ms")
    return place.board.stop()


def bad_config(place: Place) -> Report:
    place.start(config=BAD_CONFIG)
    place.board.wait_for(READ)
    return place.board.stop()


def bad_config_from_the_cloud(place: Place) -> Report:
    place.register(BAD_CONFIG)
    place.start()
    place.wait_for_readings()
    return place.board.stop()


def malformed_config(place: Place) -> Report:
    place.start(config='{"components": [')
    place.board.wait_for("robot.json is not valid JSON")
    return place.board.stop()


def large_config(place: Place) -> Report:
    place.start(config=json.dumps(LARGE).ljust(100_000))
    place.board.wait_for("robot.json has 100000 bytes, the limit is 16384")
    return place.board.stop()


def large_config_in_the_cloud(place: Place) -> Report:
    machine.remember_config(place.folder, config_of())
    place.register(LARGE)
    place.start()
    place.wait_for_cloud_log("RESOURCE_EXHAUSTED")
    place.wait_for_readings()
    return place.board.stop()


def damaged_kept_config(place: Place) -> Report:
    place.know(config_of())
    (kept,) = place.folder.rglob("robot_config.bin")
    kept.write_bytes(kept.read_bytes()[:-9])
    place.start()
    place.board.wait_for("restarting after a last sync: a new config")
    place.wait_for_readings()
    return place.board.stop()


def changed_config(place: Place) -> Report:
    place.register(config_of())
    place.start()
    place.wait_for_readings()
    place.board.stop()
    file = place.folder / "changed.json"
    file.write_text(json.dumps(config_of(machine.sensor("second", 5))))
    place.command("set-config", "--config", str(file))
    place.start()
    place.wait_for_readings("second")
    return place.board.stop()


def sync_disabled(place: Place) -> Report:
    place.know(chatty_config(sync_disabled=True))
    place.start()
    place.board.wait_for(READ)
    place.wait_for_cloud_log("2 collectors")
    return place.board.stop()


def sync_enabled_later(place: Place) -> Report:
    """The board knows a config without sync; the cloud, reached later, has one with it."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    place.know(chatty_config(sync_disabled=True), f"127.0.0.1:{port}")
    file = place.folder / "enabled.json"
    file.write_text(json.dumps(chatty_config()))
    place.command("set-config", "--config", str(file))
    place.start()
    place.board.wait_for(READ)
    host, cloud_port = place.cloud.grpc.split(":")
    with FaultyProxy((host, int(cloud_port)), 0, 0, port=port):
        place.board.wait_for("restarting after a last sync: a new config")
        place.wait_for_readings()
        return place.board.stop()


def alone(place: Place) -> Report:
    world = place.folder / "world.json"
    world.write_text(json.dumps({"no_wifi_s": [[0, 600]]}))
    place.start("--world", str(world), config=chatty_config())
    place.board.wait_for(READ)
    return place.board.stop()


def cloud_down_at_boot(place: Place) -> Report:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    place.know(chatty_config(), f"127.0.0.1:{port}")
    place.start()
    place.board.wait_for("cannot reach the cloud: ")
    place.board.wait_for(READ)
    return place.board.stop()


def wrong_secret(place: Place) -> Report:
    place.know(chatty_config(), secret="wrong")
    place.start()
    place.board.wait_for("sync: good:Readings: ")
    place.board.wait_for(READ)
    return place.board.stop()


def short_token(place: Place) -> Report:
    place.know(config_of())
    place.start()
    place.board.wait_for("the access token is expired or malformed")
    place.board.wait_for("logged in", 3)
    return place.board.stop()


def bad_credentials(place: Place) -> Report:
    place.know(chatty_config())
    (place.folder / "viam.json").write_text('{"cloud": {"app_address": "grpc://x", "id": "a"}}')
    place.start()
    place.board.wait_for(READ)
    return place.board.stop()


def bad_address(place: Place) -> Report:
    place.know(chatty_config(), app_address="ftp://cloud")
    cloud = place.credentials | {"app_address": "ftp://cloud"}
    (place.folder / "viam.json").write_text(json.dumps({"cloud": cloud}))
    place.start()
    place.board.wait_for(READ)
    return place.board.stop()


def asked_to_restart(place: Place) -> Report:
    place.know(config_of(machine.sensor("closing", 10, model="closing")))
    place.start()
    place.wait_for_readings("closing")
    place.command("restart-machine")
    place.board.wait_for("restarting after a last sync: the cloud asks for it")
    place.board.wait_for("logged in", 2)
    return place.board.stop()


def cut_in_the_last_sync(place: Place) -> Report:
    # Only the last sync sends enough for the proxy to cut it.
    closing = machine.sensor("closing", 50, 60, model="closing")
    host, port = place.cloud.grpc.split(":")
    with FaultyProxy((host, int(port)), 1, faults=2, up=5000) as proxy:
        place.know(config_of(closing, sync_interval_mins=60), f"127.0.0.1:{proxy.port}")
        place.start()
        place.board.wait_for("200 readings of boot")
        place.command("restart-machine")
        place.board.wait_for("restarting after a last sync: the cloud asks for it")
        place.board.wait_for("logged in", 2)
        assert proxy.cuts == 2
        return place.board.stop()


SCENARIOS: tuple[Scenario, ...] = (
    bad_sensors,
    bad_config,
    bad_config_from_the_cloud,
    malformed_config,
    large_config,
    large_config_in_the_cloud,
    damaged_kept_config,
    changed_config,
    sync_disabled,
    sync_enabled_later,
    alone,
    cloud_down_at_boot,
    wrong_secret,
    short_token,
    bad_credentials,
    bad_address,
    asked_to_restart,
    cut_in_the_last_sync,
)
