"""Our wire code against independent ones: google.protobuf, hpack, h2 and grpcio."""

import random
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import h2.config
import h2.connection
import h2.events
import h2.settings
import hpack
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.table import HeaderTable

from host_tools import generate_messages as generator
from host_tools.firmware_path import FIRMWARE
from microserver.wire import grpc as our_grpc
from microserver.wire import huffman, protobuf
from microserver.wire.hpack import Decoder, Encoder
from microserver.wire.http2 import Call, Http2Client

SAMPLES = Path(__file__).parent.parent / "samples"
WANTED = (b":status", b"grpc-status", b"grpc-message", b"date")
TABLES = [(module, name) for module in generator.MODULES for name in generator.MODULES[module][1]]


def table_of(module: str, name: str) -> tuple[bytes, Descriptor]:
    package = __import__(f"microserver.wire.messages.{module}", fromlist=[""])
    descriptor = generator.MODULES[module][0].message_types_by_name[name]
    return getattr(package, generator.constant_name(name)), descriptor


def test_the_tables_are_what_the_generator_writes() -> None:
    for module in generator.MODULES:
        path = FIRMWARE / "microserver/wire/messages" / f"{module}.py"
        assert path.read_text() == generator.module_text(module), "run generate_messages again"


def random_json(chance: random.Random, depth: int = 3) -> Any:
    kind = chance.randrange(7 if depth else 5)
    if kind == 5:
        return [random_json(chance, depth - 1) for _ in range(chance.randrange(3))]
    if kind == 6:
        return {random_text(chance): random_json(chance, depth - 1) for _ in range(2)}
    numbers = (chance.randrange(-(2**40), 2**40), chance.uniform(-1e3, 1e3), 0)
    return (None, True, False, chance.choice(numbers), random_text(chance))[kind]


def random_text(chance: random.Random) -> str:
    return "".join(chance.choice("ab\x00é漢🙂") for _ in range(chance.randrange(6)))


# Fields outside JSON never get a default value: there google.protobuf takes it for absent.
def random_values(message: Descriptor, chance: random.Random) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in generator.kept_fields(message):
        if chance.random() < 0.7:
            count = chance.randrange(1, 4)
            values[field.name] = (
                [random_value(field, chance) for _ in range(count)]
                if field.is_repeated and not is_map(field)
                else random_value(field, chance)
            )
    return values


def is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def random_value(field: FieldDescriptor, chance: random.Random) -> Any:
    message = field.message_type
    if is_map(field):
        return {random_text(chance): random_json(chance) for _ in range(2)}
    if message is None:
        return {
            FieldDescriptor.TYPE_STRING: "s" + random_text(chance),
            FieldDescriptor.TYPE_BOOL: True,
            FieldDescriptor.TYPE_ENUM: chance.randrange(1, 4),
        }[field.type]
    if message.full_name == "google.protobuf.Struct":
        return {random_text(chance): random_json(chance) for _ in range(3)}
    if message.full_name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
        return chance.randrange(-5, 2**33), chance.randrange(10**9)
    return random_values(message, chance)


def python_value(message: Message, field: FieldDescriptor | None, value: Any) -> Any:
    """A google.protobuf value in the shapes of our decoder."""
    if field is not None and is_map(field):
        return {key: unpacked(packed) for key, packed in value.items()}
    if field is not None and field.is_repeated:
        return [python_value(message, None, item) for item in value]
    name = value.DESCRIPTOR.full_name if isinstance(value, Message) else ""
    if name == "google.protobuf.Struct":
        return {key: json_value(item) for key, item in value.fields.items()}
    if name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
        return value.seconds, value.nanos
    return python_values(value) if isinstance(value, Message) else value


def unpacked(packed: Any) -> Any:
    from google.protobuf.struct_pb2 import Value

    value = Value()
    assert packed.Unpack(value)
    return json_value(value)


