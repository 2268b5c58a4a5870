"""`check`: find the mistakes in a robot config before the board does, with the board's own rules.

Problems are printed as `file:line:column: path: severity: message`.  An error costs the component
or capture method it stands at; a warning or a note costs nothing.  A driver of your own is looked
for in `drivers/` beside the file and loaded for its attributes.
"""

import argparse
import json
from pathlib import Path

from host_tools.configuration.checker import Problem, Report, check
from host_tools.errors import UserError

HELP = "find the mistakes in a robot config"
_WIDTH = 96  # of the shown part of a line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The config's file, and how to answer."""
    parser.add_argument("file", metavar="FILE", help="robot config (JSON)")
    parser.add_argument("--json", action="store_true", help="answer for a script, as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0: the config can be used (maybe with warnings); 1: there are errors."""
    path = Path(arguments.file)
    text = _read(path)
    report = check(text, path.resolve().parent)
    if arguments.json:
        print(json.dumps(_as_json(arguments.file, report), indent=2))
    else:
        for problem in report.problems:
            _show(arguments.file, problem, text)
        print(_summary(arguments.file, report))
    return 1 if report.count("error") else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: byte {error.start}") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def _show(file: str, problem: Problem, text: str) -> None:
    line, column = problem.position
    path = f"{problem.path}: " if problem.path else ""
    print(f"{file}:{line}:{column}: {path}{problem.severity}: {problem.message}")
    # Split at newlines only, as the columns were counted.
    source = text.split("\n")[line - 1].rstrip("\r")
    start = max(0, column - 1 - _WIDTH // 2) if len(source) > _WIDTH else 0
    before = source[start : column - 1]
    print("    " + source[start : start + _WIDTH])
    print("    " + "".join("\t" if character == "\t" else " " for character in before) + "^")


def _summary(file: str, report: Report) -> str:
    counts = [_counted(report.count(kind), kind) for kind in ("error", "warning")]
    found = ", ".join(text for text in counts if text[0] != "0") or "ok"
    runs = f"{_counted(report.components, 'component')}, {_counted(report.captures, 'capture')}"
    return f"{file}: {found} ({runs})"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _as_json(file: str, report: Report) -> dict[str, object]:
    return {
        "file": file,
        "errors": report.count("error"),
        "warnings": report.count("warning"),
        "components": report.components,
        "captures": report.captures,
        "problems": [
            {
                "line": problem.position.line,
                "column": problem.position.column,
                "path": problem.path,
                "severity": problem.severity,
                "message": problem.message,
            }
            for problem in report.problems
        ],
    }
