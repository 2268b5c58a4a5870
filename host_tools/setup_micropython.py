"""Puts the real 32-bit MicroPython into the user's cache folder.  No root; says what it does.

    python3 -m host_tools.setup_micropython [--allow-unverified]

Debian's own package is unpacked (sid, else trixie), with the libraries it needs, and started
through its own dynamic linker, so that any Debian on x86-64 can run it.  Then the
single-precision variant is built from the same package's source.  A second run changes nothing.
"""

import argparse
import fcntl
import os
import platform
import shutil
import sys
import time
from pathlib import Path

from host_tools.simulator import interpreter, single_precision
from host_tools.simulator.debian_packages import PackageError, PrivateApt

_SUITES = ("sid", "trixie")
_ARCHITECTURE = "i386"
_WRAPPER = """#!/bin/sh
exec {root}/usr/lib/ld-linux.so.2 --library-path {root}/usr/lib/i386-linux-gnu {program} "$@"
"""


def main() -> int:
    """Sets up what is missing; exit code 1 if the firmware cannot be run afterwards."""
    parser = argparse.ArgumentParser(prog="setup_micropython", description=__doc__)
    parser.add_argument(
        "--allow-unverified", action="store_true",
        help="use the packages even if this system cannot verify their signature",
    )  # fmt: skip
    arguments = parser.parse_args()
    folder = interpreter.micropython_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two set-ups at once wait for each other
        return _set_up(verify=not arguments.allow_unverified)


def _set_up(*, verify: bool) -> int:
    try:
        set_up_double(verify=verify)
    except PackageError as error:
        print(f"error: no 32-bit MicroPython: {error}", file=sys.stderr)
        print("Put a 32-bit `micropython` >= 1.25 on the PATH, or see --help.", file=sys.stderr)
        return 1
    try:
        set_up_single(verify=verify)
    except PackageError as error:
        print(f"MicroPython: no single-precision build, its tests are skipped: {error}")
    return 0


def set_up_double(*, verify: bool) -> None:
    """Makes `bin/micropython` usable; raises PackageError."""
    wrapper = _wrapper(interpreter.DOUBLE)
    if _is_in_place(wrapper):
        return
    own = shutil.which("micropython")
    if own and interpreter.is_usable(Path(own)):
        print(f"MicroPython: using the system's {own}")
        write_script(wrapper, f'#!/bin/sh\nexec {own} "$@"\n')
        return
    _unpack_from_debian(wrapper, verify)


def set_up_single(*, verify: bool) -> None:
    """Makes `bin/micropython-single` usable; raises PackageError."""
    wrapper = _wrapper(interpreter.SINGLE)
    recipe = single_precision.recipe()
    if wrapper.exists() and recipe in wrapper.read_text() and _is_in_place(wrapper):
        return
    root = interpreter.micropython_folder() / "root"
    if not root.exists():
        raise PackageError("the system's own MicroPython is used, its libraries are not in reach")
    missing = single_precision.missing_tools()
    if missing:
        raise PackageError(f"{', '.join(missing)} not found (apt-get install build-essential)")
    started = time.monotonic()
    apt = updated_apt(verify=verify)
    print("MicroPython: building the single-precision variant (about 30 s)")
    program = interpreter.micropython_folder() / f"{interpreter.SINGLE}-{recipe}"
    single_precision.build(apt, program)
    _install(wrapper, root, program, started)


def _wrapper(name: str) -> Path:
    folder = interpreter.micropython_folder() / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _is_in_place(wrapper: Path) -> bool:
    usable = wrapper.exists() and interpreter.is_usable(wrapper)
    if usable:
        print(f"MicroPython: {wrapper} is in place")
    return usable


def _install(wrapper: Path, root: Path, program: Path, started: float) -> None:
    write_script(wrapper, _WRAPPER.format(root=root, program=program))
    if not interpreter.is_usable(wrapper):
        wrapper.unlink()
        raise PackageError(f"{program} does not run; remove {root.parent} and try again")
    print(f"MicroPython: {wrapper} is ready ({time.monotonic() - started:.0f} s)")


def _unpack_from_debian(wrapper: Path, verify: bool) -> None:
    if platform.machine() not in ("x86_64", "i686"):
        raise PackageError(f"a processor of type {platform.machine()} does not run i386 programs")
    root = interpreter.micropython_folder() / "root"
    started = time.monotonic()
    shutil.rmtree(root, ignore_errors=True)
    apt = updated_apt(verify=verify)
    apt.unpack(["micropython"], root)
    _install(wrapper, root, root / "usr/bin/micropython", started)


def updated_apt(*, verify: bool) -> PrivateApt:
    """A private apt with fresh lists of the first suite that can be had."""
    problems = []
    for suite in _SUITES:
        print(f"MicroPython: reading the package list of Debian {suite} ({_ARCHITECTURE})")
        apt = PrivateApt(
            interpreter.micropython_folder() / "apt", suite, _ARCHITECTURE, verify=verify
        )
        try:
            apt.update()
        except PackageError as error:
            problems.append(str(error))
        else:
            return apt
    hint = " (--allow-unverified skips the signature check)" if verify else ""
    raise PackageError("; ".join(problems) + hint)


def write_script(path: Path, text: str) -> None:
    """Writes an executable file in one step, so that an interrupted set-up leaves none."""
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(text)
    temporary.chmod(0o755)
    temporary.rename(path)


if __name__ == "__main__":
    sys.exit(main())
