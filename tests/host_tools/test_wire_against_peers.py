"""Our HTTP/2 against independent ones: hpack, h2 and recorded clients."""

import random
from collections.abc import Iterator
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.settings
import hpack
import pytest
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.table import HeaderTable

from microserver.wire import grpc as our_grpc
from microserver.wire import huffman
from microserver.wire.grpc import Call, WireError
from microserver.wire.hpack import HeaderCodec
from microserver.wire.http2 import Http2Client

SAMPLES = Path(__file__).parent.parent / "samples"
WANTED = (b":status", b"grpc-status", b"grpc-message", b"date")


def test_every_byte_in_huffman_code() -> None:
    encoder = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
    chance = random.Random(2)
    for byte in range(256):
        text = bytes([byte]) + chance.randbytes(chance.randrange(20)) + bytes([byte])
        assert huffman.decode(encoder.encode(text)) == text


def random_headers(chance: random.Random) -> list[tuple[bytes, bytes]]:
    names = [*WANTED, b"x-" + chance.randbytes(2).hex().encode(), b"content-type", b"server"]
    count = chance.randrange(8)
    picked = chance.sample(names, min(count, len(names)))
    return [
        (name, chance.choice((b"0", b"200", b"text " * chance.randrange(90)))) for name in picked
    ]


def test_blocks_of_hpack_are_read_through_every_change_of_its_table() -> None:
    chance = random.Random(3)
    theirs, ours = hpack.Encoder(), HeaderCodec("http", "host", WANTED)
    for _ in range(2000):
        if chance.random() < 0.05:
            theirs.header_table_size = chance.choice((0, 60, 300, 4096))
        headers = random_headers(chance)
        block = theirs.encode(headers, huffman=chance.random() < 0.5)
        expected = {name: value for name, value in headers if name in WANTED}
        assert ours.decode(block) == expected


def test_our_blocks_are_read_by_hpack_through_every_change_of_the_table() -> None:
    chance = random.Random(4)
    ours, theirs = HeaderCodec("http", "host:1", b""), hpack.Decoder()
    for step in range(1000):
        if chance.random() < 0.1:
            size = chance.choice((0, 100, 1000, 4096, 65536) if step > 200 else (4096, 65536))
            if size < HeaderTable.DEFAULT_SIZE:
                ours.stop_indexing()
            theirs.max_allowed_table_size = min(size, HeaderTable.DEFAULT_SIZE)
        token = chance.choice("tu") * chance.choice((10, 300, 5000))
        token = token if chance.random() < 0.9 else None
        block = ours.encode(f"/service/{step % 7}", token, (("batch-id", str(step)),))
        expected = [
            (b":path", b"/service/%d" % (step % 7)),
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":authority", b"host:1"),
            (b"te", b"trailers"),
            (b"content-type", b"application/grpc"),
            *([(b"authorization", b"Bearer " + token.encode())] if token else []),
            (b"batch-id", b"%d" % step),
        ]
        assert theirs.decode(bytes(block), raw=True) == expected


class H2Server:
    """h2 in memory, joined to our client; every byte is handed over in random pieces."""

    def __init__(self, seed: int, **settings: int) -> None:
        self.chance = random.Random(seed)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        codes = h2.settings.SettingCodes
        self.h2.local_settings = h2.settings.Settings(
            client=False, initial_values={codes[name]: settings[name] for name in settings}
        )
        self.h2.initiate_connection()
        self.client = Http2Client("http", "host", max_body=20000)
        self.events: list[h2.events.Event] = []
        self.requests: dict[int, bytearray] = {}

    def to_server(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            self.events.append(event)
            if isinstance(event, h2.events.DataReceived):
                self.requests.setdefault(event.stream_id, bytearray()).extend(event.data)
                if event.flow_controlled_length:
                    self.h2.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )

    def pump(self) -> None:
        """Exchange control bytes until both sides have nothing more to say."""
        while True:
            outgoing = bytes(self.client.outgoing)
            self.client.outgoing[:] = b""
            if outgoing:
                self.to_server(outgoing)
            incoming = self.h2.data_to_send()
            at = 0
            while at < len(incoming):
                end = at + self.chance.choice((1, 2, 9, 100, 5000))
                self.client.receive(incoming[at:end])
                at = end
            if not outgoing and not incoming:
                return

    def send(self, call: Call, message: bytes) -> None:
        at = 0
        while not call.ended_sending and not call.done:
            count = min(len(message) - at, self.client.sendable(call), 777)
            assert count, "flow control stands still"
            header = self.client.data_header(call, count, at + count == len(message))
            self.to_server(header + message[at : at + count])
            at += count
            self.pump()

    def answer(self, stream: int, message: bytes, padding: int | None) -> None:
        headers = [(":status", "200"), ("content-type", "application/grpc"), ("date", "today")]
        self.h2.send_headers(stream, headers)
        at = 0
        while at < len(message):
            room = self.h2.local_flow_control_window(stream) - (padding or 0) - 1
            count = min(len(message) - at, room, 1000)
            self.h2.send_data(stream, message[at : at + count], pad_length=padding)
            at += count
            self.pump()
        trailers = [("grpc-status", "0"), ("grpc-message", "fine%21")]
        self.h2.send_headers(stream, trailers, end_stream=True)
        self.pump()


