"""The pure tests, and those for MicroPython only, run inside the real 32-bit MicroPython."""

import os
import subprocess
from pathlib import Path

import pytest

from host_tools.firmware_path import FIRMWARE, REPOSITORY
from host_tools.simulator import flash_file, interpreter

_TESTS = REPOSITORY / "tests"
_FILES = sorted([*_TESTS.glob("pure/test_*.py"), *_TESTS.glob("on_micropython/test_*.py")])
_SECONDS = 120  # far above what any file takes; only a hang gets there
_CHIP = REPOSITORY / "host_tools/simulator/board"  # machine, esp32, network


@pytest.mark.parametrize("name", [interpreter.DOUBLE, interpreter.SINGLE])
@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_the_tests_of_this_file_pass_in_micropython(path: Path, name: str, tmp_path: Path) -> None:
    micropython = interpreter.find(name)
    if micropython is None and name == interpreter.SINGLE:
        pytest.skip("the single-precision build could not be made here; `make setup` says why")
    assert micropython is not None, "run `make setup` first: no MicroPython in the cache"
    done = subprocess.run(
        [micropython, "-X", "heapsize=16m", _TESTS / "support/run_on_micropython.py", path],
        env={**os.environ, "MICROPYPATH": _search_path(path), **_chip_files(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
    passed = done.stdout.count("passed test_")
    assert done.returncode == 0 and passed > 0, done.stdout


def _search_path(test: Path) -> str:
    folders = [FIRMWARE, _TESTS / "support"]
    if test.parent.name == "on_micropython":
        folders.insert(0, _CHIP)
    return os.pathsep.join([*map(str, folders), ".frozen"])


def _chip_files(folder: Path) -> dict[str, str]:
    """A flash image and a state folder for the simulated chip."""
    flash_file.create(folder / "flash.img")
    return {"SIMULATED_FLASH": str(folder / "flash.img"), "SIMULATED_STATE": str(folder)}
