"""The HTTP/2 client: answers in pieces, flow control, and the attacks that its limits stop."""

from expect import raises
from microserver.wire.grpc import WireError
from microserver.wire.http2 import Http2Client, frame_header

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
GREETING = frame_header(0, SETTINGS, 0, 0)
OK_HEAD = b"\x88"
TRAILERS = b"\x00\x0bgrpc-status\x010"
MESSAGE = b"\0\0\0\0\2hi"


def frame(kind, flags, stream, payload=b""):
    return frame_header(len(payload), kind, flags, stream) + payload


def number(value):
    return value.to_bytes(4, "big")


def connected(max_body=100):
    """A connection that has greeted its peer, and one open call."""
    connection = Http2Client("http", "host", max_body)
    connection.receive(GREETING)
    call = connection.open_call("/s/M")
    connection.outgoing[:] = b""
    return connection, call


def sent(connection):
    """The (kind, flags, stream, payload) of the control frames that wait to be sent."""
    data = bytes(connection.outgoing)
    connection.outgoing[:] = b""
    frames = []
    while data:
        end = 9 + int.from_bytes(data[:3], "big")
        frames.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9:end]))
        data = data[end:]
    return frames


def answered(wire, cut=0):
    connection, call = connected()
    connection.data_header(call, 0, True)
    connection.receive(wire[:cut])
    connection.receive(wire[cut:])
    return call


def fails(wire, code):
    connection, _call = connected()
    error = raises(WireError, connection.receive, wire)
    kind, _flags, _stream, payload = sent(connection)[-1]
    assert error.code == code and connection.closed, (error.code, str(error))
    assert (kind, payload[4:]) == (GOAWAY, number(code))
    return True


def test_the_connection_begins_with_the_preface_and_settings():
    connection = Http2Client("http", "host")
    assert connection.outgoing[:24] == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    connection.outgoing[:24] = b""
    kind, flags, stream, payload = sent(connection)[0]
    assert (kind, flags, stream) == (SETTINGS, 0, 0)
    assert b"\0\2\0\0\0\0" in payload and b"\0\4\0\0\x20\1" in payload


def test_a_call_says_what_grpc_demands():
    connection = Http2Client("http", "host:1")
    connection.outgoing[:] = b""
    connection.open_call("/a.B/C", "t", (("batch-id", "7"),))
    kind, flags, stream, block = sent(connection)[0]
    assert (kind, flags, stream) == (HEADERS, 4, 1)
    assert block[:2] == b"\x04\x06" and block[2:8] == b"/a.B/C"
    assert block[8:10] == b"\x83\x86" and b"\x06host:1" in block
    assert b"\x02te\x08trailers" in block and b"\x10application/grpc" in block
    assert block.endswith(b"\x57\x08Bearer t" + b"\0\x08batch-id\x017")


def test_every_split_of_an_answer_gives_the_same_answer():
    wire = frame(HEADERS, 4, 1, OK_HEAD + b"\x0f\x12\x04date") + frame(DATA, 0, 1, MESSAGE[:3])
    wire += frame(DATA, 8, 1, b"\x03" + MESSAGE[3:] + b"\0\0\0") + frame(PING, 0, 0, b"12345678")
    wire += frame(HEADERS, 5, 1, TRAILERS)
    for cut in range(len(wire)):
        call = answered(wire, cut)
        assert call.done and call.http_status == 200 and call.grpc_status == 0, cut
        assert call.body == MESSAGE and call.date == b"date", cut


def test_a_header_block_may_be_padded_prioritised_and_continued():
    head = frame(HEADERS, 0x28, 1, b"\x02" + b"\0\0\0\0\x10" + OK_HEAD + TRAILERS[:4] + b"\0\0")
    head = head[:4] + b"\x29" + head[5:]  # END_STREAM: the block goes on in CONTINUATION
    wire = head + frame(CONTINUATION, 0, 1, TRAILERS[4:6]) + frame(CONTINUATION, 0, 1)
    wire += frame(CONTINUATION, 4, 1, TRAILERS[6:])
    for cut in range(len(wire)):
        assert answered(wire, cut).grpc_status == 0, cut


