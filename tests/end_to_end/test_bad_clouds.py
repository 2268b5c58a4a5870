"""The real session on MicroPython against clouds that misbehave: each ends in a clear account."""

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from bad_cloud import OK_HEADERS, Behaviour, H2Peer, message, serving
from host_tools.firmware_path import FIRMWARE, REPOSITORY
from host_tools.simulator import interpreter

SCRIPT = REPOSITORY / "tests" / "support" / "call_once.py"
REQUEST = 256 * 12 + 5


def call(port: int, calls: int = 1) -> list[dict[str, Any]]:
    command = [str(interpreter.find()), "-X", "heapsize=128k", str(SCRIPT), str(port), str(calls)]
    environment = os.environ | {"MICROPYPATH": f"{FIRMWARE}:.frozen"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def outcome(behaviour: Behaviour, calls: int = 1) -> list[dict[str, Any]]:
    with serving(behaviour) as port:
        return call(port, calls)


def test_a_cloud_that_refuses_connections_is_named_and_nothing_is_ambiguous() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    (result,) = call(port)
    assert result["broken"]
    assert result["ambiguous"] is False


def test_a_silent_cloud_ends_in_a_timeout() -> None:
    (result,) = outcome(lambda peer: time.sleep(5))
    assert "no answer within 2 s" in result["broken"]


def test_a_cloud_that_takes_the_whole_request_and_never_answers_is_ambiguous() -> None:
    (result,) = outcome(lambda peer: H2Peer(peer).run(lambda server, stream: None))
    assert "no answer within 2 s" in result["broken"]
    assert result["ambiguous"] is True


def test_a_connection_closed_in_the_middle_of_a_frame_is_ambiguous_after_the_request() -> None:
    def behaviour(peer: socket.socket) -> None:
        def half_an_answer(server: H2Peer, stream: int) -> None:
            server.connection.send_headers(stream, OK_HEADERS)
            server.socket.sendall(server.connection.data_to_send()[:-3])
            server.socket.shutdown(socket.SHUT_RDWR)

        H2Peer(peer).run(half_an_answer)

    (result,) = outcome(behaviour)
    assert result["broken"] == "connection lost: the cloud closed it"
    assert result["ambiguous"] is True


def test_goaway_before_the_request_was_taken_is_not_ambiguous_and_the_next_call_works() -> None:
    seen = []

    def behaviour(peer: socket.socket) -> None:
        def refuse_first(server: H2Peer, stream: int) -> None:
            seen.append(stream)
            if len(seen) == 1:
                server.connection.close_connection(last_stream_id=0)
            else:
                server.answer(stream, b"fine")

        H2Peer(peer).run(refuse_first)

    first, second = outcome(behaviour, calls=2)
    assert first["ambiguous"] is False
    assert second["answer"] == 4


def test_rst_stream_refused_is_not_ambiguous_and_the_connection_goes_on() -> None:
    def behaviour(peer: socket.socket) -> None:
        H2Peer(peer).run(lambda server, stream: server.connection.reset_stream(stream, 7))

    first, second = outcome(behaviour, calls=2)
    assert first["ambiguous"] is False
    assert second["ambiguous"] is False


def test_rst_stream_for_another_reason_is_ambiguous() -> None:
    def behaviour(peer: socket.socket) -> None:
        H2Peer(peer).run(lambda server, stream: server.connection.reset_stream(stream, 2))

    (result,) = outcome(behaviour)
    assert result["ambiguous"] is True


def test_a_window_of_one_byte_still_carries_the_whole_request() -> None:
    sizes = []

    def behaviour(peer: socket.socket) -> None:
        server = H2Peer(peer, window=1)

        def measure(server: H2Peer, stream: int) -> None:
            sizes.append(len(server.received[stream]))
            server.answer(stream, b"ok")

        server.run(measure)

    (result,) = outcome(behaviour)
    assert result.get("answer") == 2 or "no answer" in result["broken"], result
    if "answer" in result:
        assert sizes == [REQUEST]


def test_an_http_1_answer_is_a_clear_error() -> None:
    def behaviour(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    (result,) = outcome(behaviour)
    assert result["broken"]


def test_a_trailers_only_error_is_an_error() -> None:
    def behaviour(peer: socket.socket) -> None:
        def refuse(server: H2Peer, stream: int) -> None:
            trailers = [*OK_HEADERS, ("grpc-status", "7"), ("grpc-message", "not%20yours")]
            server.connection.send_headers(stream, trailers, end_stream=True)

        H2Peer(peer).run(refuse)

    (result,) = outcome(behaviour)
    assert (result["status"], result["message"]) == (7, "not yours")


def test_a_status_without_message_is_an_error_all_the_same() -> None:
    def behaviour(peer: socket.socket) -> None:
        H2Peer(peer).run(lambda server, stream: server.answer(stream, status="14"))

    (result,) = outcome(behaviour)
    assert result["status"] == 14


def test_an_answer_that_ends_without_any_status_is_no_success() -> None:
    def behaviour(peer: socket.socket) -> None:
        def no_trailers(server: H2Peer, stream: int) -> None:
            server.connection.send_headers(stream, OK_HEADERS)
            server.connection.send_data(stream, message(b"x"), end_stream=True)

        H2Peer(peer).run(no_trailers)

    (result,) = outcome(behaviour)
    assert result["status"] == 2


def test_an_expired_token_is_told_and_the_next_call_logs_in_again() -> None:
    paths: list[int] = []

    def behaviour(peer: socket.socket) -> None:
        def expired(server: H2Peer, stream: int) -> None:
            paths.append(stream)
            trailers = [*OK_HEADERS, ("grpc-status", "16"), ("grpc-message", "token expired")]
            server.connection.send_headers(stream, trailers, end_stream=True)

        H2Peer(peer).run(expired)

    first, second = outcome(behaviour, calls=2)
    assert first["status"] == second["status"] == 16
    assert len(paths) == 2  # the call, then a log-in instead of the second call


def test_an_answer_of_10_mb_is_refused_and_does_not_exhaust_the_heap() -> None:
    def behaviour(peer: socket.socket) -> None:
        def flood(server: H2Peer, stream: int) -> None:
            server.connection.send_headers(stream, OK_HEADERS)
            server.connection.send_data(stream, b"\0" + (10_000_000).to_bytes(4, "big"))
            server.endless = stream
            server.pour()

        H2Peer(peer).run(flood)

    (result,) = outcome(behaviour)
    assert result.get("status") == 8, result


def test_the_script_under_test_is_the_real_session() -> None:
    assert "microserver.cloud.session" in Path(SCRIPT).read_text()
