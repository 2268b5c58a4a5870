"""Numbers as the eight bytes of the double that a person would write: 29.99, not 29.989999771.

The board's floats are single precision, so the doubles of protobuf are put together in integer
arithmetic: the shortest decimal that reads back as the same float32 is looked for, and the double
nearest to it is written.  Both are within half a step of the float32, so the double is the
float32's 24 bits with 29 more bits appended, and those are all that has to be computed.
"""

import struct

from micropython import const

_LEADING = const(1 << 23)  # the bit that float32 leaves out
_TAIL = const(1 << 29)
_MEMO_SIZE = const(24)


def float_writer(places, buffer, memo):
    """A generator that writes doubles into `buffer` for the floats that it is sent.

    It is sent (bytes, start) where they are; `places`: per float, which must be finite, a list of
    its offset from the start, where its 8 bytes go, and the two halves that `buffer` shows there,
    -1 at first: a float that is the same as the time before stays as it is.  `memo`: a dict for
    what depends on sign and exponent only.

    A decimal of p places is a multiple of 2**q / 5**p float32 steps, where the float is mantissa /
    2**(p + q).  So the distance to the nearest one is found modulo 2**q, in small integers for all
    but tiny and huge values; these take the general way.  One long loop, because each operator
    counts here: this is where an upload spends its time.  And a generator, because MicroPython
    looks for room in the heap whenever a function with so many variables is called.
    """
    pack_into = struct.pack_into
    low = high = error = tail = five = bias = 0  # the first 16 variables are the fastest
    while True:
        data, start = yield
        for place in places:
            index, at, last_low, last_high = place
            index += start
            low = data[index] | data[index + 1] << 8
            high = data[index + 2] | data[index + 3] << 8
            if low == last_low and high == last_high:
                continue
            place[2] = low
            place[3] = high
            try:
                known = memo[high >> 7]
            except KeyError:
                known = _remember(memo, high >> 7)
            five, factor, more, mask, bias, limit, whole, rest, top = known
            if not five:
                _put_rare(low, high, buffer, at)
                continue
            # The distance to the nearest decimal of p places, in steps of 1 / 5**p.
            if more:
                error = ((high & 0x7F | 0x80) << 16 | low) & mask
                for step in more:
                    error = error * step & mask
                error = bias - (error * factor + bias & mask)
            else:
                error = bias - (low * factor + bias & mask)
            if error > limit or error + limit < 0:  # reads as another float: one place more
                five *= 5
                bias >>= 1
                error = bias - (bias - error * 5 & (mask >> 1))
                if error + bias < 0:  # half way between two decimals
                    _put_rare(low, high, buffer, at)
                    continue
                whole = _TAIL // five
                rest = _TAIL % five << 1
            # The tail: error * 2**29 / 5**p, rounded; five is odd, so nothing lies half way.
            if five < 20000:
                tail = error * whole + (error * rest + five) // (five << 1)
            else:
                tail = 0
                for step in (11, 11, 7) if five < 400000 else (9, 9, 9, 2):
                    error <<= step
                    whole = error // five
                    error -= whole * five
                    tail = (tail << step) + whole
                if error << 1 > five:
                    tail += 1
            if tail < 0:
                tail += _TAIL
                low -= 1
                if low < 0:
                    low = 0xFFFF
                    high -= 1
            high = high << 13 | low >> 3
            low = (low & 7) << 13 | tail >> 16
            pack_into("<HHHH", buffer, at, tail & 0xFFFF, low, high & 0xFFFF, (high >> 16) + top)


def _remember(memo, key):
    """What a writer needs to know about sign and exponent, the 9 bits of `key`:

    5**p; its last factor modulo 2**q, and those before, so that products stay small integers;
    2**q - 1, 2**(q-1) - 1, 5**p // 2; quotient and twice the rest of 2**29 / 5**p; and what makes
    the top of a float that of a double.  5**p is 0 where the general way must be taken.
    """
    if len(memo) >= _MEMO_SIZE:
        memo.clear()
    bits = 150 - (key & 0xFF)
    five = places = 0
    if 2 < bits < 33:
        places = bits * 1233 >> 12  # the most with 10**places <= 2**bits
        five = 5**places
    half = 1 << max(bits - places - 1, 0)
    factors = []
    factor = five
    if half > 0x4000:  # then the upper half counts too
        factor = 1
        while places:
            if factor * 10 * half >> 30:
                factors.append(factor)
                factor = 1
            factor *= 5
            places -= 1
        factors = factors or (1,)
    whole = _TAIL // five if five else 0
    rest = _TAIL - whole * five << 1
    top = 0xA800 if key >> 8 else 0x3800  # 896, the difference of the biases, and the sign
    memo[key] = (five, factor, factors, 2 * half - 1, half - 1, five >> 1, whole, rest, top)
    return memo[key]


def _put_rare(low, high, buffer, at):
    """The general way, for any float but infinities and NaN."""
    mantissa = low | (high & 0x7F) << 16
    exponent = high >> 7 & 0xFF
    if exponent:
        mantissa |= _LEADING
    else:
        exponent = 1
    places = 150 - exponent  # the value is mantissa / 2**places
    fewest = places * 1233 >> 12  # the most with 10**fewest <= 2**places
    for decimals in (fewest, fewest + 1, fewest + 2):
        unit = 10 ** max(decimals, 0) << max(-places, 0)
        step = 10 ** max(-decimals, 0) << max(places, 0)
        whole = mantissa * unit // step
        error = whole * step - mantissa * unit
        if step + 2 * error < whole & 1:  # half to even
            whole += 1
            error += step
        # Exactly between two floats the even one is read; below a power of two steps are half.
        if error < 0 and mantissa == _LEADING:
            error *= 2
        if 2 * abs(error) + (mantissa & 1) <= unit:
            break
    whole *= 10 ** max(-decimals, 0)
    _put_ratio(high & 0x8000, whole, 10 ** max(decimals, 0), buffer, at)


def put_int(value, buffer, at):
    """Writes the double nearest to an integer of any size below 2**1023."""
    size = abs(value)
    sign = 0x8000 if value < 0 else 0
    if size >> 29 or not size:
        _put_ratio(sign, size, 1, buffer, at)
        return
    bits = len(bin(size)) - 2
    size <<= 29 - bits
    sign |= bits + 1022 << 4 | size >> 24 & 0xF
    struct.pack_into("<HHHH", buffer, at, 0, (size & 0xFF) << 8, size >> 8 & 0xFFFF, sign)


def _put_ratio(sign, over, under, buffer, at):
    """Writes the double nearest to a fraction of positive integers, or a zero."""
    double = 0
    if over:
        shift = 56 + len(bin(under)) - len(bin(over))
        over <<= max(shift, 0)
        under <<= max(-shift, 0)
        double = over // under  # of 56 or 57 bits
        if double * under != over:
            double |= 1
        extra = len(bin(double)) - 55
        # Half to even.  The leading bit of the mantissa adds one to the exponent.
        double += (1 << (extra - 1)) - 1 + (double >> extra & 1)
        double = (double >> extra) + (1074 + extra - shift << 52)
    buffer[at : at + 8] = (double | sign << 48).to_bytes(8, "little")