def test_an_answer_of_trailers_only_is_an_error_with_its_message():
    block = OK_HEAD + b"\x00\x0bgrpc-status\x0216" + b"\x00\x0cgrpc-message\x05no%21"
    call = answered(frame(HEADERS, 5, 1, block))
    assert (call.done, call.grpc_status, call.grpc_message) == (True, 16, "no!")


def test_a_status_without_message_is_enough():
    call = answered(frame(HEADERS, 5, 1, OK_HEAD + b"\x00\x0bgrpc-status\x018"))
    assert (call.grpc_status, call.grpc_message) == (8, "")


def test_an_answer_that_ends_without_status_is_not_ok():
    wire = frame(HEADERS, 4, 1, OK_HEAD) + frame(DATA, 1, 1, MESSAGE)
    assert answered(wire).grpc_status == 2
    assert answered(frame(DATA, 1, 1, MESSAGE)).grpc_status == 2
    assert answered(frame(HEADERS, 5, 1, b"\x8d")).grpc_status == 12  # 404
    # grpc-status in the head of an answer that goes on is not its status
    assert answered(frame(HEADERS, 4, 1, OK_HEAD + TRAILERS) + frame(DATA, 1, 1)).grpc_status == 2


def test_informational_headers_come_before_the_answer():
    wire = frame(HEADERS, 4, 1, b"\x08\x03103") + frame(HEADERS, 5, 1, OK_HEAD + TRAILERS)
    assert answered(wire).grpc_status == 0


def test_an_answer_over_the_limit_fails_the_call_but_not_the_connection():
    connection, call = connected(max_body=10)
    connection.receive(frame(HEADERS, 4, 1, OK_HEAD) + frame(DATA, 0, 1, b"x" * 11))
    assert call.done and call.grpc_status == 8 and not call.body
    assert sent(connection) == [(RST, 0, 1, number(8))]
    connection.receive(frame(DATA, 0, 1, b"x" * 50) + frame(HEADERS, 5, 1, TRAILERS))
    assert not connection.closed and call.grpc_status == 8
    assert connection.open_call("/s/M").id == 3


def test_an_answer_before_the_request_ended_takes_the_rest_back():
    connection, call = connected()
    connection.receive(frame(HEADERS, 5, 1, OK_HEAD + b"\x00\x0bgrpc-status\x018"))
    assert call.done and call.grpc_status == 8 and not call.ended_sending
    assert connection.sendable(call) == 0
    assert sent(connection) == [(RST, 0, 1, number(8))]


def test_data_is_sent_only_as_far_as_both_windows_reach():
    connection, call = connected()
    assert connection.sendable(call) == 16384
    for _ in range(3):
        assert connection.data_header(call, 16384, False) == frame_header(16384, DATA, 0, 1)
    assert connection.sendable(call) == 65535 - 3 * 16384
    connection.data_header(call, connection.sendable(call), False)
    assert connection.sendable(call) == 0
    assert raises(WireError, connection.data_header, call, 1, False).code == 2
    connection.receive(frame(WINDOW, 0, 0, number(1)))
    assert connection.sendable(call) == 0
    connection.receive(frame(WINDOW, 0, 1, number(5)))
    assert connection.sendable(call) == 1
    assert connection.data_header(call, 1, True) == frame_header(1, DATA, 1, 1)
    assert call.ended_sending and connection.sendable(call) == 0


def test_a_changed_initial_window_moves_open_streams_even_below_zero():
    connection, call = connected()
    connection.data_header(call, 1000, False)
    connection.receive(frame(SETTINGS, 0, 0, b"\0\4" + number(600)))
    assert sent(connection) == [(SETTINGS, 1, 0, b"")]
    assert connection.sendable(call) == 0
    connection.receive(frame(WINDOW, 0, 1, number(401)))
    assert connection.sendable(call) == 1
    connection.receive(frame(SETTINGS, 0, 0, b"\0\4" + number(700)))
    assert connection.sendable(call) == 101


