"""Robot configs: the documents' examples are accepted, one bad item costs that item only."""

import json

from document_examples import ALL, REMOTE_BOARD, SERVICE_ONLY, SYNC_EVERY_SIX_SECONDS, TWO_SENSORS
from microserver.robot.config import parse


def sensor(name="s", capture=None, **more):
    entry = {"name": name, "type": "sensor", "model": "fake"}
    if capture is not None:
        entry["service_configs"] = [
            {"type": "data_manager", "attributes": {"capture_methods": [capture]}}
        ]
    entry.update(more)
    return entry


def capture(**changes):
    item = {"method": "Readings", "capture_frequency_hz": 1}
    item.update(changes)
    return item


def one(item):
    """The capture read from `item` (or None) and the problems, without the note on services."""
    config = parse({"components": [sensor(capture=item)], "services": [{"type": "data_manager"}]})
    captures = config.components[0].captures
    return (captures[0] if captures else None), config.problems


def errors(config):
    return [(path, message) for path, message, severity in config.problems if severity == "error"]


def test_the_examples_of_the_documents_are_accepted():
    for text in ALL:
        config = parse(json.loads(text))
        assert not [item for item in config.problems if item[2] != "note"], config.problems


def test_two_sensors_of_the_documents():
    config = parse(json.loads(TWO_SENSORS))
    assert config.data_manager == (False, False, 180000, ())
    tmp36, wifi = config.components
    assert tmp36[:5] == (
        "tmp36",
        "rdk:component:sensor",
        "tmp36",
        {"analog_reader": "temp", "num_readings": 15},
        [],
    )
    (readings,) = tmp36.captures
    assert readings.method == "Readings" and readings.frequency_uhz == 200000
    assert readings.cache_bytes == 10000 and readings.disabled is False
    assert wifi.model == "wifi-rssi" and wifi.captures[0].frequency_uhz == 100000


def test_board_of_the_documents():
    config = parse(json.loads(REMOTE_BOARD))
    (board,) = config.components
    assert board.api == "rdk:component:board"
    assert [item.params for item in board.captures] == [
        {"reader_name": "A1"},
        {"reader_name": "A2"},
    ]
    assert config.data_manager is None


def test_ignored_attributes_of_the_documents_give_one_line():
    config = parse(json.loads(SYNC_EVERY_SIX_SECONDS))
    assert config.data_manager.sync_interval_ms == 6000
    assert config.problems == [
        (
            "services[0].attributes",
            "has no effect on this device: additional_sync_paths",
            "note",
        )
    ]
    assert parse(json.loads(SERVICE_ONLY)).problems == []


def test_type_and_api_forms_are_the_same():
    by_type = parse(
        {"components": [sensor()], "services": [{"type": "data_manager", "name": "dm"}]}
    )
    by_api = parse(
        {
            "components": [
                {"name": "s", "api": "rdk:component:sensor", "model": "rdk:builtin:fake"}
            ],
            "services": [
                {
                    "name": "dm",
                    "api": "rdk:service:data_manager",
                    "model": "rdk:builtin:builtin",
                }
            ],
        }
    )
    assert by_type == by_api
    assert by_api.components[0].model == "fake" and by_api.data_manager.sync_interval_ms == 6000


def test_service_config_type_as_triplet():
    entry = sensor(capture=capture())
    entry["service_configs"][0]["type"] = "rdk:service:data_manager"
    assert len(parse({"components": [entry]}).components[0].captures) == 1


def test_defaults_of_a_capture():
    item, problems = one(capture())
    assert item.cache_bytes == 1000 and item.tags == () and item.params == {} and not problems


def test_cache_size_of_the_service_is_the_default_of_its_captures():
    services = [{"type": "data_manager", "attributes": {"cache_size_kb": 4}}]
    config = parse({"components": [sensor(capture=capture())], "services": services})
    assert config.components[0].captures[0].cache_bytes == 4000 and not config.problems


def test_sync_interval_has_two_names():
    for key in ("sync_interval_mins", "sync_interval_minutes"):
        services = [{"type": "data_manager", "attributes": {key: 0.05}}]
        assert parse({"services": services}).data_manager.sync_interval_ms == 3000


def test_a_bad_sync_interval_is_the_default_and_capture_goes_on():
    for bad in (0, -1, "x", None, 1e30, [], {}, True):
        attributes = {"sync_interval_mins": bad, "tags": ["a", 3], "sync_disabled": True}
        config = parse({"services": [{"type": "data_manager", "attributes": attributes}]})
        assert config.data_manager == (False, True, 6000, ("a",)), bad


def test_frequencies_are_exact_integers():
    for hertz, micro in (
        (1000, 1000000000),
        (0.0001, 100),
        (0.333, 333000),
        (33.3, 33300000),
        (10, 10000000),
        ("3", 3000000),
        (99.9, 99900000),
    ):
        assert one(capture(capture_frequency_hz=hertz))[0].frequency_uhz == micro, hertz


def test_frequencies_out_of_range_disable_that_capture():
    for bad in (0, -1, 5000, 0.00001, "often", None, True, 1e40, [1], {}):
        item, problems = one(capture(capture_frequency_hz=bad))
        assert item is None, bad
        path = "components[0].service_configs[0].attributes.capture_methods[0]"
        assert [p[0] for p in problems] == [path + ".capture_frequency_hz"], bad
        assert problems[0][2] == "error"


def test_cache_sizes_out_of_range_disable_that_capture():
    for bad in (0.1, 10**6, 0, -5, "big", [], True):
        item, problems = one(capture(cache_size_kb=bad))
        assert item is None and problems[0][0].endswith(".cache_size_kb"), bad
    for kb, size in ((1, 1000), (1.001, 1001), (16000, 16000000), (0.1 * 20, 2000)):
        assert one(capture(cache_size_kb=kb))[0].cache_bytes == size


