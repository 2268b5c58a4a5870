"""Numbers as the eight bytes of the double that a person would write: 29.99, not 29.989999771.

The board's floats are single precision, so the doubles of protobuf are put together in integer
arithmetic: the shortest decimal that reads back as the same float32 is looked for, and the double
nearest to it is written.  Both are within half a step of the float32, so the double is the
float32's 24 bits with 29 more bits appended, and those are all that has to be computed.
"""

import struct

from micropython import const

_LEADING = const(1 << 23)  # the bit that float32 leaves out
_LOW = const((1 << 29) - 1)
_BIAS_STEP = const(896)  # exponent bias of a double minus that of a float32
_MEMO_SIZE = const(24)


def put_floats(words, last, places, buffer, memo):
    """Writes doubles into `buffer` for finite floats, given as halves of 16 bits in `words`.

    `places`: (index of the lower half, where its 8 bytes go) per float; one that is the same in
    `last` (None, or the words before) stays as it is.  `memo`: a dict for what depends on sign
    and exponent only.

    A decimal of p places is a multiple of 2**q / 5**p float32 steps, where the float is mantissa /
    2**(p + q).  So the distance to the nearest one is found modulo 2**q, in small integers for all
    but tiny and huge values; these take the general way.  Each operator counts here: this is
    where an upload spends its time.
    """
    pack_into = struct.pack_into
    for index, at in places:
        low = words[index]
        high = words[index + 1]
        if last and last[index] == low and last[index + 1] == high:
            continue
        try:
            five, limit, mask, half, factors, top = memo[high >> 7]
        except KeyError:
            five, limit, mask, half, factors, top = _remember(memo, high >> 7)
        if not five:
            _put_general(low, high, buffer, at)
            continue
        # The distance from the nearest decimal of p places, in steps of 1 / 5**p.
        error = (low if mask < 0x10000 else low | (high & 0x7F | 0x80) << 16) & mask
        for factor in factors:
            error = error * factor & mask
        if error > half:
            error -= mask + 1
        if (
            error > limit or error + limit < 0
        ):  # that decimal reads as another float: one place more
            five *= 5
            error = error * 5 & (mask >> 1)
            if error > half >> 1:
                error -= (mask >> 1) + 1
        # The tail: -error * 2**29 / 5**p, rounded, by long division in small integers.
        if five < 16384:
            error <<= 16
            tail = error // five
            error = error - tail * five << 14
            tail = (-tail << 13) - ((error // five + 1) >> 1)
        elif five < 400000:
            error <<= 11
            tail = error // five
            error = error - tail * five << 11
            step = error // five
            error = error - step * five << 8
            tail = (-(tail << 11) - step << 7) - ((error // five + 1) >> 1)
        else:
            tail = -(((error << 30) // five + 1) >> 1)
        if tail < 0:
            tail += 1 << 29
            low -= 1
            if low < 0:
                low = 0xFFFF
                high -= 1
        pack_into(
            "<HHHH",
            buffer,
            at,
            tail & 0xFFFF,
            (low & 7) << 13 | tail >> 16,
            (high & 7) << 13 | low >> 3,
            top | high >> 3 & 0xF,
        )


def _remember(memo, key):
    """(5**p, 5**p // 2, 2**q - 1, 2**(q-1), factors of 5**p, top of the double) for what stands
    above the mantissa, sign and exponent.

    The factors keep products within small integers.  5**p is 0 where the general way must be
    taken, which is right for all.
    """
    if len(memo) >= _MEMO_SIZE:
        memo.clear()
    exponent = key & 0xFF
    bits = 150 - exponent
    if not 2 < bits < 33:
        memo[key] = (0, 0, 0, 0, None, 0)
        return memo[key]
    places10 = bits * 1233 >> 12  # the most with 10**places10 <= 2**bits
    five = 5**places10
    half = 1 << (bits - places10 - 1)
    factors = []
    while places10:
        factor = 5
        places10 -= 1
        while places10 and factor * 10 * half < 1 << 30:
            factor *= 5
            places10 -= 1
        factors.append(factor)
    top = exponent + _BIAS_STEP << 4 | (key & 0x100) << 7
    memo[key] = (five, five >> 1, 2 * half - 1, half, tuple(factors), top)
    return memo[key]


def put_float32(value, buffer, at):
    """Writes the double of one finite float."""
    words = struct.unpack("<HH", struct.pack("<f", value))
    put_floats(words, None, ((0, at),), buffer, {})


def _put_general(low, high, buffer, at):
    """The general way, for any float but infinities and NaN."""
    mantissa = low | (high & 0x7F) << 16
    exponent = high >> 7 & 0xFF
    if exponent:
        mantissa |= _LEADING
    else:
        if not mantissa:
            struct.pack_into("<HHHH", buffer, at, 0, 0, 0, high & 0x8000)
            return
        exponent = 1
    places = 150 - exponent  # the value is mantissa / 2**places
    if places >= 0:
        decimals = places * 1233 >> 12  # the most with 10**decimals <= 2**places
        unit = 10**decimals
        error = _distance(mantissa * unit, places)
        if _reads_as_another(error, unit, mantissa):
            unit *= 10
            error = _distance(mantissa * unit, places)
    else:
        unit = 1 << -places
        zeros = -places * 1233 >> 12
        error = _distance_to_multiple(mantissa * unit, 10 ** (zeros + 1))
        if _reads_as_another(error, unit, mantissa):
            error = _distance_to_multiple(mantissa * unit, 10**zeros)
    if not error:
        tail = 0
    elif (error < 0 and mantissa == _LEADING) or mantissa < _LEADING:
        mantissa, tail, exponent = _normalised(mantissa, error, unit, exponent)
    else:
        tail = _rounded(error << 29, unit)
    _put(buffer, at, high & 0x8000, exponent + _BIAS_STEP, mantissa + (tail >> 29), tail & _LOW)


def _distance(scaled, places):
    """From `scaled` to the nearest multiple of 2**places."""
    rest = scaled & ((1 << places) - 1)
    return (1 << places) - rest if rest << 1 >> places else -rest


def _distance_to_multiple(scaled, power):
    rest = scaled % power
    return power - rest if 2 * rest >= power else -rest


def _reads_as_another(error, unit, mantissa):
    """Whether a decimal that is `error`/`unit` steps away would be read as another float32.

    Exactly between two floats the even one is read; below a power of two steps are half as wide.
    """
    if error < 0 and mantissa == _LEADING:
        return -4 * error > unit
    return 2 * abs(error) + (mantissa & 1) > unit


def _rounded(numerator, unit):
    """The integer nearest to a fraction, the even one of two."""
    whole = numerator // unit
    twice = 2 * (numerator - whole * unit)
    return whole + 1 if twice > unit or (twice == unit and whole & 1) else whole


def _normalised(mantissa, error, unit, exponent):
    """The rare cases whose leading bit moves: subnormal floats, and just below a power of two."""
    shift = 55 - len(bin(mantissa))
    if error < 0 and not mantissa & (mantissa - 1):
        shift += 1
    whole = (mantissa << shift) + _rounded(error << shift, unit)
    if whole >> 53:  # rounded back up to the power of two
        whole >>= 1
        shift -= 1
    return whole >> 29, whole & _LOW, exponent + 29 - shift


def put_int(value, buffer, at):
    """Writes the double nearest to an integer of any size below 2**1023."""
    size = abs(value)
    if not size:
        struct.pack_into("<HHHH", buffer, at, 0, 0, 0, 0)
        return
    bits = len(bin(size)) - 2
    low = 0
    if bits <= 24:
        size <<= 24 - bits
    else:
        if bits > 53:  # round half to even, as every other conversion does
            half = (1 << (bits - 54)) - 1 + (size >> (bits - 53) & 1)
            size = (size + half) >> (bits - 53)
            if size >> 53:
                size >>= 1
                bits += 1
        else:
            size <<= 53 - bits
        low = size & _LOW
        size >>= 29
    _put(buffer, at, 0x8000 if value < 0 else 0, bits + 1022, size, low)


def _put(buffer, at, sign, exponent, high, low):
    """A double of sign, biased exponent, 24 high bits (the first is implied), 29 low bits."""
    struct.pack_into(
        "<HHHH",
        buffer,
        at,
        low & 0xFFFF,
        low >> 16 | (high & 7) << 13,
        high >> 3 & 0xFFFF,
        high >> 19 & 0xF | exponent << 4 | sign,
    )
