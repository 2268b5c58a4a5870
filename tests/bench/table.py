"""A figure of the benchmark and how it is printed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`must`: what it must reach, "" when it is only told."""

    name: str
    value: str
    must: str = ""

    def __str__(self) -> str:
        return f"{self.name:<66} {self.value:>20}   {self.must}".rstrip()