def test_received_data_is_given_back_to_the_connection_window():
    connection, call = connected()
    connection.open_call("/s/M")
    connection.outgoing[:] = b""
    for _ in range(4):
        connection.receive(frame(DATA, 0, 1, b"\0" * 4999 + b"x"))
        assert call.done  # of the first, which is over the limit
    assert sent(connection)[-1] == (WINDOW, 0, 0, number(20000))


def test_padding_is_given_back_to_the_window_of_its_stream():
    connection, _call = connected()
    connection.receive(frame(HEADERS, 4, 1, OK_HEAD))
    connection.receive(frame(DATA, 8, 1, b"\0x") + frame(DATA, 8, 1, b"\5x" + b"\0" * 5))
    assert sent(connection) == [(WINDOW, 0, 1, number(1)), (WINDOW, 0, 1, number(6))]


def test_ping_and_settings_are_acknowledged():
    connection, _call = connected()
    connection.receive(frame(PING, 0, 0, b"12345678") + frame(PING, 1, 0, b"12345678"))
    connection.receive(frame(SETTINGS, 0, 0, b"\xfe\3" + number(1)) + frame(SETTINGS, 1, 0))
    assert sent(connection) == [(PING, 1, 0, b"12345678"), (SETTINGS, 1, 0, b"")]


def test_a_reset_call_says_whether_it_was_surely_not_processed():
    for code, refused in ((7, True), (8, False), (2, False)):
        connection, call = connected()
        connection.receive(frame(RST, 0, 1, number(code)))
        assert call.done and call.reset_code == code and call.refused == refused
        assert call.grpc_status is None and not sent(connection)


def test_goaway_refuses_the_calls_above_its_last_stream():
    connection, first = connected()
    second = connection.open_call("/s/M")
    connection.receive(frame(GOAWAY, 0, 0, number(1) + number(11) + b"too_many_pings" * 200))
    assert connection.goaway == (11, 1) and not connection.closed
    assert not first.done and second.done and second.refused
    assert raises(WireError, connection.open_call, "/s/M").code == 7
    connection.receive(frame(HEADERS, 5, 1, OK_HEAD + TRAILERS))
    assert first.grpc_status == 0


def test_no_more_calls_than_the_peer_allows():
    connection, call = connected()
    connection.receive(frame(SETTINGS, 0, 0, b"\0\3" + number(1)))
    assert raises(WireError, connection.open_call, "/s/M").code == 7
    connection.cancel(call)
    assert sent(connection)[-1] == (RST, 0, 1, number(8))
    assert connection.open_call("/s/M").id == 3


def test_late_frames_of_a_finished_call_are_ignored():
    connection, call = connected()
    connection.cancel(call)
    connection.receive(frame(HEADERS, 4, 1, OK_HEAD + b"\x40" + TRAILERS[1:]))
    connection.receive(frame(DATA, 1, 1, b"x") + frame(RST, 0, 1, number(0)))
    connection.receive(frame(WINDOW, 0, 1, number(1)))
    second = connection.open_call("/s/M")
    connection.receive(frame(HEADERS, 5, 3, b"\x88\xbe"))  # its table entry counts all the same
    assert second.grpc_status == 0 and not call.body


def test_unknown_frames_and_priority_are_ignored():
    wire = frame(0xBE, 0xFF, 7, b"x" * 9000) + frame(PRIORITY, 0, 9, b"12345")
    assert answered(wire + frame(HEADERS, 5, 1, OK_HEAD + TRAILERS)).grpc_status == 0


def test_a_peer_that_is_not_http2_is_told_apart():
    for wire in (b"HTTP/1.1 400 Bad Request\r\n\r\n", frame(PING, 0, 0, b"12345678")):
        error = raises(WireError, Http2Client("http", "host").receive, wire)
        assert error.code == 1 and "HTTP/2" in str(error)


