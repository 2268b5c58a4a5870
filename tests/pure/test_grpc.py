"""gRPC framing and status: what arrives in pieces is put together, only a real OK is OK."""

from expect import raises
from microserver.wire.grpc import GrpcError, single_message
from microserver.wire.grpc_status import final_status, percent_decode


def test_a_unary_answer_is_exactly_one_message():
    assert single_message(bytearray(b"\0\0\0\0\2ok")) == b"ok"
    assert single_message(b"\0\0\0\0\0") == b""
    for body in (
        b"",
        b"\0\0\0",
        b"\0\0\0\0\2o",
        b"\0\0\0\0\2okk",
        b"\1\0\0\0\0",
        b"\0\0\0\0\0\0\0\0\0\0",
    ):
        assert raises(GrpcError, single_message, body).status == 13, body


def test_only_http_200_with_grpc_status_0_is_ok():
    assert final_status(200, b"0", None) == (0, "")
    assert final_status(200, b"5", b"no%20such%0Apart") == (5, "no such\npart")
    assert final_status(503, b"0", None) == (14, "HTTP status 503")
    assert final_status(503, b"8", b"slow") == (8, "slow")
    assert final_status(200, None, None)[0] == 2
    assert final_status(200, b"x", None)[0] == 2
    assert final_status(None, b"0", None)[0] == 2
    assert final_status(None, None, None)[0] == 2


def test_an_http_status_becomes_the_grpc_status_of_the_specification():
    expected = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14, 500: 2}
    for http_status in expected:
        assert final_status(http_status, None, None)[0] == expected[http_status], http_status


def test_a_message_that_is_badly_percent_encoded_is_shown_as_it_came():
    assert "100%" in percent_decode(b"100%")
    assert "%zz%41" in percent_decode(b"%zz%41")
    assert percent_decode(b"caf%C3%A9 100%25") == "caf\u00e9 100%"
    assert "ff" in percent_decode(b"%ff")


def test_an_error_names_its_status():
    assert str(GrpcError(14, "gone")) == "UNAVAILABLE: gone"
    assert str(GrpcError(16, "")) == "UNAUTHENTICATED: "
    assert str(GrpcError(17, "x")) == "status 17: x"
