"""The whole firmware with bad sensors, bad configs and a cloud that refuses it: the rest goes on.

All scenarios run at the same time, once for all tests.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from board_place import Place
from cloud_process import running_cloud
from tests.bench.faults import Account, account_of
from tests.end_to_end import bad_input_scenarios as scenarios
from tests.end_to_end.bad_input_scenarios import Report, Scenario

DRIVERS = Path(__file__).parent / "drivers"
GOOD = ("good", "Readings")

Result = Callable[[Scenario], tuple[Place, Report]]


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


@pytest.fixture(scope="module")
def result_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Result]:
    """`result_of(scenario)`: its place, and its report once it has ended."""
    root = tmp_path_factory.mktemp("bad_input")
    with ExitStack() as stack:
        cloud = stack.enter_context(running_cloud(root / "cloud"))
        short = stack.enter_context(running_cloud(root / "short", "--token-lifetime", "4"))
        pool = stack.enter_context(ThreadPoolExecutor(len(scenarios.SCENARIOS)))
        places, reports = {}, {}
        for scenario in scenarios.SCENARIOS:
            home = short if scenario is scenarios.short_token else cloud
            place = places[scenario] = Place(root / scenario.__name__, home, DRIVERS)
            reports[scenario] = pool.submit(_to_its_end, scenario, place)
        yield lambda scenario: (places[scenario], reports[scenario].result())


def _to_its_end(scenario: Scenario, place: Place) -> Report:
    try:
        return scenario(place)
    finally:
        if hasattr(place, "board"):
            place.board.end()


# Sensors.


def test_a_good_sensor_beside_bad_ones_loses_nothing(result_of: Result) -> None:
    place, report = result_of(scenarios.bad_sensors)
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
    place, report = result_of(scenarios.bad_sensors)
    counts = collector(report, way)
    assert counts["captured"] == counts["records"] == 0
    assert counts["failed"] >= 1
    assert place.log.count(message) == 1
    assert message in place.cloud_log()


def test_a_fast_sensor_that_breaks_is_counted_and_named_once(result_of: Result) -> None:
    place, report = result_of(scenarios.bad_sensors)
    counts = collector(report, "breaks")
    assert counts["captured"] == 20 == len(place.series()["breaks", "Readings"])
    assert counts["failed"] > 0
    assert place.log.count("breaks:Readings: OSError(5,)") == 1


def test_deadlines_during_a_hanging_reading_are_missed(result_of: Result) -> None:
    _, report = result_of(scenarios.bad_sensors)
    counts = collector(report, "hangs")
    assert counts["missed"] >= 49 * counts["failed"]


def test_a_value_that_is_no_number_is_left_out_and_counted(result_of: Result) -> None:
    place, report = result_of(scenarios.bad_sensors)
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
    place, report = result_of(scenarios.bad_sensors)
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
    place, report = result_of(scenarios.bad_config)
    check_bad_config(place.log, report)
    assert collector(report, "good")["captured"] > 0


def test_the_good_parts_of_a_bad_config_from_the_cloud_run_and_sync(result_of: Result) -> None:
    place, report = result_of(scenarios.bad_config_from_the_cloud)
    check_bad_config(place.log, report)
    assert good_account(place, report).captured > 0


@pytest.mark.parametrize("scenario", [scenarios.malformed_config, scenarios.large_config])
def test_a_config_that_cannot_be_read_is_named_and_the_board_runs(
    result_of: Result, scenario: Scenario
) -> None:
    _, report = result_of(scenario)
    assert report["collectors"] == []
    assert report["task_failures"] == 0


def test_a_config_of_100_kb_in_the_cloud_leaves_the_old_one_in_force(result_of: Result) -> None:
    place, report = result_of(scenarios.large_config_in_the_cloud)
    assert good_account(place, report).captured > 0
    assert place.log.count("RESOURCE_EXHAUSTED") == 1


def test_a_damaged_kept_config_is_said_and_replaced(result_of: Result) -> None:
    place, report = result_of(scenarios.damaged_kept_config)
    assert "config: unreadable" in place.log
    assert good_account(place, report).captured > 0


def test_a_changed_config_is_in_force_at_the_next_start(result_of: Result) -> None:
    place, report = result_of(scenarios.changed_config)
    assert {c["component"] for c in report["collectors"]} == {"good", "second"}
    assert place.log.count("restarting after a last sync: a new config") == 2


# The cloud.


@pytest.mark.parametrize(
    "scenario",
    [
        scenarios.sync_disabled,
        scenarios.alone,
        scenarios.cloud_down_at_boot,
        scenarios.wrong_secret,
        scenarios.bad_credentials,
        scenarios.bad_address,
    ],
)
def test_what_cannot_be_sent_is_captured_and_kept(result_of: Result, scenario: Scenario) -> None:
    _, report = result_of(scenario)
    for name in ("good", "partly"):
        assert collector(report, name)["records"] == collector(report, name)["captured"] >= 25
    assert report["task_failures"] == 0


def test_with_sync_disabled_nothing_is_sent(result_of: Result) -> None:
    place, _ = result_of(scenarios.sync_disabled)
    assert place.series() == {}


def test_what_was_captured_with_sync_disabled_is_sent_when_it_is_enabled(
    result_of: Result,
) -> None:
    place, _ = result_of(scenarios.sync_enabled_later)
    numbers = [payload["readings"]["n"] for _, payload in place.series()["good", "Readings"]]
    restarted = numbers.index(0, 1)  # each start counts from 0
    assert restarted >= 25
    assert numbers[:restarted] == list(range(restarted))


def test_capture_starts_before_the_network(result_of: Result) -> None:
    place, report = result_of(scenarios.alone)
    loggers = re.findall(r"^\d+\.\d+ \w+ (\w+): ", place.log, re.MULTILINE)
    assert loggers[0] == "capture"
    assert report["sync"] == {"configured": False}


def test_a_cloud_that_is_down_is_said_once_for_each_collector(result_of: Result) -> None:
    place, _ = result_of(scenarios.cloud_down_at_boot)
    for who in ("cloud", "sync: good:Readings", "sync: partly:Readings"):
        assert place.log.count(who + ": cannot reach the cloud: ") == 1


def test_a_wrong_secret_is_said_once_for_each_collector(result_of: Result) -> None:
    place, report = result_of(scenarios.wrong_secret)
    said = "UNAUTHENTICATED: wrong id or secret (robot-secret)"
    assert report["sync"]["last_error"] == said
    for who in ("cloud", "sync: good:Readings", "sync: partly:Readings"):
        assert place.log.count(f"{who}: {said}") == 1
    assert place.log.count(said) == 3


def test_an_expired_token_is_renewed_and_nothing_is_lost(result_of: Result) -> None:
    place, report = result_of(scenarios.short_token)
    assert good_account(place, report).captured > 0


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (scenarios.bad_credentials, 'app: viam.json: no "secret" below "cloud"'),
        (
            scenarios.bad_address,
            'app: viam.json: app_address "ftp://cloud": write grpc://HOST:PORT',
        ),
    ],
)
def test_credentials_that_make_no_sense_are_named(
    result_of: Result, scenario: Scenario, message: str
) -> None:
    place, _ = result_of(scenario)
    assert message in place.log


@pytest.mark.parametrize("scenario", [scenarios.asked_to_restart, scenarios.cut_in_the_last_sync])
def test_a_restart_that_the_cloud_asks_for_comes_after_a_last_sync(
    result_of: Result, scenario: Scenario
) -> None:
    place, _ = result_of(scenario)
    assert place.log.count("restarting after a last sync") == 1
    rows = place.series()["closing", "Readings"]
    ends = re.findall(r"closing after (\d+) readings of boot (\d+)", place.log)
    assert len(ends) == 2
    for count, boot in ends:
        numbers = [p["readings"]["n"] for _, p in rows if p["readings"]["boot"] == int(boot)]
        assert numbers == list(range(int(count)))
