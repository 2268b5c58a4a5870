"""HPACK's Huffman code (RFC 7541, appendix B), decoded from its canonical form.

The code is canonical: sorted by length, then value, the codes of one length follow each other.  So
the symbols in that order and how many codes each length has are the whole table.
"""

from micropython import const

from microserver.wire.grpc import WireError

_SYMBOLS = const(
    b"012aceiost %-./3456789=A_bdfghlmnpru:BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz&*,;XZ!\"()?'+|#>\x00$@"
    b"[]~^}<`{\\\xc3\xd0\x80\x82\x83\xa2\xb8\xc2\xe0\xe2\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9"
    b"\xe3\xe5\xe6\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb"
    b"\xbd\xbe\xc4\xc6\xe4\xe8\xe9\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d"
    b"\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf\xc5\xe7\xef\x09\x8e\x90\x91\x94\x9f\xab\xce"
    b"\xd7\xe1\xec\xed\xc7\xcf\xea\xeb\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3"
    b"\xff\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe\x02\x03"
    b"\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\x1c\x1d"
    b"\x1e\x1f\x7f\xdc\xf9\x0a\x0d\x16"
)
# Pairs: length of a code in bits, how many symbols have such a code (EOS, 30 ones, left out).
_LENGTHS = const(
    b"\x05\x0a\x06\x1a\x07\x20\x08\x06\x0a\x05\x0b\x03\x0c\x02\x0d\x06\x0e\x02\x0f\x03\x13\x03"
    b"\x14\x08\x15\x0d\x16\x1a\x17\x1d\x18\x0c\x19\x04\x1a\x0f\x1b\x13\x1c\x1d\x1e\x03"
)


def decode(data):
    """The text of a Huffman-coded HPACK string as bytes; WireError when the code is wrong."""
    out = bytearray()
    at = bits = held = 0  # `held` bits in `bits` were read from data and not used yet
    while True:
        code = first = length = symbol = row = 0
        while True:
            if row == len(_LENGTHS):
                raise WireError("bad HPACK")
            step = _LENGTHS[row] - length
            if held < step:
                if at == len(data):
                    # the end: less than a byte of padding, all ones
                    length += held
                    if length < 8 and code << held | bits == (1 << length) - 1:
                        return bytes(out)
                    raise WireError("bad HPACK")
                bits = bits << 8 | data[at]
                at += 1
                held += 8
            held -= step
            length += step
            code = code << step | bits >> held
            bits &= (1 << held) - 1
            first <<= step
            count = _LENGTHS[row + 1]
            if code - first < count:
                out.append(_SYMBOLS[symbol + code - first])
                break
            first += count
            symbol += count
            row += 2
