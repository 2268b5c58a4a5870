"""Balances what the firmware says it captured against what the SDK reads back."""

from dataclasses import dataclass
from typing import Any

from host_tools.demonstration.reader import Series


@dataclass(frozen=True)
class Line:
    """One collector's account, in readings; `bytes_per_reading` is what the ring stores."""

    name: str
    captured: int
    bytes_per_reading: float
    dropped: int
    missed: int
    uploads: int
    rows: int
    lost: int
    duplicated: int


HEADINGS = (
    "collector",
    "captured",
    "bytes/reading",
    "dropped",
    "missed",
    "uploads",
    "rows in cloud",
    "lost",
    "duplicated",
)


def balance(report: dict[str, Any], series: Series) -> list[Line]:
    """One line per collector of the firmware's report.

    Lost: captured, but neither in the cloud nor counted by the firmware as dropped, damaged in
    flash, or still stored.  Duplicated: rows beyond the first with the same time.
    """
    return [_line(collector, series) for collector in report["collectors"]]


def _line(collector: dict[str, Any], series: Series) -> Line:
    rows = series.get((collector["component"], collector["method"]), [])
    distinct = len({requested for requested, _ in rows})
    given_up = collector["dropped"] + collector["rejected"] + collector["lost"]
    captured = collector["captured"]
    return Line(
        name=collector["name"],
        captured=captured,
        bytes_per_reading=collector["stored_bytes"] / max(1, captured),
        dropped=given_up,
        missed=collector["missed"],
        uploads=collector.get("sync", {}).get("uploads", 0),
        rows=len(rows),
        lost=captured - given_up - collector["records"] - distinct,
        duplicated=len(rows) - distinct,
    )


def table(lines: list[Line]) -> str:
    """The account as aligned text."""
    cells = [HEADINGS, *(_cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )


def _cells(line: Line) -> tuple[str, ...]:
    numbers = (line.dropped, line.missed, line.uploads, line.rows, line.lost, line.duplicated)
    size = f"{line.bytes_per_reading:.1f}"
    return (line.name, str(line.captured), size, *(str(number) for number in numbers))