def test_an_unknown_method_names_the_possible_ones():
    _, problems = one(capture(method="LinearVelocity"))
    assert problems[0][1] == '"LinearVelocity" of a sensor cannot be captured, only Readings'


def test_analogs_need_a_reader_name():
    board = {"name": "b", "type": "board", "model": "esp32"}
    board["service_configs"] = [
        {"type": "data_manager", "attributes": {"capture_methods": [capture(method="Analogs")]}}
    ]
    config = parse({"components": [board]})
    assert errors(config)[0][0].endswith("additional_params.reader_name")
    assert config.components[0].captures == []


def test_the_same_capture_twice_is_left_out():
    entry = sensor(capture=capture())
    entry["service_configs"][0]["attributes"]["capture_methods"].append(capture())
    config = parse({"components": [entry]})
    assert len(config.components[0].captures) == 1 and len(errors(config)) == 1


def test_two_components_of_one_name():
    config = parse({"components": [sensor("a"), sensor("b"), sensor("a")]})
    assert [item.name for item in config.components] == ["a", "b"]
    assert errors(config) == [("components[2].name", '"a" exists already, left out')]


def test_a_missing_dependency_takes_only_its_dependents():
    components = [
        sensor("a", depends_on=["nobody"]),
        sensor("b", depends_on=["a"]),
        sensor("c"),
    ]
    config = parse({"components": components})
    assert [item.name for item in config.components] == ["c"]
    assert [path for path, _ in errors(config)] == [
        "components[0].depends_on",
        "components[1].depends_on",
    ]


def test_a_cycle_is_left_out():
    components = [
        sensor("a", depends_on=["b"]),
        sensor("b", depends_on=["a"]),
        sensor("c", depends_on=["c"]),
        sensor("d", depends_on=[]),
    ]
    config = parse({"components": components})
    assert [item.name for item in config.components] == ["d"] and len(errors(config)) == 3


def test_build_order_is_by_dependency_and_the_board_first():
    board = {"name": "z", "type": "board", "model": "esp32"}
    components = [sensor("a", depends_on=["rdk:component:sensor/b"]), sensor("b"), board]
    config = parse({"components": components})
    assert [item.name for item in config.components] == ["z", "b", "a"]
    assert config.components[2].path == "components[0]"


def test_a_second_board_and_a_second_data_manager():
    boards = [{"name": name, "type": "board", "model": "esp32"} for name in ("x", "y")]
    config = parse({"components": boards, "services": [{"type": "data_manager"}] * 2})
    assert [item.name for item in config.components] == ["x"]
    assert [path for path, _ in errors(config)] == ["services[1]", "components[1]"]


def test_other_services_are_ignored_with_a_warning():
    config = parse({"services": [{"name": "v", "type": "vision", "model": "mlmodel"}]})
    assert config.problems == [
        ("services[0]", 'service "vision" is not of this device, ignored', "warning")
    ]


def test_wrong_types_everywhere_never_raise():
    for bad in (None, 1, -1.5, "x", True, [], {}, [[]], [{}], [None], {"a": []}):
        parse(bad)
        parse({"components": bad, "services": bad, "remotes": bad})
        parse({"components": [bad], "services": [bad]})
        for key in ("name", "api", "type", "model", "attributes", "depends_on", "service_configs"):
            entry = sensor(capture=capture())
            entry[key] = bad
            parse({"components": [entry], "services": [entry]})
        for key in ("type", "attributes"):
            entry = sensor(capture=capture())
            entry["service_configs"][0][key] = bad
            parse({"components": [entry]})
        for key in capture(additional_params={}, disabled=False, tags=[], cache_size_kb=1):
            one(capture(**{key: bad}))


def test_random_documents_never_raise():
    seed = 1
    words = [
        "components",
        "services",
        "name",
        "type",
        "api",
        "model",
        "attributes",
        "depends_on",
        "service_configs",
        "method",
        "capture_methods",
        "capture_frequency_hz",
        "cache_size_kb",
        "data_manager",
        "sensor",
        "board",
        "fake",
        "rdk:component:sensor",
        "Readings",
        "Analogs",
        "additional_params",
        "reader_name",
        "a",
    ]

    def random(limit):
        nonlocal seed
        seed = (seed * 16807) % 2147483647
        return seed % limit

    def document(depth):
        kind = random(8 if depth else 5)
        if kind == 0:
            return (None, True, False, 0, -1, 1e30, "", 5000)[random(8)]
        if kind < 5:
            return words[random(len(words))]
        if kind == 5:
            return [document(depth - 1) for _ in range(random(4))]
        return {words[random(len(words))]: document(depth - 1) for _ in range(random(5))}

    for _ in range(400):
        entry = {"components": [document(6), document(5)], "services": [document(4)]}
        config = parse(entry)
        json.dumps(config.problems)


def test_a_hundred_kilobytes_of_nonsense_give_few_problems():
    config = parse({"k%05d" % index: 1 for index in range(1000)})
    assert len(config.problems) == 25
    config = parse({"components": [sensor("x" * 5000)] * 20})
    assert config.components == [] and sum([len(p[1]) for p in config.problems]) < 2000


class Endless(dict):
    """A document that the heap has no room for."""

    def get(self, key):
        raise MemoryError


def test_a_config_too_large_for_the_heap_is_said_and_builds_nothing():
    config = parse(Endless())
    assert not config.components and config.data_manager is None
    assert config.problems == [("", "too large for this heap: nothing is built", "error")]