@pytest.mark.parametrize("window", [1, 7, 1000, 65535])
def test_calls_with_h2_in_pieces_through_small_windows_and_padding(window: int) -> None:
    server = H2Server(window, INITIAL_WINDOW_SIZE=window, MAX_CONCURRENT_STREAMS=3)
    server.pump()
    for number in range(4):
        message = server.chance.randbytes(50 * window if window < 100 else 40000)
        call = server.client.open_call("/s/M", "token", [("n", str(number))])
        server.pump()
        server.send(call, message)
        assert server.requests[call.id] == message
        server.answer(call.id, message[:9000], (None, 0, 200)[number % 3])
        assert (call.done, call.grpc_status, call.grpc_message) == (True, 0, "fine!")
        assert call.body == message[:9000] and call.date == b"today"
    received = [e for e in server.events if isinstance(e, h2.events.RequestReceived)]
    assert [e.headers[-1] for e in received] == [(b"n", str(n).encode()) for n in range(4)]


def test_the_initial_window_may_change_in_the_middle_of_a_call() -> None:
    server = H2Server(5)
    server.pump()
    call = server.client.open_call("/s/M")
    server.pump()
    for size in (10, 30000, 3, 65535):
        server.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: size})
        server.pump()
        room = server.client.sendable(call)
        if room:
            header = server.client.data_header(call, min(room, 500), False)
            server.to_server(header + bytes(min(room, 500)))
            server.pump()
        theirs = server.h2.remote_flow_control_window(call.id)
        assert server.client.sendable(call) == max(0, min(16384, theirs))
    server.send(call, b"rest")
    server.answer(call.id, b"ok", None)
    assert call.grpc_status == 0


def sample_chunks(name: str) -> Iterator[tuple[str, str, bytes]]:
    for line in (SAMPLES / name).read_text().splitlines():
        connection, sender, data = line.split()
        yield connection, sender, bytes.fromhex(data)


def header_blocks(data: bytes) -> Iterator[bytes]:
    at = 24
    while at < len(data):
        size, kind = int.from_bytes(data[at : at + 3], "big"), data[at + 3]
        if kind == 1:
            yield data[at + 9 : at + 9 + size]
        at += 9 + size


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.hex")))
def test_recorded_requests_are_read_as_hpack_reads_them(name: str) -> None:
    streams: dict[str, bytearray] = {}
    for connection, sender, data in sample_chunks(name):
        if sender == "client":
            streams.setdefault(connection, bytearray()).extend(data)
    wanted = (b"te", b"viam_client", b"grpc-timeout", b"rpc-host")
    blocks = 0
    for stream in streams.values():
        ours, theirs = HeaderCodec("http", "host", wanted), hpack.Decoder()
        for block in header_blocks(bytes(stream) if stream.startswith(b"PRI") else b""):
            expected = {k: v for k, v in theirs.decode(block, raw=True) if k in wanted}
            assert ours.decode(block) == expected
            blocks += 1
    assert blocks > 5


def test_recorded_answers_of_a_device_are_read_by_our_client() -> None:
    client = Http2Client("http", "host")
    calls = [client.open_call("/s/M") for _ in range(90)]
    answers = (
        data
        for connection, sender, data in sample_chunks("viam_sdk_direct.hex")
        if connection == "1" and sender == "server"
    )
    for data in answers:
        client.receive(data)
    done = [call for call in calls if call.done]
    assert len(done) > 5 and all(call.grpc_status == 0 for call in done)
    assert b"temperature" in bytes(our_grpc.single_message(done[1].body))


def test_damaged_answers_end_the_connection_in_order_or_pass() -> None:
    chance = random.Random(6)
    wire = b"".join(
        data
        for connection, sender, data in sample_chunks("viam_sdk_direct.hex")
        if connection == "1" and sender == "server"
    )
    failures = 0
    for _ in range(1500):
        client = Http2Client("http", "host")
        for _ in range(60):
            client.open_call("/s/M")
        client.outgoing[:] = b""
        damaged = bytearray(wire)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(wire))] = chance.randrange(256)
        try:
            client.receive(damaged)
        except WireError:
            failures += 1
            assert client.closed
    assert failures > 100