def test_broken_rules_end_the_connection_with_their_code():
    assert fails(frame(DATA, 0, 0, b"x"), 1)
    assert fails(frame(DATA, 0, 3, b"x"), 1)
    assert fails(frame(DATA, 0, 2, b"x"), 1)
    assert fails(frame(DATA, 8, 1, b"\5xxxx"), 1)
    assert fails(frame(HEADERS, 0xC, 1, b""), 1)
    assert fails(frame(HEADERS, 0xC, 1, b"\5xxxx"), 1)
    assert fails(frame(HEADERS, 0x24, 1, b"xxxx"), 1)
    assert fails(frame(HEADERS, 0, 1, OK_HEAD) + frame(PING, 0, 0, b"12345678"), 1)
    assert fails(frame(HEADERS, 0, 1, OK_HEAD) + frame(CONTINUATION, 4, 3), 1)
    assert fails(frame(CONTINUATION, 4, 1, OK_HEAD), 1)
    assert fails(frame(HEADERS, 5, 3, OK_HEAD), 1)
    assert fails(frame(HEADERS, 4, 1, OK_HEAD) + frame(HEADERS, 4, 1, TRAILERS), 1)
    assert fails(frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\x7f"), 9)
    assert fails(frame(RST, 0, 5, number(0)), 1)
    assert fails(frame(RST, 0, 1, b"123"), 6)
    assert fails(frame(SETTINGS, 0, 1), 1)
    assert fails(frame(SETTINGS, 0, 0, b"12345"), 6)
    assert fails(frame(SETTINGS, 1, 0, b"123456"), 6)
    assert fails(frame(SETTINGS, 0, 0, b"\0\4" + number(0x80000000)), 3)
    assert fails(frame(SETTINGS, 0, 0, b"\0\5" + number(16383)), 1)
    assert fails(frame(PUSH, 4, 1, number(2)), 1)
    assert fails(frame(PING, 0, 0, b"1234567"), 6)
    assert fails(frame(PING, 0, 1, b"12345678"), 1)
    assert fails(frame(GOAWAY, 0, 0, number(0)), 6)
    assert fails(frame(WINDOW, 0, 0, b"123"), 6)
    assert fails(frame(WINDOW, 0, 0, number(0)), 1)
    assert fails(frame(WINDOW, 0, 1, number(0)), 1)
    assert fails(frame(WINDOW, 0, 5, number(1)), 1)
    assert fails(frame(WINDOW, 0, 0, number(0x7FFFFFFF)), 3)
    assert fails(frame(WINDOW, 0, 1, number(0x7FFFFFFF)), 3)
    assert fails(frame_header(16385, DATA, 0, 1), 6)


def test_header_bombs_are_refused_before_they_are_held():
    assert fails(frame_header(4097, HEADERS, 4, 1), 11)
    many = frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b" * 100)
    assert fails(frame(HEADERS, 0, 1, OK_HEAD) + many * 9, 11)
    assert fails(frame(HEADERS, 0, 1, OK_HEAD) + frame(CONTINUATION, 0, 1) * 3000, 11)
    assert fails(frame_header(6000, SETTINGS, 0, 0), 11)


def test_floods_of_control_frames_are_refused():
    for flood in (
        frame(RST, 0, 1, number(8)),
        frame(DATA, 0, 1),
        frame(WINDOW, 0, 0, number(1)),
        frame(PRIORITY, 0, 1, b"12345"),
        frame(PING, 0, 0, b"12345678"),
        frame(SETTINGS, 0, 0),
    ):
        assert fails(flood * 3000, 11)


def test_a_connection_that_makes_progress_is_no_flood():
    connection, call = connected()
    ping = frame(PING, 0, 0, b"12345678")
    for stream in range(1, 200, 2):
        connection.receive(ping * 40)
        connection.receive(frame(HEADERS, 5, stream, OK_HEAD + TRAILERS))
        assert call.grpc_status == 0
        call = connection.open_call("/s/M")
        connection.outgoing[:] = b""


def test_nothing_is_read_after_the_connection_failed():
    connection, _call = connected()
    raises(WireError, connection.receive, frame(PING, 0, 1, b"12345678"))
    connection.outgoing[:] = b""
    connection.receive(frame(PING, 0, 0, b"12345678"))
    assert not connection.outgoing
    assert raises(WireError, connection.open_call, "/s/M")
