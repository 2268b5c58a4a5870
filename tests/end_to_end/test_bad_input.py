"""The whole firmware with bad sensors, bad configs and a cloud that refuses it: the rest goes on.

Each scenario runs one board until it has shown what matters; all run at the same time, once.
"""

import asyncio
import json
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cloud_process import CloudProcess, run_cloud, running_cloud
from host_tools.demonstration.reader import Series, read_series
from host_tools.local_cloud.data_folder import DataFolder
from host_tools.local_cloud.log_store import LogStore
from simulated_board import SimulatedBoard
from tests.bench import machine
from tests.bench.faults import Account, account_of

DRIVERS = Path(__file__).parent / "drivers"
HEAP = ("--heap", "128k")
GOOD = ("good", "Readings")
BAD_WAYS = ("raises", "hangs", "none", "nan", "partly", "keys", "long", "kind")

Config = dict[str, Any]
Report = dict[str, Any]


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


class Place:
    """One board's folder, its machine in the cloud, and the board."""

    def __init__(self, folder: Path, cloud: CloudProcess) -> None:
        self.folder = folder
        self.cloud = cloud
        self.credentials: dict[str, str] = {}
        self.board: SimulatedBoard
        folder.mkdir()
        machine.install_counter(folder)
        shutil.copytree(DRIVERS, folder / "drivers", dirs_exist_ok=True)

    def register(self, config: Config, address: str = "", **changes: str) -> None:
        """Make it a machine of the cloud; `changes`: of the credentials that it gets."""
        self.credentials = self.cloud.add_machine(self.folder.name, config) | changes
        file = self.folder / "viam.json"
        machine.write_credentials(file, self.credentials, address or self.cloud.grpc)

    def know(self, config: Config, address: str = "", **changes: str) -> None:
        """As `register`, and the board has this config from its cloud already."""
        machine.remember_config(self.folder, config)
        self.register(config, address, **changes)

    def start(self, *options: str, config: Config | str | None = None) -> None:
        """Run the board, with a local config or with its credentials."""
        file = self.folder / "config.json"
        if config is not None:
            file.write_text(config if isinstance(config, str) else json.dumps(config))
        self.board = SimulatedBoard(
            self.folder, *HEAP, *options, config=None if config is None else file
        )

    def command(self, *words: str) -> None:
        done = run_cloud(words[0], self.folder.name, *words[1:], "--data", self.cloud.folder)
        assert done.returncode == 0, done.stderr

    @property
    def log(self) -> str:
        return self.board.log

    def series(self) -> Series:
        part = self.credentials["id"]
        return asyncio.run(read_series(self.cloud.grpc, self.cloud.owner, part))

    def cloud_log(self) -> str:
        """The lines that the cloud has of it."""
        logs = LogStore(DataFolder(self.cloud.folder).logs)
        lines = logs.newest(self.credentials["id"], 500)
        logs.close()
        return "\n".join(line.message for line in lines)

    def wait_for_readings(self, component: str = "good") -> None:
        """Until readings of this sensor are in the cloud."""
        found = (component, "Readings")
        self.board.wait_until(lambda: found in self.series(), f"readings of {component}")

    def wait_for_cloud_log(self, text: str) -> None:
        self.board.wait_until(lambda: text in self.cloud_log(), f"{text!r} in the cloud's log")


def collector(report: Report, name: str) -> dict[str, Any]:
    (found,) = [c for c in report["collectors"] if c["component"] == name]
    return dict(found)


def good_account(place: Place, report: Report) -> Account:
    """The good sensor's account; whatever else happens, it has lost nothing."""
    account = account_of(collector(report, "good"), place.series().get(GOOD, []))
    assert report["task_failures"] == 0, place.log
    assert (account.lost, account.duplicated, account.wrong) == (0, 0, 0), account
    assert (account.dropped, account.damaged) == (0, 0), account
    return account


# The scenarios: each runs a board to its end and returns the firmware's report.


def bad_sensors(place: Place) -> Report:
    sensors = [machine.sensor(way, 10, model="bad", how=way) for way in BAD_WAYS]
    place.know(config_of(*sensors, sync_interval_mins=0.08))
    place.start()
    for way in sorted(set(BAD_WAYS) - {"hangs"}):
        place.board.wait_for(f"30 readings of {way}")
    place.board.wait_for("no reading within 5000 ms")
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


