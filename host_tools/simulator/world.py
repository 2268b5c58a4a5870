"""What the simulated sensors feel: generated, or replayed from a recording, as one small file.

`--world FILE` takes JSON with any of these keys (defaults: DEFAULTS), or a CSV recording whose
header names `time_s` and any of the columns of COLUMNS.
"""

import csv
import json
import math
import random
import struct
from pathlib import Path
from typing import Any

from host_tools.errors import UserError
from host_tools.simulator import recorded

DEFAULTS: dict[str, Any] = {
    "seed": 1,
    "seconds": 600,  # then it repeats
    "period_ms": 20,
    "motion": "shaking",  # or "still", or "recorded": see recorded.py
    "millivolts": {},  # pin: [mean, swing, seconds per swing, noise]; TMP36: 750 is 25 degrees
    "levels": {},  # input pin: seconds per square wave
    "temperature_c": 25.0,
    "wifi_dbm": -55,
    "no_wifi_s": [],  # [from, to] in seconds
    "i2c": [0x53, 0x68],  # devices that answer: an ADXL345 and an MPU6050
}
COLUMNS = {  # CSV column: index in the frame, steps per unit
    **{f"a{axis}_g": (index, 10000.0) for index, axis in enumerate("xyz")},
    **{f"g{axis}_dps": (3 + index, 100.0) for index, axis in enumerate("xyz")},
    "temperature_c": (6, 100.0),
    "wifi_dbm": (7, 1.0),
    **{f"pin{pin}_mv": (pin - 24, 1.0) for pin in range(32, 40)},
}
_MILLIVOLTS = (750.0, 30.0, 60.0, 1.0)

Frame = list[int]


def build(path: Path | None) -> tuple[bytes, list[int]]:
    """The world file for the board, and the I2C addresses that answer.  UserError if wrong."""
    if path is not None and path.suffix == ".csv":
        return _encode(*_from_csv(path)), list(DEFAULTS["i2c"])
    world = {**DEFAULTS, **(_read_json(path) if path else {})}
    motions = recorded.motions() if world["motion"] == "recorded" else []
    if motions:
        world |= {"period_ms": recorded.PERIOD_MS, "seconds": len(motions) // 10}
    try:
        return _encode(world["period_ms"], _generate(world, motions)), list(world["i2c"])
    except (TypeError, ValueError, KeyError) as error:
        raise UserError(
            f"{path}: {error}", "keys and values: host_tools/simulator/world.py"
        ) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        given = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: {error}") from error
    unknown = sorted(set(given) - set(DEFAULTS)) if isinstance(given, dict) else ["not an object"]
    if unknown:
        raise UserError(f"{path}: {', '.join(unknown)}", f"known keys: {', '.join(DEFAULTS)}")
    return dict(given)


def _encode(period_ms: int, frames: list[Frame]) -> bytes:
    bounded = [[max(-32768, min(32767, value)) for value in frame] for frame in frames]
    packed = b"".join(struct.pack("<18h", *frame) for frame in bounded)
    return struct.pack("<II", period_ms, len(frames)) + packed


def _generate(world: dict[str, Any], motions: list[recorded.Motion]) -> list[Frame]:
    source = random.Random(world["seed"])
    count = world["seconds"] * 1000 // world["period_ms"]
    frames = []
    for index in range(count):
        now = index * world["period_ms"] / 1000
        motion = motions[index % len(motions)] if motions else _motion(world["motion"], now)
        frames.append(_frame(world, now, motion, source))
    return frames


def _motion(kind: str, now: float) -> recorded.Motion:
    if kind not in ("still", "shaking"):
        raise ValueError(f"motion {kind!r}: still, shaking or recorded")
    swing = 0.3 if kind == "shaking" else 0.0
    turn, lean = 2 * math.pi * now / 3, 2 * math.pi * now / 7
    acceleration = (swing * math.sin(turn), swing * math.cos(lean), 1.0 + swing * math.sin(lean))
    return (*acceleration, *(100 * swing * value for value in (math.cos(turn), 0.1, 0.5)))


def _frame(
    world: dict[str, Any], now: float, motion: recorded.Motion, source: random.Random
) -> Frame:
    frame = [round(value * 10000) for value in motion[:3]]
    frame += [round(value * 100) for value in motion[3:]]
    lost = any(start <= now < end for start, end in world["no_wifi_s"])
    frame += [round(world["temperature_c"] * 100), 0 if lost else world["wifi_dbm"]]
    for pin in range(32, 40):
        mean, swing, seconds, noise = world["millivolts"].get(str(pin), _MILLIVOLTS)
        wave = swing * math.sin(2 * math.pi * now / seconds)
        frame.append(round(mean + wave + source.uniform(-noise, noise)))
    pins = {int(pin): now % seconds < seconds / 2 for pin, seconds in world["levels"].items()}
    high = sum(1 << pin for pin, level in pins.items() if level)
    words = (high & 0xFFFF, high >> 16 & 0xFFFF)
    return frame + [word - (word >> 15 << 16) for word in words]


def _from_csv(path: Path) -> tuple[int, list[Frame]]:
    """A recording at a steady period; columns that it lacks are still."""
    try:
        with path.open(newline="") as file:
            rows = [
                {key: float(value) for key, value in row.items()} for row in csv.DictReader(file)
            ]
        period_ms = round((rows[1]["time_s"] - rows[0]["time_s"]) * 1000)
    except (OSError, ValueError, TypeError, IndexError, KeyError) as error:
        raise UserError(
            f"{path}: {error!r}", "a header with time_s, then two rows or more"
        ) from error
    unknown = sorted(set(rows[0]) - set(COLUMNS) - {"time_s"})
    if unknown or period_ms < 1:
        known = ", ".join(COLUMNS)
        raise UserError(f"{path}: columns {unknown}, period {period_ms} ms", f"columns: {known}")
    still = {**DEFAULTS, "motion": "still", "period_ms": 1000, "seconds": 1}
    base = _generate(still, [])[0]
    return period_ms, [_replace(base, row) for row in rows]


def _replace(base: Frame, row: dict[str, float]) -> Frame:
    frame = list(base)
    for name, value in row.items():
        if name in COLUMNS:
            index, steps = COLUMNS[name]
            frame[index] = round(value * steps)
    return frame
