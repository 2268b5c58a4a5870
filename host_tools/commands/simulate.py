"""Run the unchanged firmware on the real MicroPython, with simulated hardware.  No board needed.

The firmware's log goes to the terminal; Ctrl-C ends it with a last sync.  Exit code 0 after a
clean end, 1 when it could not run, 3 when the firmware crashed.
"""

import argparse
import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.firmware_path import FIRMWARE
from host_tools.simulator import compiled, interpreter
from host_tools.simulator.board_folder import BoardFolder
from host_tools.simulator.board_process import Board
from host_tools.simulator.sntp_responder import SntpResponder

HELP = "run the firmware on the real MicroPython, no board needed"
_CRASHED = 3
_EPILOG = """\
The heap is the firmware's alone, as on the board: the simulated chip's own modules, which are C
there, get 11 kB on top of it.
With --flash the board keeps its flash and its files (FILE.board/) for the next run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `microserver simulate`."""
    parser.epilog = _EPILOG
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--credentials", type=Path, metavar="viam.json",
                        help="credentials: the config comes from the cloud")  # fmt: skip
    source.add_argument("--config", type=Path, metavar="FILE",
                        help="a local robot config; drivers/ beside it is copied")  # fmt: skip
    parser.add_argument("--heap", default="96k", help="MicroPython's heap (default: 96k)")
    parser.add_argument("--flash", type=Path, metavar="FILE", help="keep the board in this image")
    parser.add_argument("--duration", type=float, metavar="SECONDS",
                        help="end after this time (default: on Ctrl-C)")  # fmt: skip
    parser.add_argument("--fast", action="store_true",
                        help="simulated time: waiting takes none; needs --duration")  # fmt: skip
    parser.add_argument("--report", type=Path, metavar="FILE.json",
                        help="write the firmware's diagnostics here at the end")  # fmt: skip
    parser.add_argument("--world", type=Path, metavar="FILE",
                        help="what the sensors feel: JSON, or a CSV recording")  # fmt: skip
    parser.add_argument("--single", action="store_true",
                        help="single-precision floats, as on the ESP32")  # fmt: skip
    parser.add_argument("--firmware", type=Path, default=FIRMWARE, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Run the board as asked; returns the exit code."""
    _check(arguments)
    if arguments.flash:
        flash = arguments.flash.resolve()
        return _run(arguments, BoardFolder(flash.with_name(flash.name + ".board"), flash))
    with tempfile.TemporaryDirectory(prefix="microserver-board-") as folder:
        return _run(arguments, BoardFolder(Path(folder), None))


def _check(arguments: argparse.Namespace) -> None:
    if not re.fullmatch(r"[0-9]+[kKmM]?", arguments.heap):
        raise UserError(f"--heap {arguments.heap}: a number of bytes, or with k or m")
    if arguments.fast and arguments.duration is None:
        raise UserError("--fast needs --duration")
    if arguments.report and not arguments.report.resolve().parent.is_dir():
        raise UserError(f"--report: {arguments.report.parent} is not a folder")


def _bytes(heap: str) -> int:
    factors = {"k": 1024, "m": 1024 * 1024}
    factor = factors.get(heap[-1].lower())
    return int(heap[:-1]) * factor if factor else int(heap)


def _run(arguments: argparse.Namespace, folder: BoardFolder) -> int:
    name = "viam.json" if arguments.credentials else "robot.json"
    folder.install(name, arguments.credentials or arguments.config)
    board = Board(
        folder=folder,
        micropython=_interpreter(single=arguments.single),
        firmware=compiled.compile_folder(
            arguments.firmware, short_names=arguments.firmware == FIRMWARE
        ),
        heap_bytes=_bytes(arguments.heap),
        fast=arguments.fast,
        report=folder.state / "report.json",
        i2c=folder.feel(arguments.world),
    )
    (folder.state / "report.json").unlink(missing_ok=True)
    with SntpResponder(lambda: time.time_ns() + folder.skipped_ms() * 1_000_000) as sntp:
        folder.set_up(sntp.port)
        code = board.run(arguments.duration)
    _account(board, arguments.report)
    if code:
        print(f"simulate: the firmware ended with exit code {code}", flush=True)
    return _CRASHED if code else 0


def _interpreter(*, single: bool) -> Path:
    name = interpreter.SINGLE if single else interpreter.DOUBLE
    found = interpreter.find(name)
    if found is None:
        raise UserError(f"{name} is not set up", "run `make setup`, it says why it cannot be")
    return found


def _account(board: Board, target: Path | None) -> None:
    """Prints what the board says of itself, and hands on its report."""
    written = board.folder.state / "report.json"
    report: dict[str, Any] = json.loads(written.read_text()) if written.exists() else {}
    elapsed = f"{board.elapsed_s():.1f} s"
    if board.fast:
        elapsed += f" (in {board.elapsed_s() - board.folder.skipped_ms() / 1000:.1f} s)"
    parts = [elapsed, f"{board.restarts} resets"]
    if simulator := report.get("simulator"):
        parts.append(
            f"heap {simulator['heap_used']} used, {simulator['heap_free']} free at the end"
        )
        parts.append(f"{simulator['flash_erases']} flash erases")
    print(f"simulate: ran {', '.join(parts)}", flush=True)
    if target and report:
        target.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
