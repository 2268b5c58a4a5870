"""HPACK: the examples of RFC 7541, what may be left undecoded, and what must be refused."""

from expect import raises
from microserver.wire import huffman
from microserver.wire.grpc import WireError
from microserver.wire.hpack import HeaderCodec

WANTED = (b":status", b"grpc-status", b"grpc-message", b"date", b"cache-control")


def codec():
    return HeaderCodec("http", "host", WANTED)


def hexed(text):
    return bytes(int(text[at : at + 2], 16) for at in range(0, len(text), 2))


def test_huffman_strings_of_the_rfc_are_read():
    cases = (
        ("f1e3c2e5f23a6ba0ab90f4ff", b"www.example.com"),
        ("a8eb10649cbf", b"no-cache"),
        ("6402", b"302"),
        ("d07abe941054d444a8200595040b8166e082a62d1bff", b"Mon, 21 Oct 2013 20:13:21 GMT"),
        ("9acac8b21234da8f", b"grpc-status"),
        ("", b""),
    )
    for code, text in cases:
        assert huffman.decode(hexed(code)) == text


def test_wrong_huffman_padding_is_refused():
    for code in ("a8eb10649c", "a8eb10649cbfff", "ff", "1e", "ffffffff", "a8eb10649cb8"):
        assert raises(WireError, huffman.decode, hexed(code)), code


def test_responses_of_the_rfc_are_read_with_their_table():
    decoder = codec()
    first = hexed(
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff"
        "6e919d29ad171863c78f0b97c8e9ae82ae43d3"
    )
    date = b"Mon, 21 Oct 2013 20:13:21 GMT"
    assert decoder.decode(first) == {b":status": b"302", b"date": date}
    # the second names :status 307 and takes the rest from the table
    assert decoder.decode(hexed("4883640effc1c0bf")) == {b":status": b"307", b"date": date}


def test_a_repeated_header_is_found_behind_unwanted_ones():
    decoder = codec()
    block = b"\x88\x40\x0bgrpc-status\x010" + b"\x40\x01x\x01y" * 3
    assert decoder.decode(block) == {b":status": b"200", b"grpc-status": b"0"}
    assert decoder.decode(b"\xc1\xbe") == {b"grpc-status": b"0"}
    assert decoder.decode(b"\x7f\x02\x017") == {b"grpc-status": b"7"}  # 62 + 3, name only


def test_entries_are_kept_at_least_as_long_as_the_peer_keeps_them():
    decoder = codec()
    decoder.decode(b"\x40\x0bgrpc-status\x010")
    for count in range(92):  # 44 + 92 * 44 = 4092 bytes
        assert decoder.decode(b"\x40\x01x\x0bgrpc-status") == {}, count
    assert decoder.decode(b"\xff\x1b") == {b"grpc-status": b"0"}


def test_the_table_is_bounded_whatever_the_peer_inserts():
    decoder = codec()
    for _ in range(1000):
        decoder.decode(b"\x40\x0cgrpc-message\x7f\x01" + b"m" * 128)
        decoder.decode(b"\x40\x01x\x01y")
    assert len(decoder._table) <= 128
    assert sum(len(value or b"") for _, value in decoder._table) <= 4096


def test_a_size_update_empties_the_table():
    decoder = codec()
    decoder.decode(b"\x40\x0bgrpc-status\x010")
    assert decoder.decode(b"\x20\x3f\xe1\x1f\x88") == {b":status": b"200"}
    assert raises(WireError, decoder.decode, b"\xbe")


def test_malformed_blocks_are_refused():
    blocks = (
        b"\x80",  # index 0
        b"\xbe",  # beyond the table
        b"\xff\xff\xff\xff\xff\xff\x0f",  # an endless integer
        b"\xff",
        b"\x40",
        b"\x40\x05ab",
        b"\x40\x01a",
        b"\x00\x0bgrpc-status\x05a",
        b"\x3f\xe2\x1f",  # a table of 4097 bytes
    )
    for block in blocks:
        assert raises(WireError, codec().decode, block), block


COMMON = b"\x04\x02/p\x83\x86\x01\x04host\0\x02te\x08trailers\x0f\x10\x10application/grpc"
BATCH = b"\0\x08batch-id\x011"


def request(encoder, token):
    """What the header block of a request adds to that which all have."""
    block = bytes(encoder.encode("/p", token, (("batch-id", "1"),)))
    before, block = block.split(COMMON)
    assert block.endswith(BATCH)
    return before + block[: -len(BATCH)]


def test_a_request_is_literals_and_static_entries():
    assert codec().encode("/p", None, ()) == COMMON
    assert codec().encode("/p", None, (("batch-id", "1"),)) == COMMON + BATCH
    https = HeaderCodec("https", "host", WANTED).encode("/p", None, ())
    assert https == COMMON.replace(b"\x83\x86", b"\x83\x87")


def test_a_token_is_sent_once_and_again_when_it_changed():
    encoder = codec()
    assert request(encoder, "t") == b"\x57\x08Bearer t"
    assert request(encoder, "t") == b"\xbe"
    assert request(encoder, None) == b""
    assert request(encoder, "u") == b"\x57\x08Bearer u"
    assert request(encoder, "u") == b"\xbe"


def test_a_token_too_long_for_the_table_is_sent_each_time():
    encoder = codec()
    for size in (4045, 5000):  # "Bearer " and it, the name and 32 bytes: 4097 and more
        block = request(encoder, "t" * size)
        assert block[:3] == b"\x0f\x08\x7f" and request(encoder, "t" * size) == block
    assert request(encoder, "t" * 4044)[:2] == b"\x57\x7f"
    assert request(encoder, "t" * 4044) == b"\xbe"


def test_a_smaller_table_of_the_peer_is_acknowledged_and_not_used():
    encoder = codec()
    request(encoder, "t")
    encoder.stop_indexing()
    assert request(encoder, "t") == b"\x20\x0f\x08\x08Bearer t"
    encoder.stop_indexing()
    assert request(encoder, "t") == b"\x0f\x08\x08Bearer t"
