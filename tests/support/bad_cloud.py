"""Clouds that misbehave: an HTTP/2 server over h2, whose behaviour a test chooses."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, WindowUpdated
from h2.exceptions import ProtocolError

Behaviour = Callable[[socket.socket], None]
OK_HEADERS = [(":status", "200"), ("content-type", "application/grpc")]


@contextlib.contextmanager
def serving(behaviour: Behaviour) -> Iterator[int]:
    """A port on which every connection is handed to `behaviour`, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=_serve, args=(behaviour, peer), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def _serve(behaviour: Behaviour, peer: socket.socket) -> None:
    with peer, contextlib.suppress(OSError, ProtocolError):
        behaviour(peer)


def message(content: bytes) -> bytes:
    """One gRPC message with its prefix."""
    return b"\0" + struct.pack(">I", len(content)) + content


class H2Peer:
    """The server side of one connection; `handle` sees each event after it was accounted."""

    def __init__(self, peer: socket.socket, window: int | None = None) -> None:
        self.socket = peer
        self.window = window
        self.endless: int | None = None  # a stream that gets as much as its window takes
        self.received: dict[int, bytearray] = {}
        self.connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        if window is not None:
            self.connection.local_settings[4] = window  # INITIAL_WINDOW_SIZE
        self.connection.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.connection.data_to_send())

    def run(self, on_request: Callable[["H2Peer", int], None]) -> None:
        """Read until the peer closes; `on_request(self, stream)` when a request is whole."""
        while data := self.socket.recv(65536):
            for event in self.connection.receive_data(data):
                self._account(event)
                if isinstance(event, StreamEnded):
                    on_request(self, event.stream_id)
                if isinstance(event, WindowUpdated) and self.endless:
                    self.pour()
            self.flush()

    def pour(self) -> None:
        """Fill the window of the endless stream."""
        assert self.endless is not None
        while window := self.connection.local_flow_control_window(self.endless):
            self.connection.send_data(self.endless, bytes(min(window, 16384)))

    def _account(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self.received[event.stream_id] = bytearray()
        if isinstance(event, DataReceived):
            self.received[event.stream_id] += event.data
            self.connection.acknowledge_received_data(
                event.flow_controlled_length, event.stream_id
            )

    def answer(self, stream: int, content: bytes = b"", status: str = "0") -> None:
        """A whole answer: headers, one message, trailers."""
        self.connection.send_headers(stream, OK_HEADERS)
        self.connection.send_data(stream, message(content))
        self.connection.send_headers(stream, [("grpc-status", status)], end_stream=True)
