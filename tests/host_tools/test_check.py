"""`microserver check`: what it says, where it points, and its exit code."""

import argparse
import json
from pathlib import Path

import pytest

from document_examples import ALL, TWO_SENSORS
from host_tools.commands import check as command
from host_tools.configuration.checker import Report, check
from host_tools.configuration.positions import JsonError, Position, read
from host_tools.errors import UserError

BOARDS = Path(__file__).resolve().parents[2] / "boards" / "esp32"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def problems(text: str, folder: Path = Path("/nowhere")) -> list[tuple[int, int, str, str]]:
    report = check(text, folder)
    return [(*item.position, item.path, item.severity) for item in report.problems]


def message(text: str, folder: Path = Path("/nowhere")) -> str:
    (problem,) = check(text, folder).problems
    return problem.message


def machine(component: str, services: str = '{"type": "data_manager"}') -> str:
    return '{"components": [%s],\n "services": [%s]}' % (component, services)


@pytest.mark.parametrize("text", ALL)
def test_the_documents_examples_are_accepted(text: str) -> None:
    assert check(text, Path("/nowhere")).count("error") == 0


@pytest.mark.parametrize("path", sorted(BOARDS.glob("*.json")), ids=lambda path: path.name)
def test_our_own_machines_are_flawless(path: Path) -> None:
    report = check(path.read_text(), path.parent)
    assert report.problems == [] and report.captures > 0


def test_the_demo_machine_has_its_four_collectors() -> None:
    report: Report = check((BOARDS / "demo.json").read_text(), BOARDS)
    assert (report.components, report.captures) == (4, 4)


def test_an_unknown_key_points_at_the_key_and_names_the_nearest() -> None:
    text = machine('\n  {"name": "s", "type": "sensor", "model": "fake",\n   "atributes": {}}')
    assert problems(text) == [(3, 4, "components[0].atributes", "warning")]
    assert message(text) == 'unknown key "atributes", ignored, did you mean "attributes"?'


def test_a_bad_value_points_at_the_value() -> None:
    text = machine(
        '{"name": "s", "type": "sensor", "model": "fake",\n "attributes": {"fake_value": []}}'
    )
    assert problems(text) == [(2, 31, "components[0].attributes.fake_value", "error")]


def test_a_missing_key_points_at_its_object() -> None:
    text = machine('\n {"name": "s", "type": "sensor"}')
    assert problems(text) == [(2, 2, "components[0].model", "error")]


def test_an_unknown_model_names_the_nearest() -> None:
    text = machine('{"name": "s", "type": "sensor", "model": "wifi-rsi"}')
    assert message(text).endswith(', did you mean "wifi-rssi"?')


def test_a_wrong_analog_reader_is_an_error_and_no_board_a_warning() -> None:
    assert problems(TWO_SENSORS) == [(7, 36, "components[0].attributes.analog_reader", "warning")]
    board = '{"name": "b", "type": "board", "model": "esp32", "attributes": {"analogs": %s}},'
    analogs = '[{"name": "temp1", "pin": 34}]'
    text = TWO_SENSORS.replace('"components": [', '"components": [' + board % analogs)
    assert 'did you mean "temp1"?' in message(text)
    assert check(text, Path("/nowhere")).components == 2


def test_a_cache_that_overflows_between_syncs_is_a_warning() -> None:
    capture = '{"method": "Readings", "capture_frequency_hz": 10}'
    config = '[{"type": "data_manager", "attributes": {"capture_methods": [%s]}}]' % capture
    text = machine(
        '{"name": "s", "type": "sensor", "model": "fake", "service_configs": %s}' % config,
        '{"type": "data_manager", "attributes": {"sync_interval_mins": 1}}',
    )
    assert "holds about 8 s, less than the sync interval of 60 s" in message(text)


def test_a_driver_beside_the_config_is_found_and_its_attributes_checked(tmp_path: Path) -> None:
    (tmp_path / "drivers").mkdir()
    (tmp_path / "drivers" / "my_thing.py").write_text(
        "from microserver.robot.resource import Sensor\n"
        "class MyThing(Sensor):\n"
        '    ATTRIBUTES = "pin:int!(0..48)"\n'
        "    def readings(self):\n"
        "        return {}\n"
        "MODEL = MyThing\n"
    )
    text = machine(
        '{"name": "s", "type": "sensor", "model": "my-thing", "attributes": {"pin": 99}}'
    )
    assert message(text, tmp_path) == "99 is out of range, 0..48"


