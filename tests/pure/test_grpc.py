"""gRPC framing and status: what arrives in pieces is put together, only a real OK is OK."""

from expect import raises
from microserver.wire.grpc import (
    GrpcError,
    MessageDecoder,
    call_headers,
    final_status,
    message_prefix,
    percent_decode,
    single_message,
    status_name,
)


def drain(decoder):
    messages = []
    while (message := decoder.next_message()) is not None:
        messages.append(message)
    return messages


def test_every_split_of_the_wire_gives_the_same_messages():
    wire = message_prefix(3) + b"abc" + message_prefix(0) + message_prefix(2) + b"de"
    for cut in range(len(wire) + 1):
        decoder = MessageDecoder(100)
        decoder.feed(wire[:cut])
        messages = drain(decoder)
        decoder.feed(wire[cut:])
        messages += drain(decoder)
        assert messages == [b"abc", b"", b"de"], cut


def test_a_length_over_the_limit_is_refused_before_its_bytes_arrive():
    decoder = MessageDecoder(10)
    decoder.feed(message_prefix(11))
    assert raises(GrpcError, decoder.next_message).status == 8


def test_a_compressed_message_is_refused():
    decoder = MessageDecoder(10)
    decoder.feed(b"\1\0\0\0\0")
    assert raises(GrpcError, decoder.next_message).status == 12
    assert raises(GrpcError, single_message, b"\1\0\0\0\0").status == 12


def test_a_unary_answer_is_exactly_one_message():
    assert single_message(bytearray(b"\0\0\0\0\2ok")) == b"ok"
    assert single_message(b"\0\0\0\0\0") == b""
    for body in (b"", b"\0\0\0", b"\0\0\0\0\2o", b"\0\0\0\0\2okk", b"\0\0\0\0\0\0\0\0\0\0"):
        assert raises(GrpcError, single_message, body).status == 13, body


def test_only_http_200_with_grpc_status_0_is_ok():
    assert final_status(200, b"0", None) == (0, "")
    assert final_status(200, b"5", b"no%20such%0Apart") == (5, "no such\npart")
    assert final_status(503, b"0", None) == (14, "HTTP status 503")
    assert final_status(503, b"8", b"slow") == (8, "slow")
    assert final_status(200, None, None)[0] == 2
    assert final_status(200, b"x", None)[0] == 2
    assert final_status(None, None, None)[0] == 2


def test_an_http_status_becomes_the_grpc_status_of_the_specification():
    expected = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14, 500: 2}
    for http_status in expected:
        assert final_status(http_status, None, None)[0] == expected[http_status], http_status


def test_a_message_that_is_badly_percent_encoded_is_shown_as_it_came():
    assert percent_decode(b"100%") == "100%"
    assert percent_decode(b"%zz%41") == "%zzA"
    assert percent_decode(b"caf%C3%A9") == "caf\u00e9"
    assert "ff" in percent_decode(b"%ff")


def test_an_error_names_its_status():
    assert str(GrpcError(14, "gone")) == "UNAVAILABLE: gone"
    assert status_name(16) == "UNAUTHENTICATED"
    assert status_name(17) == "status 17"


def test_a_call_says_what_grpc_demands():
    headers = call_headers("/a.B/C", "host:1", "http", "t", [("batch-id", "7")])
    assert headers[0] == (b":method", b"POST")
    assert (b":path", b"/a.B/C") in headers
    assert (b"te", b"trailers") in headers
    assert (b"content-type", b"application/grpc") in headers
    assert headers[-2:] == [(b"authorization", b"Bearer t"), (b"batch-id", b"7")]
    assert len(call_headers("/p", "h", "http", None, ())) == 6
