"""Readings as compact records: the shape is kept once per collector, a record holds the values.

    slot u8 | fixed payload | strings (length u16, UTF-8) | time since the last record | time taken

A *shape* is the payload with a letter in place of each value: {"readings": {"t": "f", "ok": "?"}}.
Two payloads with equal shapes share a schema, and a record names its schema by a slot of a table
that lives in RAM only.  Both times are varints of `seconds << 20 | microseconds`, built from
two small integers.
"""

import struct
from array import array

from micropython import const

from microserver.wire.sensor_data import RawTemplate, Template

SLOTS = 16
TIMES_SIZE = 12  # at most, both of them
_LARGEST_FLOAT32 = 3.4028235e38


class Schema:
    """What all records of one shape have in common."""

    def __init__(self, shape, format, template):
        self.shape = shape
        self.format = format
        self.size = struct.calcsize(format)
        self.template = template


def raw_schema(source):
    """The schema of a fast source (robot.resource.FastSource): its struct, kept as it is."""
    shape = {}
    for index, (path, scale, _) in enumerate(source.fields):
        _place(shape, path, ~index if scale is None else index)
    for path, value in source.constants:
        _place(shape, path, (value,))
    return Schema(shape, source.format, RawTemplate(shape, source.format, source.fields))


def _place(shape, path, leaf):
    for key in path[:-1]:
        shape = shape.setdefault(key, {})
    shape[path[-1]] = leaf


class Schemas:
    """The table of a collector's schemas; a slot is free when no stored record refers to it."""

    def __init__(self):
        self.sizes = array("H", bytes(2 * SLOTS))
        self.strings = bytearray(SLOTS)
        self.last_used = [-1] * SLOTS  # the sequence number of the newest record of each slot
        self._table = [None] * SLOTS

    def __getitem__(self, slot):
        return self._table[slot]

    def slot_of(self, shape, first):
        """The slot of a simple payload's shape, or -1 when records refer to all of them.

        `first`: the sequence number of the oldest stored record.
        """
        for slot, schema in enumerate(self._table):
            if schema is not None and schema.shape == shape:
                return slot
        slot = self._free_slot(first)
        if slot >= 0:
            codes = codes_of(shape)
            format = "<" + codes.replace("s", "").replace("n", "")
            self.put(slot, Schema(shape, format, Template(shape, codes)))
        return slot

    def _free_slot(self, first):
        for slot in range(SLOTS):
            if self._table[slot] is None or self.last_used[slot] < first:
                return slot
        return -1

    def put(self, slot, schema):
        self._table[slot] = schema
        self.sizes[slot] = schema.size
        self.strings[slot] = schema.template.strings


def codes_of(shape):
    """The letters of a shape in the order in which its values are stored (keys sorted)."""
    if isinstance(shape, dict):
        return "".join([codes_of(shape[key]) for key in sorted(shape)])
    if isinstance(shape, list):
        return "".join([codes_of(item) for item in shape])
    return shape


class Reading:
    """One payload taken apart: `shape`, `values` and `strings` in order, `bad_values` left out.

    TypeError when a value is none of number, bool, str, None, dict, list.
    """

    def __init__(self, payload):
        self.values = []
        self.strings = []
        self.bad_values = 0
        self.count = 0
        self.shape = self._shape(payload)

    def _shape(self, node):
        if isinstance(node, dict):
            shape = {}
            for key in sorted(node):
                code = self._shape(node[key])
                if code != "":
                    shape[key] = code
            return shape
        if isinstance(node, (list, tuple)):
            return [code for code in [self._shape(item) for item in node] if code != ""]
        code = self._code(node)
        self.count += code != ""
        return code

    def _code(self, value):
        if value is None:
            return "n"
        if isinstance(value, str):
            self.strings.append(value.encode())
            return "s"
        if isinstance(value, bool):
            code = "?"
        elif isinstance(value, int) and value >> 63 in (0, -1):
            code = "i" if value >> 31 in (0, -1) else "q"
        elif isinstance(value, (int, float)):
            value = float(value)
            if not -_LARGEST_FLOAT32 <= value <= _LARGEST_FLOAT32:  # NaN is not either
                self.bad_values += 1
                return ""
            code = "f"
        else:
            raise TypeError("a %s cannot be captured" % type(value).__name__)
        self.values.append(value)
        return code

    def record(self, slot, schema):
        """`(buffer, where the times go)`: the record but for its times, with room for them."""
        at = 1 + schema.size
        size = at + sum([2 + len(text) for text in self.strings])
        buffer = bytearray(size + TIMES_SIZE)
        buffer[0] = slot
        struct.pack_into(schema.format, buffer, 1, *self.values)
        for text in self.strings:
            struct.pack_into("<H", buffer, at, len(text))
            buffer[at + 2 : at + 2 + len(text)] = text
            at += 2 + len(text)
        return buffer, at


def put_time(buffer, at, seconds, micros):
    """Writes the varint of `seconds << 20 | micros`; returns the index behind it."""
    low = micros | (seconds & 1) << 20
    high = seconds >> 1
    bits = 21
    while low > 127 or high:
        buffer[at] = low & 127 | 128
        at += 1
        low >>= 7
        bits -= 7
        if not bits:
            low = high
            high = 0
            bits = 28
    buffer[at] = low
    return at + 1


class RecordReader:
    """Where a record ends and what its times are, as attributes: nothing is allocated.

    `size`; `strings_at` (index of the strings); `seconds`, `micros` since the record before;
    `taken_seconds`, `taken_micros`.
    """

    def __init__(self, schemas):
        self._sizes = schemas.sizes
        self._strings = schemas.strings
        self.size = self.strings_at = self.seconds = self.micros = 0
        self.taken_seconds = self.taken_micros = 0

    def read(self, buffer, at, wrap):
        """Reads the record that starts at `buffer[at]`; index `wrap` is index 0 again."""
        slot = buffer[at]
        start = at
        at += 1 + self._sizes[slot]
        self.strings_at = at
        for _ in range(self._strings[slot]):
            size = buffer[at % wrap] | buffer[(at + 1) % wrap] << 8
            at += 2 + size
        at = self._read_time(buffer, at, wrap)
        self.seconds = self.taken_seconds
        self.micros = self.taken_micros
        self.size = self._read_time(buffer, at, wrap) - start

    def _read_time(self, buffer, at, wrap):
        low = high = shift = 0
        while True:
            byte = buffer[at if at < wrap else at - wrap]
            at += 1
            if shift < 21:
                low |= (byte & 127) << shift
            else:
                high |= (byte & 127) << (shift - 20)
            if byte < 128:
                break
            shift += 7
        self.taken_seconds = low >> 20 | high
        self.taken_micros = low & 0xFFFFF
        return at
