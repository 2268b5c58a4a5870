"""Builds MicroPython with 32-bit objects and single-precision floats, as the ESP32 has them.

Source, patches and libraries come from the distribution's package.  The system's own gcc compiles
for i386 against headers and libraries unpacked into the cache, so neither root nor a multilib
installation is needed.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from host_tools.simulator.debian_packages import PackageError, PrivateApt

_TOOLS = ("gcc", "make", "dpkg-source", "patch", "xz", "python3")
_LIBRARIES = ["libc6-dev", "libffi-dev", "libmbedtls-dev"]
_VARIANT = """\
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_FLOAT)
#define MICROPY_SCHEDULER_DEPTH (8)
#include "variants/mpconfigvariant_common.h"
"""
_OPTIONS = [  # the distribution's own, without the Java bridge
    "STRIP=true", "MICROPY_SSL_AXTLS=0", "MICROPY_SSL_MBEDTLS=1", "MICROPY_PY_BTREE=0",
    "MICROPY_PY_FFI=1", "MICROPY_PY_JNI=0", "LIBFFI_CFLAGS=", "LIBFFI_LDFLAGS=-lffi -ldl",
]  # fmt: skip


def recipe() -> str:
    """Names this way to build it: another recipe makes the old program out of date."""
    return hashlib.sha256("\0".join([_VARIANT, *_OPTIONS]).encode()).hexdigest()[:12]


def missing_tools() -> list[str]:
    """The commands that the build needs and this system lacks."""
    return [tool for tool in _TOOLS if not shutil.which(tool)]


def build(apt: PrivateApt, program: Path) -> None:
    """Builds the interpreter and puts it at `program`; PackageError says why it cannot be."""
    with tempfile.TemporaryDirectory(dir=program.parent, prefix="build-") as folder:
        _build_in(Path(folder), apt, program)


def _build_in(folder: Path, apt: PrivateApt, program: Path) -> None:
    version = _output(["gcc", "-dumpversion"])
    sysroot = folder / "sysroot"
    apt.unpack([*_LIBRARIES, f"libgcc-{version}-dev"], sysroot)
    if not (sysroot / "lib").exists():
        (sysroot / "lib").symlink_to("usr/lib")  # merged /usr: the linker scripts name /lib
    source = apt.source("micropython", folder / "source")
    _make(folder, source / "mpy-cross", [])
    variant = folder / "single"
    variant.mkdir()
    (variant / "mpconfigvariant.h").write_text(_VARIANT)
    (variant / "mpconfigvariant.mk").touch()
    options = [f"VARIANT_DIR={variant}", f"CC={_compiler(sysroot, version)}", *_OPTIONS]
    options.append(f"FROZEN_MANIFEST={source / 'debian/config/manifest.py'}")
    _make(folder, source / "ports/unix", options)
    shutil.move(source / "ports/unix/build-single/micropython", program)


def _compiler(sysroot: Path, version: str) -> str:
    # Position-independent programs from an older linker and this newer start code crash at start.
    startup = sysroot / f"usr/lib/gcc/i686-linux-gnu/{version}"
    return f"gcc -m32 --sysroot={sysroot} -B{startup} -fno-pie -no-pie"


def _make(folder: Path, directory: Path, options: list[str]) -> None:
    log = folder / "build.log"
    with log.open("w") as output:
        jobs = f"-j{os.cpu_count() or 1}"
        done = subprocess.run(
            ["make", jobs, "-C", str(directory), *options],
            stdout=output, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise PackageError(f"the compiler failed:\n{tail}")


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
