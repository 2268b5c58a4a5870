"""Counts the instructions of a MicroPython program with callgrind: repeatable to under 1 %.

Debian 12's valgrind cannot run the i386 interpreter of a newer suite, so the same suite's valgrind
is unpacked into the cache.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from host_tools.setup_micropython import write_script
from host_tools.simulator import interpreter
from host_tools.simulator.debian_packages import PackageError, PrivateApt

_FOLDER = interpreter.cache_folder() / "valgrind"
_COMMAND = _FOLDER / "bin" / "valgrind"


def set_up() -> None:
    """Unpack valgrind into the cache, once; raises PackageError."""
    if _COMMAND.exists():
        return
    print("bench: unpacking valgrind into the cache, once")
    root = _FOLDER / "root"
    apt = PrivateApt(_FOLDER / "apt", "sid", "amd64")
    apt.update()
    apt.unpack(["valgrind"], root)
    _COMMAND.parent.mkdir(exist_ok=True)
    write_script(
        _COMMAND,
        f"#!/bin/sh\nexport VALGRIND_LIB={root}/usr/libexec/valgrind\n"
        f'exec {root}/usr/bin/valgrind "$@"\n',
    )


def count(script: str, *arguments: str, heap: str = "1m", path: str = "") -> int:
    """Instructions that `micropython -m script arguments` executes from start to end."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "callgrind.out"
        command = [str(_COMMAND), "--tool=callgrind", f"--callgrind-out-file={output}"]
        command += [*_interpreter(), "-X", f"heapsize={heap}", "-m", script, *arguments]
        environment = os.environ | {"MICROPYPATH": path}
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False
        )
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not collected:
        raise PackageError(f"callgrind failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return int(collected[1])


def _interpreter() -> list[str]:
    """The interpreter without its shell wrapper: callgrind follows one process."""
    wrapper = interpreter.find()
    if wrapper is None:
        raise PackageError("no MicroPython: run `make setup`")
    line = wrapper.read_text().splitlines()[-1]
    return line.removeprefix("exec ").removesuffix(' "$@"').split()
