"""Readings as compact records: the shape is kept once per collector, a record holds the values.

    slot u8 | time since the last record u32 | time taken u16 | payload | strings (u16 + UTF-8)

A *shape* is the payload with a letter in place of each value: {"readings": {"t": "f", "ok": "?"}}.
Two payloads with equal shapes share a schema, and a record names its schema by a slot of a table
that lives in RAM only.  The schema's struct format gives the byte order of all but the strings.

Times are microseconds where these are few, so that the fields are small: from 18 minutes on the
first counts steps of 4096 us (and up to 50 days), from 33 ms on the second steps of 1024 us.  Such
roundings never add up, because the next time counts from the rounded one.
"""

import struct
import sys
from array import array

from micropython import const

from microserver.wire.sensor_data import RawTemplate, Template

SLOTS = 16
HEADER = 7
_LARGEST_FLOAT32 = 3.4028235e38
_MICROS = const(1000000)
_COARSE = const(0x80)  # in the highest byte of the time since the last record
_COARSE_US = const(4096)
_STEPS = const(15625)  # so many of them are 64 s
_FINE_SECONDS = const(1073)  # below 2**30 us
_FEW_STEPS = const((1 << 30) // 15625 * 64)  # in seconds


class Schema:
    """What all records of one shape have in common."""

    def __init__(self, shape, format, template):
        self.shape = shape
        self.format = format  # of the payload
        self.size = HEADER + struct.calcsize(format)  # of a record without strings
        self.template = template


def raw_schema(source):
    """The schema of a fast source (robot.resource.FastSource): its struct, kept as it is."""
    shape = {}
    for index, (path, scale, _) in enumerate(source.fields):
        _place(shape, path, ~index if scale is None else index)
    for path, value in source.constants:
        _place(shape, path, (value,))
    return Schema(
        shape, source.format, RawTemplate(layout_of(shape), source.format, source.fields)
    )


def _place(shape, path, leaf):
    for key in path[:-1]:
        shape = shape.setdefault(key, {})
    shape[path[-1]] = leaf


def layout_of(shape):
    """What `wire.entry_builder` builds for a shape; that module does not stay in the heap."""
    from microserver.wire import entry_builder

    layout = entry_builder.build(shape)
    name = entry_builder.__name__
    parent, _, leaf = name.rpartition(".")
    setattr(sys.modules[parent], leaf, None)  # None first: a dict keeps a deleted entry's value
    delattr(sys.modules[parent], leaf)
    sys.modules[name] = None
    del sys.modules[name]
    return layout


class Schemas:
    """The table of a collector's schemas; a slot is free when no stored record refers to it."""

    def __init__(self):
        self.sizes = array("H", bytes(2 * SLOTS))
        self.strings = bytearray(SLOTS)
        self.big_endian = bytearray(SLOTS)
        self.last_used = [-1] * SLOTS  # the sequence number of the newest record of each slot
        self._table = [None] * SLOTS
        self._recent = 0

    def __getitem__(self, slot):
        return self._table[slot]

    def slot_of(self, shape, first):
        """The slot of a simple payload's shape, or -1 when records refer to all of them.

        `first`: the sequence number of the oldest stored record.
        """
        schema = self._table[self._recent]
        if schema is not None and schema.shape == shape:
            return self._recent
        slot = self._known(shape)
        if slot < 0:
            slot = self._add(shape, first)
        self._recent = max(slot, 0)
        return slot

    def _known(self, shape):
        for slot, schema in enumerate(self._table):
            if schema is not None and schema.shape == shape:
                return slot
        return -1

    def _add(self, shape, first):
        slot = self._free_slot(first)
        if slot >= 0:
            codes = codes_of(shape)
            format = "<" + codes.replace("s", "").replace("n", "")  # of the payload
            self.put(slot, Schema(shape, format, Template(layout_of(shape), codes)))
        return slot

    def only_slot(self, first):
        """The slot of all records from `first` on, if their entries have one size, or -1."""
        slots = [slot for slot in range(SLOTS) if self.last_used[slot] >= first]
        return slots[0] if len(slots) == 1 and not self.strings[slots[0]] else -1

    def _free_slot(self, first):
        for slot in range(SLOTS):
            if self._table[slot] is None or self.last_used[slot] < first:
                return slot
        return -1

    def put(self, slot, schema):
        self._table[slot] = schema
        self.sizes[slot] = schema.size
        self.strings[slot] = schema.template.strings
        self.big_endian[slot] = schema.format[0] in ">!"


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
        self._nones = 0
        self.shape = self._shape(payload)
        self.count = len(self.values) + len(self.strings) + self._nones

    def _shape(self, node):
        kind = type(node)
        if kind is float:  # the most frequent first: each question costs
            return self._float(node)
        if kind is bool:
            self.values.append(node)
            return "?"
        if isinstance(node, int):
            if node >> 31 in (0, -1):
                code = "i"
            elif node >> 63 in (0, -1):
                code = "q"
            else:
                return self._float(float(node))
            self.values.append(node)
            return code
        if isinstance(node, dict):
            shape = {}
            for key in sorted(node):
                code = self._shape(node[key])
                if code != "":
                    shape[key] = code
            return shape
        if isinstance(node, (list, tuple)):
            return [code for code in [self._shape(item) for item in node] if code != ""]
        return self._rare(node)

    def _float(self, value):
        if -_LARGEST_FLOAT32 <= value <= _LARGEST_FLOAT32:  # NaN is not either
            self.values.append(value)
            return "f"
        self.bad_values += 1
        return ""

    def _rare(self, value):
        if value is None:
            self._nones += 1
            return "n"
        if not isinstance(value, str):
            raise TypeError("a %s cannot be captured" % type(value).__name__)
        self.strings.append(value.encode())
        return "s"

    def record(self, slot, schema):
        """The record but for its times."""
        at = schema.size
        buffer = bytearray(at + sum([2 + len(text) for text in self.strings]))
        buffer[0] = slot
        struct.pack_into(schema.format, buffer, HEADER, *self.values)
        for text in self.strings:
            struct.pack_into("<H", buffer, at, len(text))
            buffer[at + 2 : at + 2 + len(text)] = text
            at += 2 + len(text)
        return buffer


def put_times(buffer, big_endian, seconds, micros, taken_us):
    """Completes a record: time since the record before, and time that the reading took."""
    if taken_us > 0x7FFF:
        taken_us = 0x8000 | min(taken_us >> 10, 0x7FFF)
    format = ">IH" if big_endian else "<IH"
    if seconds < _FINE_SECONDS:
        struct.pack_into(format, buffer, 1, seconds * _MICROS + micros, taken_us)
        return
    seconds = min(seconds, _FEW_STEPS)
    steps = seconds // 64 * _STEPS + (seconds % 64 * _MICROS + micros) // _COARSE_US
    struct.pack_into(format, buffer, 1, steps, taken_us)
    buffer[1 if big_endian else 4] |= _COARSE


def rounding_us(seconds, micros):
    """By how much `put_times` shortens a time since the record before."""
    return 0 if seconds < _FINE_SECONDS else (seconds % 64 * _MICROS + micros) % _COARSE_US


def seconds_of_steps(steps):
    return steps // _STEPS * 64 + steps % _STEPS * _COARSE_US // _MICROS


def micros_of_steps(steps):
    return steps % _STEPS * _COARSE_US % _MICROS


def taken_us_of(taken):
    """Microseconds of the u16 in a record."""
    return taken if taken < 0x8000 else (taken & 0x7FFF) << 10


class RecordReader:
    """A record's `size` and its time since the record before (`seconds`, `micros`), as attributes:
    nothing is allocated."""

    def __init__(self, schemas):
        self._sizes = schemas.sizes
        self._strings = schemas.strings
        self._big_endian = schemas.big_endian
        self.size = self.seconds = self.micros = 0

    def read(self, buffer, at, wrap):
        """Reads the record that starts at `buffer[at]`; index `wrap` is index 0 again."""
        slot = buffer[at]
        size = self._sizes[slot]
        for _ in range(self._strings[slot]):
            size += 2 + (buffer[(at + size) % wrap] | buffer[(at + size + 1) % wrap] << 8)
        self.size = size
        step = 1
        if self._big_endian[slot]:
            at += 3
            step = -1
        at += 1
        since = buffer[at % wrap] | buffer[(at + step) % wrap] << 8
        top = buffer[(at + 3 * step) % wrap]
        since |= buffer[(at + 2 * step) % wrap] << 16 | (top & 0x3F) << 24
        if top & _COARSE:
            self.seconds = seconds_of_steps(since)
            self.micros = micros_of_steps(since)
        else:
            self.seconds = since // _MICROS
            self.micros = since % _MICROS
