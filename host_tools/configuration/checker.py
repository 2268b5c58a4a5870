"""Checks a robot config with the device's own validator and models, and places what it says."""

import difflib
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_tools.configuration.positions import Document, JsonError, Position, read
from host_tools.firmware_path import FIRMWARE

# isort: split
# Found only now that firmware_path was imported.
from microserver.robot import config, registry
from microserver.robot.attributes import Problems, read_attributes
from microserver.robot.methods import getter_name
from microserver.robot.resource import ConfigError

MAX_BYTES = 16 * 1024  # what the firmware reads; more would not fit beside everything else
_BYTES_PER_RECORD = {"AngularVelocity": 20, "LinearAcceleration": 20, "LinearVelocity": 20}
_NAMED_ON_BOARD = {"i2c_bus": "i2cs", "analog_reader": "analogs"}
_MODELS = FIRMWARE / "microserver" / "models"


@dataclass
class Problem:
    """One thing to tell: severity is "error", "warning" or "note"."""

    position: Position
    path: str
    message: str
    severity: str


@dataclass
class Report:
    """All problems of one text in its order; `components` and `captures` count what will run."""

    problems: list[Problem]
    components: int = 0
    captures: int = 0

    def count(self, severity: str) -> int:
        """How many problems of this severity."""
        return sum(problem.severity == severity for problem in self.problems)


class _AllProblems(Problems):  # type: ignore[misc]  # the firmware's modules are not typed
    """Keeps every problem, and says what an unknown key may have meant."""

    limit = 1_000_000

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()

    def unknown_key(self, path: str, words: list[str]) -> None:
        self.keys.add(path)
        known = [word.partition(":")[0] for word in words]
        key = path.rpartition(".")[2]
        self.add(path, f'unknown key "{key}", ignored' + _did_you_mean(key, known), "warning")


def check(text: str, folder: Path) -> Report:
    """Check a config's text; drivers of the user are looked for in `folder`/drivers."""
    try:
        document = read(text)
    except JsonError as error:
        return Report([Problem(error.position, "", str(error), "error")])
    problems = _AllProblems()
    if len(text.encode()) > MAX_BYTES:
        problems.add("", f"larger than the {MAX_BYTES} bytes that the device reads")
    for path in document.doubles:
        problems.keys.add(path)
        problems.add(path, "given twice in one object, the last one counts", "warning")
    parsed = config.parse(document.value, problems)
    with _drivers_from(folder):
        classes = {item.path: _check_model(item, problems, folder) for item in parsed.components}
    built = [item for item in parsed.components if _check_names(item, parsed, problems)]
    built = [item for item in built if classes[item.path]]
    for component in built:
        _check_captures(component, classes[component.path], parsed.data_manager, problems)
    captures = sum(not item.disabled for component in built for item in component.captures)
    placed = _placed(problems, document)
    return Report(placed, len(built), captures if parsed.data_manager else 0)


def _placed(problems: _AllProblems, document: Document) -> list[Problem]:
    placed = [
        Problem(document.find(path, path in problems.keys), path, message, severity)
        for path, message, severity in problems.items
    ]
    return sorted(placed, key=lambda problem: problem.position)


@contextmanager
def _drivers_from(folder: Path) -> Iterator[None]:
    """Makes `drivers.x` mean the file beside the config, and forgets it again."""
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == "drivers"]:
            del sys.modules[name]


def _check_model(component: Any, problems: _AllProblems, folder: Path) -> Any:
    """The class of the component's model with its attributes checked, or None."""
    path = component.path
    try:
        cls = registry.find(component.api, component.model)
    except ConfigError as error:
        known = [file.stem.replace("_", "-") for file in _MODELS.glob("*.py")]
        known += [file.stem for file in (folder / "drivers").glob("*.py")]
        hint = _did_you_mean(component.model, known) if error.key == "model" else ""
        at = "type" if error.key == "api" else error.key
        problems.add(f"{path}.{at}", f"{error}{hint}")
        return None
    except Exception as error:  # importing a user's driver may raise anything, it is their code
        message = f"drivers/{component.model}.py does not load on this computer: {error!r}"
        problems.add(f"{path}.model", message + "; its attributes are not checked", "warning")
        return None
    _, usable = read_attributes(
        cls.ATTRIBUTES, component.attributes, path + ".attributes", problems
    )
    return cls if usable else None


def _check_names(component: Any, parsed: Any, problems: _AllProblems) -> bool:
    """Whether the names that the component uses exist on the board."""
    boards = [item for item in parsed.components if item.api == "rdk:component:board"]
    good = True
    for key, kind in _NAMED_ON_BOARD.items():
        name = component.attributes.get(key)
        path = f"{component.path}.attributes.{key}"
        if not isinstance(name, str) or component.model == "fake":
            continue
        if not boards:
            problems.add(path, f'needs a board component with "{name}" in its {kind}', "warning")
        elif name not in _names(boards[0].attributes.get(kind)):
            message = f'board "{boards[0].name}" has no "{name}" in its {kind}'
            names = _names(boards[0].attributes.get(kind))
            problems.add(path, message + _did_you_mean(name, names))
            good = False
    return good


def _names(entries: Any) -> list[str]:
    entries = entries if isinstance(entries, list) else []
    return [str(entry.get("name")) for entry in entries if isinstance(entry, dict)]


def _check_captures(component: Any, cls: Any, manager: Any, problems: _AllProblems) -> None:
    for capture in component.captures:
        params, attributes = capture.params, component.attributes
        path = capture.path + ".additional_params."
        if capture.method == "Analogs":
            readers = _names(attributes.get("analogs"))
            if params["reader_name"] not in readers:
                hint = _did_you_mean(str(params["reader_name"]), readers)
                problems.add(path + "reader_name", "no such analog reader on this board" + hint)
        elif capture.method == "Gpios":
            if str(params["pin_name"]) not in map(str, attributes.get("pins") or []):
                problems.add(path + "pin_name", 'this pin is not in the board\'s "pins"')
        elif not hasattr(cls, getter_name(capture.method)):
            message = f'model "{component.model}" has no {capture.method}'
            problems.add(capture.path + ".method", message)
        if manager and not (manager.sync_disabled or capture.disabled):
            _check_room(capture, manager, problems)


def _check_room(capture: Any, manager: Any, problems: _AllProblems) -> None:
    """Warn when a ring overflows between two syncs even if every sync succeeds."""
    records = capture.cache_bytes // _BYTES_PER_RECORD.get(capture.method, 12)
    seconds = records * 1_000_000 // capture.frequency_uhz
    if seconds * 1000 < manager.sync_interval_ms:
        problems.add(
            capture.path,
            f"its cache holds about {seconds} s, less than the sync interval of"
            f" {manager.sync_interval_ms / 1000:g} s: the oldest readings will be dropped",
            "warning",
        )


def _did_you_mean(word: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(word, known, 1)
    return f', did you mean "{nearest[0]}"?' if nearest else ""
