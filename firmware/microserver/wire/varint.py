"""Protobuf's variable-length integers: seven bits per byte, least significant group first."""


class WireError(Exception):
    """The bytes are not what the protocol allows; nothing of them can be trusted."""


def size(n):
    """How many bytes `write` needs for `n` (0 <= n < 2**64)."""
    count = 1
    while n > 127:
        n >>= 7
        count += 1
    return count


def write(buf, at, n):
    """Writes `n` (0 <= n < 2**64) into `buf` from index `at`; returns the index behind it."""
    while n > 127:
        buf[at] = n & 127 | 128
        n >>= 7
        at += 1
    buf[at] = n
    return at + 1


def read(buf, at):
    """`(value, index behind it)`; WireError when `buf` ends early or the value exceeds 64 bits."""
    value = shift = 0
    while at < len(buf):
        byte = buf[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if shift == 63 and byte > 1:
                break
            return value, at
        shift += 7
        if shift > 63:
            break
    raise WireError("bad varint")
