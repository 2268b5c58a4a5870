"""Draws a series of numbers as a small chart in text."""

from itertools import pairwise

_LEVELS = " ▁▂▃▄▅▆▇█"
_STEPS = len(_LEVELS) - 1


def chart(values: list[float], width: int = 64, height: int = 6) -> str:
    """`height` lines of blocks, scaled to the values, with the extremes at the left edge."""
    points = _averages(values, width)
    low, high = min(points), max(points)
    span = (high - low) or 1.0
    filled = [round((point - low) / span * (height * _STEPS - 1)) + 1 for point in points]
    lines = []
    for row in reversed(range(height)):
        blocks = "".join(_LEVELS[min(max(n - row * _STEPS, 0), _STEPS)] for n in filled)
        edge = high if row == height - 1 else low if row == 0 else None
        label = f"{edge:9.3f}" if edge is not None else " " * 9
        lines.append(f"{label} |{blocks}")
    return "\n".join(lines)


def _averages(values: list[float], width: int) -> list[float]:
    """At most `width` points, each the mean of its share of the values."""
    count = min(width, len(values))
    edges = [index * len(values) // count for index in range(count + 1)]
    return [sum(values[start:end]) / (end - start) for start, end in pairwise(edges)]