SCENARIOS: tuple[Callable[[Place], Report], ...] = (
    bad_sensors,
    bad_config,
    bad_config_from_the_cloud,
    malformed_config,
    large_config,
    large_config_in_the_cloud,
    damaged_kept_config,
    changed_config,
    sync_disabled,
    alone,
    cloud_down_at_boot,
    wrong_secret,
    short_token,
    bad_credentials,
    bad_address,
    asked_to_restart,
)

Result = Callable[[Callable[[Place], Report]], tuple[Place, Report]]


@pytest.fixture(scope="module")
def result_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Result]:
    """`result_of(scenario)`: its place, and its report once it has ended."""
    root = tmp_path_factory.mktemp("bad_input")
    with ExitStack() as stack:
        cloud = stack.enter_context(running_cloud(root / "cloud"))
        short = stack.enter_context(running_cloud(root / "short", "--token-lifetime", "4"))
        pool = stack.enter_context(ThreadPoolExecutor(len(SCENARIOS)))
        places, reports = {}, {}
        for scenario in SCENARIOS:
            home = short if scenario is short_token else cloud
            place = places[scenario] = Place(root / scenario.__name__, home)
            reports[scenario] = pool.submit(_to_its_end, scenario, place)
        yield lambda scenario: (places[scenario], reports[scenario].result())


def _to_its_end(scenario: Callable[[Place], Report], place: Place) -> Report:
    try:
        return scenario(place)
    finally:
        if hasattr(place, "board"):
            place.board.end()


# Sensors.


def test_a_good_sensor_beside_bad_ones_loses_nothing(result_of: Result) -> None:
    place, report = result_of(bad_sensors)
    assert good_account(place, report).captured > 30


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("raises", "raises:Readings: broken wire"),
        ("hangs", "hangs:Readings: no reading within 5000 ms"),
        ("none", "none:Readings: a reading is a dict, not None"),
        ("nan", "nan:Readings: no value in the reading"),
        ("kind", "kind:Readings: a object cannot be captured"),
    ],
)
def test_a_failing_sensor_is_counted_and_named_once(
    result_of: Result, way: str, message: str
) -> None:
    place, report = result_of(bad_sensors)
    counts = collector(report, way)
    assert counts["captured"] == counts["records"] == 0
    assert counts["failed"] >= 1
    assert place.log.count(message) == 1
    assert message in place.cloud_log()


def test_deadlines_during_a_hanging_reading_are_missed(result_of: Result) -> None:
    _, report = result_of(bad_sensors)
    counts = collector(report, "hangs")
    assert counts["missed"] >= 49 * counts["failed"]


def test_a_value_that_is_no_number_is_left_out_and_counted(result_of: Result) -> None:
    place, report = result_of(bad_sensors)
    counts = collector(report, "partly")
    rows = place.series()["partly", "Readings"]
    assert counts["bad_values"] == counts["captured"] == len(rows) >= 30
    assert {tuple(payload["readings"]) for _, payload in rows} == {("n",)}
    assert collector(report, "nan")["bad_values"] == collector(report, "nan")["failed"]


@pytest.mark.parametrize(
    ("way", "message"), [("keys", "too many kinds of readings"), ("long", "5009 bytes")]
)
def test_what_cannot_be_stored_is_rejected_counted_and_named(
    result_of: Result, way: str, message: str
) -> None:
    place, report = result_of(bad_sensors)
    counts = collector(report, way)
    rows = place.series().get((way, "Readings"), [])
    assert counts["rejected"] > 0
    assert counts["captured"] == counts["rejected"] + len(rows) + counts["records"]
    assert re.search(f"{way}:Readings: .*{message}", place.log)


# Configs.


def check_bad_config(log: str, report: Report) -> None:
    """What can run runs, and every problem is named with its path."""
    names = {c["component"] for c in report["collectors"]}
    assert names == {"good", "partly", "rare"}
    capture = "service_configs[0].attributes.capture_methods[0]"
    for path, text in {
        "components[2].model": "no-such-model",
        "components[3].attributes.num_readings": "many",
        "components[4].depends_on": "egg",
        "components[5].depends_on": "hen",
        f"components[6].{capture}.cache_size_kb": "0.1",
        f"components[7].{capture}.cache_size_kb": "1000000",
        f"components[8].{capture}.capture_frequency_hz": "0",
        f"components[9].{capture}.capture_frequency_hz": "-1",
        f"components[11].{capture}.capture_frequency_hz": "5000",
        "components[12]": "does not even start",
        "no-source:Readings": "has no source",
    }.items():
        lines = [line for line in log.splitlines() if path + ": " in line]
        assert lines and text in lines[0], (path, lines)