@pytest.mark.parametrize("source", ["import machine_that_is_not_here", "def broken(:", "1 / 0"])
def test_a_driver_that_does_not_load_here_is_a_warning(tmp_path: Path, source: str) -> None:
    (tmp_path / "drivers").mkdir()
    (tmp_path / "drivers" / "thing.py").write_text(source)
    text = machine('{"name": "s", "type": "sensor", "model": "thing"}')
    assert problems(text, tmp_path) == [(1, 58, "components[0].model", "warning")]


def test_a_key_given_twice_is_a_warning() -> None:
    text = '{"services": [{"type": "data_manager", "name": "a",\n "name": "b"}]}'
    assert problems(text) == [(2, 2, "services[0].name", "warning")]


def test_a_hundred_kilobytes_are_too_much() -> None:
    components = ",".join(
        '{"name": "s%d", "type": "sensor", "model": "fake"}' % index for index in range(2000)
    )
    report = check(machine(components), Path("/nowhere"))
    assert [item.message for item in report.problems] == [
        "larger than the 16384 bytes that the device reads"
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "ends here"),
        ("{", 1, 2, "expected a key"),
        ('{"a": }', 1, 7, "expected a value"),
        ('{"a": 1,\n}', 1, 8, "a comma after the last"),
        ("[1,\n 2,]", 2, 3, "a comma after the last"),
        ('{"a": 1\n "b": 2}', 2, 2, "expected a comma"),
        ("{'a': 1}", 1, 2, "double quotes"),
        ('{\n // why\n "a": 1}', 2, 2, "no comments"),
        ('{"pin_name": “27”}', 1, 14, "typographic"),
        ('{"a": "x', 1, 7, "unterminated"),
        ('{"a" 1}', 1, 6, "colon"),
        ("{} {}", 1, 4, "ended before"),
        ("[01]", 1, 3, "expected a comma"),
        ("[NaN]", 1, 2, "expected a value"),
        ("[" * 60, 1, 52, "nested deeper"),
    ],
)
def test_malformed_json_says_what_and_where(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(JsonError) as caught:
        read(text)
    assert caught.value.position == Position(line, column)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", [*ALL, '[1, -2.5e3, "\\u00e9\\n", null, true, {"": []}, {}]'])
def test_the_reader_reads_what_json_reads(text: str) -> None:
    assert read(text).value == json.loads(text)


def test_the_answer_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "robot.json"
    file.write_text('{\n\t"component": []\n}')
    assert run(str(file)) == 0
    assert capsys.readouterr().out == (
        f'{file}:2:2: component: warning: unknown key "component", ignored,'
        ' did you mean "components"?\n'
        '    \t"component": []\n'
        "    \t^\n"
        f"{file}: 1 warning (0 components, 0 captures)\n"
    )


def test_the_answer_for_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "robot.json"
    file.write_text('{"components": 5}')
    assert run(str(file), "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["errors"] == 1 and answer["problems"] == [
        {
            "line": 1,
            "column": 16,
            "path": "components",
            "severity": "error",
            "message": "expected a list, got 5",
        }
    ]


def test_malformed_json_is_an_error_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "robot.json"
    file.write_text('{"components": [],}')
    assert run(str(file)) == 1
    assert f"{file}:1:18: error: a comma after the last element" in capsys.readouterr().out


def test_a_line_that_is_very_long_is_shown_around_the_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "robot.json"
    file.write_text('{"revision": "%s", "component": []}' % ("x" * 500))
    run(str(file))
    _, line, caret, _ = capsys.readouterr().out.splitlines()
    assert len(line) <= 100 and line[caret.index("^") :].startswith('"component"')


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b'{"a": "\xe9"}')
    for name in ("nothing", "latin", "."):
        with pytest.raises(UserError):
            run(str(tmp_path / name))


def test_the_driver_in_the_documentation_is_the_tested_one() -> None:
    page = BOARDS.parents[1] / "firmware" / "docs" / "writing_a_driver.md"
    driver = (BOARDS / "drivers" / "bh1750.py").read_text()
    assert f"```python\n{driver}```" in page.read_text()
