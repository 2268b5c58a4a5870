"""gRPC-Web responses, however they are cut, are understood; what is wrong in them is refused."""

from expect import raises
from microserver.wire.grpc import WireError, message_prefix
from microserver.wire.grpc_web import Response, request_head

TYPE = b"Content-Type: application/grpc-web+proto\r\n"
TRAILERS = b"grpc-status: 0\r\n"
FRAMES = message_prefix(2) + b"hi" + b"\x80\0\0\0\x10" + TRAILERS


def answer(headers, body):
    return b"HTTP/1.1 200 OK\r\n" + TYPE + headers + b"\r\n" + body


def with_length(body):
    return answer(b"Content-Length: %d\r\n" % len(body), body)


def parse(wire, cut=0, limit=1000):
    response = Response(limit)
    response.receive(wire[:cut])
    response.receive(wire[cut:])
    return response


def test_every_split_of_a_response_gives_the_same_answer():
    chunked = b"5;x=y\r\n" + FRAMES[:5] + b"\r\n%x\r\n" % (len(FRAMES) - 5) + FRAMES[5:]
    chunked += b"\r\n0\r\nx: y\r\n\r\n"
    date = b"Date: Fri, 20 Nov 2026 21:12:00 GMT\r\n"
    wires = (
        with_length(FRAMES),
        answer(b"Transfer-Encoding: chunked\r\n" + date, chunked),
        b"HTTP/1.1 100 Continue\r\n\r\n" + with_length(FRAMES),
        answer(b"", FRAMES),
    )
    for wire in wires:
        for cut in range(len(wire)):
            response = parse(wire, cut)
            assert response.done and response.grpc_status == 0, (cut, response.grpc_message)
            assert response.message == b"hi"
    assert parse(wires[1]).date == b"Fri, 20 Nov 2026 21:12:00 GMT"


def test_a_connection_is_kept_when_the_response_has_a_length():
    assert parse(with_length(FRAMES)).keep_alive
    assert not parse(answer(b"", FRAMES)).keep_alive
    closing = answer(b"Connection: close\r\nContent-Length: %d\r\n" % len(FRAMES), FRAMES)
    assert not parse(closing).keep_alive
    assert not parse(with_length(FRAMES) + b"x").keep_alive
    assert not parse(b"HTTP/1.0" + with_length(FRAMES)[8:]).keep_alive


def test_a_response_cut_short_is_not_done():
    wire = with_length(FRAMES)
    for cut in range(len(wire)):
        response = Response(1000)
        response.receive(wire[:cut])
        assert not response.done, cut


def test_trailers_in_the_head_are_an_answer():
    response = parse(
        answer(b"grpc-status: 7\r\ngrpc-message: no%21\r\nContent-Length: 0\r\n", b"")
    )
    assert (response.grpc_status, response.grpc_message) == (7, "no!")
    assert response.keep_alive


def test_trailers_in_the_body_carry_the_error():
    text = b"grpc-status:5\r\ngrpc-message:none\r\n"
    response = parse(with_length(b"\x80\0\0\0" + bytes((len(text),)) + text))
    assert (response.grpc_status, response.grpc_message) == (5, "none")


def test_an_answer_without_status_is_unknown():
    assert parse(with_length(message_prefix(2) + b"hi")).grpc_status == 2


def test_ok_without_exactly_one_message_is_internal():
    assert parse(with_length(FRAMES[7:])).grpc_status == 13
    assert parse(with_length(FRAMES[:7] + FRAMES)).grpc_status == 13


def test_what_is_not_grpc_web_is_an_error_at_once():
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n"
    response = parse(page)
    assert response.done and response.grpc_status == 2 and not response.keep_alive
    response = parse(b"HTTP/1.1 503 Busy\r\nContent-Length: 900000\r\n\r\n")
    assert response.done and response.grpc_status == 14 and response.http_status == 503


def test_a_body_over_the_limit_ends_the_call():
    for wire in (
        with_length(FRAMES),
        answer(b"Transfer-Encoding: chunked\r\n", b"%x\r\n" % len(FRAMES) + FRAMES),
    ):
        response = parse(wire, limit=10)
        assert response.done and response.grpc_status == 8 and not response.keep_alive


def test_garbage_is_refused():
    head = b"HTTP/1.1 200 OK\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n"
    for wire in (
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 abc\r\n",
        head + b"no colon\r\n",
        head + b"x: " + b"y" * 3000,
        head + b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 200,
        answer(chunked, b"zz\r\n"),
        answer(chunked, b"-1\r\n"),
        answer(chunked, b"2\r\nabc\r\n"),
        with_length(FRAMES[:8]),
        with_length(b"\1" + FRAMES[1:]),
    ):
        assert raises(WireError, parse, wire), wire


def test_the_request_is_http_1_1_with_its_length_and_metadata():
    head = request_head("host:1", "/a.B/C", "t", [("batch-id", "7")], 12)
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a.B/C HTTP/1.1" and lines[-2:] == ["", ""]
    for line in (
        "host: host:1",
        "content-type: application/grpc-web+proto",
        "x-grpc-web: 1",
        "content-length: 12",
        "authorization: Bearer t",
        "batch-id: 7",
    ):
        assert line in lines, line
    assert b"authorization" not in request_head("h", "/p", None, (), 0)
