"""Our doubles are those that Python's own float() gives for the shortest decimal of a float32."""

import random
import struct
from collections.abc import Callable

import pytest

import host_tools.firmware_path  # noqa: F401  # isort: skip
from microserver.wire.decimal import float_writer, put_int


def shortest(bits: int) -> bytes:
    """The double of the shortest decimal that reads back as the float32 of these bits."""
    value = struct.unpack("<f", struct.pack("<I", bits))[0]
    for digits in range(1, 10):
        decimal = float(f"{value:.{digits}g}")
        try:
            if struct.unpack("<f", struct.pack("<f", decimal))[0] == value:
                return struct.pack("<d", decimal)
        except OverflowError:  # rounded up beyond the largest float32
            continue
    raise AssertionError(hex(bits))


def any_bits(rng: random.Random) -> int:
    return rng.getrandbits(32)


def short_decimal(rng: random.Random) -> int:
    value = rng.randrange(-(10**6), 10**6) / 10 ** rng.randrange(7)
    return int.from_bytes(struct.pack("<f", value), "little")


def usual_exponent(rng: random.Random) -> int:
    return rng.randrange(2) << 31 | rng.randrange(110, 150) << 23 | rng.getrandbits(23)


def few_bits(rng: random.Random) -> int:
    """Powers of two and their neighbours, where steps change and decimals lie half way."""
    mantissa = rng.choice((0, 1, 0x7FFFFF, 0x7FFFFE, rng.getrandbits(4) << 19))
    return rng.getrandbits(9) << 23 | mantissa


@pytest.mark.parametrize("kind", [any_bits, short_decimal, usual_exponent, few_bits])
def test_a_float_leaves_as_its_shortest_decimal(kind: Callable[[random.Random], int]) -> None:
    rng = random.Random(kind.__name__)
    buffer = bytearray(8)
    writer = float_writer(([0, 0, -1, -1],), buffer, {})
    next(writer)
    for _ in range(20_000):
        bits = kind(rng)
        if bits >> 23 & 0xFF != 0xFF:
            writer.send((struct.pack("<I", bits), 0))
            assert bytes(buffer) == shortest(bits), hex(bits)


def test_an_integer_leaves_as_the_nearest_double() -> None:
    rng = random.Random(3)
    buffer = bytearray(8)
    for _ in range(20_000):
        value = rng.choice((1, -1)) * rng.getrandbits(rng.randrange(1, 65))
        put_int(value, buffer, 0)
        assert bytes(buffer) == struct.pack("<d", value), value