def test_the_good_parts_of_a_bad_local_config_run(result_of: Result) -> None:
    place, report = result_of(bad_config)
    check_bad_config(place.log, report)
    assert collector(report, "good")["captured"] > 0


def test_the_good_parts_of_a_bad_config_from_the_cloud_run_and_sync(result_of: Result) -> None:
    place, report = result_of(bad_config_from_the_cloud)
    check_bad_config(place.log, report)
    assert good_account(place, report).captured > 0


@pytest.mark.parametrize("scenario", [malformed_config, large_config])
def test_a_config_that_cannot_be_read_is_named_and_the_board_runs(
    result_of: Result, scenario: Callable[[Place], Report]
) -> None:
    _, report = result_of(scenario)
    assert report["collectors"] == []
    assert report["task_failures"] == 0


def test_a_config_of_100_kb_in_the_cloud_leaves_the_old_one_in_force(result_of: Result) -> None:
    place, report = result_of(large_config_in_the_cloud)
    assert good_account(place, report).captured > 0
    assert place.log.count("RESOURCE_EXHAUSTED") == 1


def test_a_damaged_kept_config_is_said_and_replaced(result_of: Result) -> None:
    place, report = result_of(damaged_kept_config)
    assert "config: unreadable" in place.log
    assert good_account(place, report).captured > 0


def test_a_changed_config_is_in_force_at_the_next_start(result_of: Result) -> None:
    place, report = result_of(changed_config)
    assert {c["component"] for c in report["collectors"]} == {"good", "second"}
    assert place.log.count("restarting after a last sync: a new config") == 2


# The cloud.


@pytest.mark.parametrize(
    "scenario",
    [sync_disabled, alone, cloud_down_at_boot, wrong_secret, bad_credentials, bad_address],
)
def test_what_cannot_be_sent_is_captured_and_kept(
    result_of: Result, scenario: Callable[[Place], Report]
) -> None:
    _, report = result_of(scenario)
    for name in ("good", "partly"):
        assert collector(report, name)["records"] == collector(report, name)["captured"] >= 25
    assert report["task_failures"] == 0


def test_with_sync_disabled_nothing_is_sent(result_of: Result) -> None:
    place, _ = result_of(sync_disabled)
    assert place.series() == {}


def test_capture_starts_before_the_network(result_of: Result) -> None:
    place, report = result_of(alone)
    loggers = re.findall(r"^\d+\.\d+ \w+ (\w+): ", place.log, re.MULTILINE)
    assert loggers[0] == "capture"
    assert report["sync"] == {"configured": False}


def test_a_cloud_that_is_down_is_said_once_for_each_collector(result_of: Result) -> None:
    place, _ = result_of(cloud_down_at_boot)
    for who in ("cloud", "sync: good:Readings", "sync: partly:Readings"):
        assert place.log.count(who + ": cannot reach the cloud: ") == 1


def test_a_wrong_secret_is_said_once_for_each_collector(result_of: Result) -> None:
    place, report = result_of(wrong_secret)
    said = "UNAUTHENTICATED: wrong id or secret (robot-secret)"
    assert report["sync"]["last_error"] == said
    for who in ("cloud", "sync: good:Readings", "sync: partly:Readings"):
        assert place.log.count(f"{who}: {said}") == 1
    assert place.log.count(said) == 3


def test_an_expired_token_is_renewed_and_nothing_is_lost(result_of: Result) -> None:
    place, report = result_of(short_token)
    assert good_account(place, report).captured > 0


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (bad_credentials, 'app: viam.json: no "secret" below "cloud"'),
        (bad_address, 'app: viam.json: app_address "ftp://cloud": write grpc://HOST:PORT'),
    ],
)
def test_credentials_that_make_no_sense_are_named(
    result_of: Result, scenario: Callable[[Place], Report], message: str
) -> None:
    place, _ = result_of(scenario)
    assert message in place.log


def test_a_restart_that_the_cloud_asks_for_comes_after_a_last_sync(result_of: Result) -> None:
    place, _ = result_of(asked_to_restart)
    assert place.log.count("restarting after a last sync") == 1
    rows = place.series()["closing", "Readings"]
    ends = re.findall(r"closing after (\d+) readings of boot (\d+)", place.log)
    assert len(ends) == 2
    for count, boot in ends:
        numbers = [p["readings"]["n"] for _, p in rows if p["readings"]["boot"] == int(boot)]
        assert numbers == list(range(int(count)))
