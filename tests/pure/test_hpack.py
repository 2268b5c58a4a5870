"""HPACK: the examples of RFC 7541, what may be left undecoded, and what must be refused."""

from expect import raises
from microserver.wire import huffman
from microserver.wire.hpack import Decoder, Encoder
from microserver.wire.varint import WireError

WANTED = (b":status", b"grpc-status", b"grpc-message", b"date", b"cache-control")


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
    decoder = Decoder(WANTED)
    first = hexed(
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff"
        "6e919d29ad171863c78f0b97c8e9ae82ae43d3"
    )
    date = b"Mon, 21 Oct 2013 20:13:21 GMT"
    assert decoder.decode(first) == {b":status": b"302", b"date": date}
    # the second names :status 307 and takes the rest from the table
    assert decoder.decode(hexed("4883640effc1c0bf")) == {b":status": b"307", b"date": date}


def test_a_repeated_header_is_found_behind_unwanted_ones():
    decoder = Decoder(WANTED)
    block = b"\x88\x40\x0bgrpc-status\x010" + b"\x40\x01x\x01y" * 3
    assert decoder.decode(block) == {b":status": b"200", b"grpc-status": b"0"}
    assert decoder.decode(b"\xc1\xbe") == {b"grpc-status": b"0"}
    assert decoder.decode(b"\x7f\x02\x017") == {b"grpc-status": b"7"}  # 62 + 3, name only


def test_entries_are_kept_at_least_as_long_as_the_peer_keeps_them():
    decoder = Decoder(WANTED)
    decoder.decode(b"\x40\x0bgrpc-status\x010")
    for count in range(92):  # 44 + 92 * 44 = 4092 bytes
        assert decoder.decode(b"\x40\x01x\x0bgrpc-status") == {}, count
    assert decoder.decode(b"\xff\x1b") == {b"grpc-status": b"0"}


def test_the_table_is_bounded_whatever_the_peer_inserts():
    decoder = Decoder(WANTED)
    for _ in range(1000):
        decoder.decode(b"\x40\x0cgrpc-message\x7f\x01" + b"m" * 128)
        decoder.decode(b"\x40\x01x\x01y")
    assert len(decoder._table) <= 128
    assert sum(len(value or b"") for _, value in decoder._table) <= 4096


def test_a_size_update_empties_the_table():
    decoder = Decoder(WANTED)
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
        assert raises(WireError, Decoder(WANTED).decode, block), block


def test_a_token_is_sent_once_and_again_when_it_changed():
    encoder = Encoder()
    headers = [(b":path", b"/p"), (b"authorization", b"Bearer t"), (b"batch-id", b"1")]
    path, batch = b"\0\x05:path\x02/p", b"\0\x08batch-id\x011"
    first = path + b"\x40\x0dauthorization\x08Bearer t" + batch
    assert encoder.encode(headers) == first
    assert encoder.encode(headers) == path + b"\xbe" + batch
    headers[1] = (b"authorization", b"Bearer u")
    assert encoder.encode(headers) == first.replace(b"r t", b"r u")
    assert encoder.encode(headers) == path + b"\xbe" + batch


def test_a_token_too_long_for_the_table_is_sent_each_time():
    encoder = Encoder()
    headers = [(b"authorization", b"t" * 5000)]
    block = encoder.encode(headers)
    assert block[:16] == b"\0\x0dauthorization\x7f" and encoder.encode(headers) == block


def test_a_smaller_table_of_the_peer_is_acknowledged_and_not_used():
    encoder = Encoder()
    headers = [(b"authorization", b"t")]
    encoder.encode(headers)
    encoder.set_limit(4095)
    assert encoder.encode(headers) == b"\x20\0\x0dauthorization\x01t"
    encoder.set_limit(4096)
    assert encoder.encode(headers) == b"\0\x0dauthorization\x01t"