def json_value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    if kind == "list_value":
        return [json_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        return {key: json_value(item) for key, item in value.struct_value.fields.items()}
    return getattr(value, kind)


def python_values(message: Message) -> dict[str, Any]:
    return {
        field.name: python_value(message, field, value) for field, value in message.ListFields()
    }


@pytest.mark.parametrize(("module", "name"), TABLES)
def test_every_table_reads_and_writes_like_google_protobuf(module: str, name: str) -> None:
    table, descriptor = table_of(module, name)
    factory = message_factory.GetMessageClass(descriptor)
    chance = random.Random(name)
    for _ in range(200):
        values = random_values(descriptor, chance)
        theirs = factory.FromString(protobuf.encode(table, values))
        assert python_values(theirs) == values
        assert protobuf.decode(table, theirs.SerializeToString()) == values


@pytest.mark.parametrize(("module", "name"), TABLES)
def test_damaged_messages_are_refused_or_read_but_never_crash(module: str, name: str) -> None:
    table, descriptor = table_of(module, name)
    chance = random.Random(name)
    for _ in range(300):
        wire = bytearray(protobuf.encode(table, random_values(descriptor, chance)) or b"\0")
        wire[chance.randrange(len(wire))] = chance.randrange(256)
        try:
            protobuf.decode(table, wire[: chance.randrange(len(wire) + 1)])
        except protobuf.WireError:
            continue


def test_numbers_agree_with_google_protobuf_to_the_bit() -> None:
    from google.protobuf.struct_pb2 import Value

    chance = random.Random(1)
    for _ in range(3000):
        bits = chance.getrandbits(64)
        number = struct.unpack("<d", struct.pack("<Q", bits))[0]
        value = Value(number_value=chance.choice((number, float(chance.randrange(2**53)))))
        struct_wire = b"\x0a" + bytes((value.ByteSize() + 5,)) + b"\x0a\x01n\x12"
        struct_wire += bytes((value.ByteSize(),)) + value.SerializeToString()
        wire = b"\x42" + bytes((len(struct_wire),)) + struct_wire
        wire = b"\x1a" + bytes((len(wire),)) + wire
        table, _ = table_of("app_robot", "ConfigResponse")
        config = protobuf.decode(table, b"\x0a" + bytes((len(wire),)) + wire)
        ours = config["config"]["components"][0]["attributes"]["n"]
        assert ours == value.number_value or ours != ours
        assert isinstance(ours, int) == (ours == ours and abs(ours) < 2**53 and ours % 1 == 0)


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
    theirs, ours = hpack.Encoder(), Decoder(WANTED)
    for _ in range(2000):
        if chance.random() < 0.05:
            theirs.header_table_size = chance.choice((0, 60, 300, 4096))
        headers = random_headers(chance)
        block = theirs.encode(headers, huffman=chance.random() < 0.5)
        expected = {name: value for name, value in headers if name in WANTED}
        assert ours.decode(block) == expected


def test_our_blocks_are_read_by_hpack_through_every_change_of_the_table() -> None:
    chance = random.Random(4)
    ours, theirs = Encoder(), hpack.Decoder()
    for step in range(1000):
        if chance.random() < 0.1:
            size = chance.choice((0, 100, 1000, 4096, 65536))
            ours.set_limit(size)
            theirs.max_allowed_table_size = min(size, HeaderTable.DEFAULT_SIZE)
        token = "t" * chance.choice((10, 300, 5000)) if chance.random() < 0.9 else None
        headers = our_grpc.call_headers(
            f"/service/{step % 7}", "host:1", "http", token, [("batch-id", str(step))]
        )
        assert theirs.decode(bytes(ours.encode(headers)), raw=True) == headers


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
        self.client = Http2Client(max_body=20000)
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
        headers = our_grpc.call_headers("/s/M", "host", "http", "token", [("n", str(number))])
        call = server.client.open_call(headers)
        server.pump()
        server.send(call, message)
        assert server.requests[call.id] == message
        server.answer(call.id, message[:9000], (None, 0, 200)[number % 3])
        assert (call.done, call.grpc_status, call.grpc_message) == (True, 0, "fine!")
        assert call.body == message[:9000] and call.headers["date"] == "today"
    received = [e for e in server.events if isinstance(e, h2.events.RequestReceived)]
    assert [e.headers[-1] for e in received] == [(b"n", str(n).encode()) for n in range(4)]


def test_the_initial_window_may_change_in_the_middle_of_a_call() -> None:
    server = H2Server(5)
    server.pump()
    call = server.client.open_call(our_grpc.call_headers("/s/M", "h", "http", None, ()))
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
        ours, theirs = Decoder(wanted), hpack.Decoder()
        for block in header_blocks(stream if stream.startswith(b"PRI") else b""):
            expected = {k: v for k, v in theirs.decode(block, raw=True) if k in wanted}
            assert ours.decode(block) == expected
            blocks += 1
    assert blocks > 5


def test_recorded_answers_of_a_device_are_read_by_our_client() -> None:
    client = Http2Client()
    calls = [client.open_call(()) for _ in range(90)]
    answers = (
        data
        for connection, sender, data in sample_chunks("viam_sdk_direct.hex")
        if connection == "1" and sender == "server"
    )
    for data in answers:
        client.receive(data)
    done = [call for call in calls if call.done]
    assert len(done) > 5 and all(call.grpc_status == 0 for call in done)
    assert b"temperature" in our_grpc.single_message(done[1].body)


def unary(
    address: tuple[str, int], path: str, message: bytes, max_body: int = 8192
) -> tuple[Call, Http2Client]:
    """The smallest driver there can be: one blocking call."""
    client = Http2Client(max_body)
    with socket.create_connection(address, timeout=5) as link:
        call = client.open_call(our_grpc.call_headers(path, "localhost", "http", "t", ()))
        body = our_grpc.message_prefix(len(message)) + message
        at = 0
        while not call.done:
            link.sendall(client.outgoing)
            client.outgoing[:] = b""
            count = min(len(body) - at, client.sendable(call))
            if not call.ended_sending and count:
                ends = at + count == len(body)
                link.sendall(client.data_header(call, count, ends) + body[at : at + count])
                at += count
                continue
            data = link.recv(300)
            assert data, "closed"
            client.receive(data)
    return call, client


@pytest.fixture(scope="module")
def grpcio_server() -> Iterator[tuple[str, int]]:
    def behave(request: bytes, context: grpc.ServicerContext) -> bytes:
        if request == b"fail":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "naïve 100%")
        return request

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
            known: Callable[..., Any] = grpc.unary_unary_rpc_method_handler
            return known(behave) if details.method == "/test.Echo/Echo" else None

    server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield "127.0.0.1", port
    server.stop(None)


@pytest.mark.parametrize("size", [0, 1, 300, 8000])
def test_grpcio_answers_our_calls(grpcio_server: tuple[str, int], size: int) -> None:
    message = random.Random(size).randbytes(size)
    call, _client = unary(grpcio_server, "/test.Echo/Echo", message)
    assert (call.http_status, call.grpc_status) == (200, 0)
    assert our_grpc.single_message(call.body) == message


def test_a_large_request_goes_through_the_flow_control_of_grpcio(
    grpcio_server: tuple[str, int],
) -> None:
    call, _client = unary(grpcio_server, "/test.Echo/Echo", bytes(300000))
    assert call.grpc_status == 8 and "8192" in call.grpc_message
    message = bytes(300000)
    call, _client = unary(grpcio_server, "/test.Echo/Echo", message, max_body=400000)
    assert our_grpc.single_message(call.body) == message


def test_errors_of_grpcio_arrive_with_status_and_message(
    grpcio_server: tuple[str, int],
) -> None:
    call, _client = unary(grpcio_server, "/test.Echo/Echo", b"fail")
    assert (call.grpc_status, call.grpc_message) == (7, "naïve 100%")
    call, _client = unary(grpcio_server, "/test.Echo/Other", b"")
    assert call.grpc_status == 12
