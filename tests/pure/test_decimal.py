"""A float32 becomes the double nearest to the shortest decimal that reads back as that float32."""

import struct

from microserver.wire.decimal import float_writer, put_int

# float32 bits and the bytes of the double of the decimal beside it; from CPython, float(decimal).
_CASES = (
    (0x41EFEB85, "3d0ad7a370fd3d40"),  # 29.99
    (0x3DCCCCCD, "9a9999999999b93f"),  # 0.1
    (0x4220CCCD, "9a99999999194440"),  # 40.2
    (0x80000000, "0000000000000080"),  # -0.0
    (0x00000000, "0000000000000000"),
    (0x3F800000, "000000000000f03f"),  # 1.0
    (0xC1AC0000, "00000000008035c0"),  # -21.5
    (0x4B7FFFFF, "000000e0ffff6f41"),  # 16777215.0
    (0x4B800000, "0000000000007041"),  # 16777216.0
    (0x501502F9, "000000205fa00242"),  # 1e10
    (0x51BA43B7, "000000e876483742"),  # 1e11
    (0x3089705F, "95d626e80b2e113e"),  # 1e-9
    (0x00000001, "b96a37ad01d69636"),  # 1e-45
    (0x7F7FFFFF, "f8af4de5ffffef47"),  # 3.4028235e38
    (0x0C000000, "0e452bffffff7f39"),  # 9.8607613e-32: below 2**-103 floats are denser
    (0x39800000, "0f4001f5ffff2f3f"),  # 0.00024414062, half way between two decimals
    (0x35000000, "fdf402010000a03e"),  # 4.7683716e-07, which is 2**-21
)


_MEMO = {}


def double_of(bits):
    buffer = bytearray(8)
    writer = float_writer(([1, 0, -1, -1],), buffer, _MEMO)
    next(writer)
    writer.send((struct.pack("<xHH", bits & 0xFFFF, bits >> 16), 0))
    return bytes(buffer)


def test_known_floats():
    for bits, want in _CASES:
        got = "".join(["%02x" % byte for byte in double_of(bits)])
        assert got == want, (hex(bits), got)


def test_an_unchanged_float_is_left_as_it_is():
    buffer = bytearray(8)
    writer = float_writer(([0, 0, -1, -1],), buffer, {})
    next(writer)
    writer.send((struct.pack("<f", 21.5), 0))
    first = bytes(buffer)
    buffer[7] = 1
    writer.send((struct.pack("<f", 21.5), 0))
    assert buffer[7] == 1
    writer.send((struct.pack("<xf", 43.0), 1))
    writer.send((struct.pack("<f", 21.5), 0))
    assert bytes(buffer) == first


def test_integers_are_exact():
    for value, want in (
        (0, "0000000000000000"),
        (1, "000000000000f03f"),
        (-1, "000000000000f0bf"),
        (4095, "0000000000feaf40"),
        (-32768, "000000000000e0c0"),
        (2147483647, "0000c0ffffffdf41"),
        (-(1 << 53) + 1, "ffffffffffff3fc3"),
        ((1 << 53) + 1, "0000000000004043"),
        ((1 << 53) + 3, "0200000000004043"),
        ((1 << 63) - 1, "000000000000e043"),
    ):
        buffer = bytearray(9)
        put_int(value, buffer, 1)
        assert "".join(["%02x" % byte for byte in buffer[1:]]) == want, value


def test_the_float_reads_back_from_the_double():
    bits = 12345
    for _ in range(3000):
        bits = (bits * 1103515245 + 12345) & 0xFFFFFFFF
        if bits >> 23 & 0xFF in (0, 255):
            continue
        mantissa = bits & 0x7FFFFF
        double = double_of(bits)
        high = struct.unpack("<HHHH", double)
        exponent = (high[3] >> 4 & 0x7FF) - 896
        whole = (high[3] & 0xF) << 48 | high[2] << 32 | high[1] << 16 | high[0]
        whole |= 1 << 52
        rounded = (whole + (1 << 28) - 1 + (whole >> 29 & 1)) >> 29  # to the nearest, or the even
        if rounded >> 24:
            rounded >>= 1
            exponent += 1
        assert (rounded & 0x7FFFFF, exponent) == (mantissa, bits >> 23 & 0xFF), hex(bits)
