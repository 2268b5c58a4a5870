"""Puts the repository, firmware/ (with the `micropython` shim) and tests/support/ on sys.path."""

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parent
for _folder in (_TESTS / "support", _TESTS.parent):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

import host_tools.firmware_path  # noqa: F401

# These run inside MicroPython only: tests/host_tools/test_pure_on_micropython.py starts them.
collect_ignore = ["on_micropython"]
