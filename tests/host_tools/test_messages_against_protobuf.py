"""Our protobuf tables and codec against google.protobuf."""

import random
import struct
from typing import Any

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value

from host_tools import generate_messages as generator
from host_tools.firmware_path import FIRMWARE
from microserver.wire import protobuf

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
