"""Finds the MicroPython interpreters that `host_tools/setup_micropython.py` has put in place."""

import os
import subprocess
from pathlib import Path

DOUBLE = "micropython"
SINGLE = "micropython-single"


def cache_folder() -> Path:
    """The user's cache folder for this project."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "microserver"


def micropython_folder() -> Path:
    """Where the interpreters, their libraries and their build live."""
    return cache_folder() / "micropython"


def find(name: str = DOUBLE) -> Path | None:
    """The interpreter (`DOUBLE` or `SINGLE` floats), or None if it was never set up."""
    path = micropython_folder() / "bin" / name
    return path if path.exists() else None


def is_usable(path: Path) -> bool:
    """True if this is MicroPython 1.25 or later with 32-bit objects, as the board has them."""
    program = "import sys; print(sys.implementation[1] >= (1, 25), sys.maxsize == 0x7fffffff)"
    try:
        done = subprocess.run([path, "-c", program], capture_output=True, timeout=10, check=False)
    except OSError:
        return False
    return done.stdout.split() == [b"True", b"True"]
