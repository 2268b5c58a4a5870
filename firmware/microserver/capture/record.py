"""Readings as compact records: the shape is kept once per collector, a record holds the values.

    slot u8 | time since the last record u32 | time taken u16 | payload | strings (u16 + UTF-8)

A *shape* is the payload with a letter in place of each value; a dict is a tuple there, of keys
(sorted) and shapes in turn: {"t": 1.5, "ok": True} has the shape ("ok", "?", "t", "f").
Payloads of one shape share a schema, and a record names its schema by a slot of a table that
lives in RAM only.  The schema's struct format gives the byte order of all but the strings.

Times are microseconds where these are few, so that the fields are small: from 18 minutes on the
first counts 1/256 s (and up to 48 days), from 33 ms on the second steps of 1024 us.  Such
roundings never add up, because the next time counts from the rounded one.
"""

import struct
from collections import namedtuple

from micropython import const

HEADER = 7
_LARGEST_FLOAT32 = 3.4028235e38
_MICROS = const(1000000)
_COARSE = const(0x80)  # in the highest byte of the time since the last record
_FINE_SECONDS = const(1073)  # below 2**30 us
_MANY_SECONDS = const((1 << 22) - 1)
_STRING = const(1 << 16)  # in a layout: one more string
_BIG_ENDIAN = const(1 << 24)

# What all records of one shape have in common.  `slot`: -1 when there is none free; `format`: of
# the payload; `size`: of a record without strings, 0 when there is no value to store; `bad`: how
# many values of each reading are left out.
Schema = namedtuple("Schema", ("slot", "shape", "format", "size", "template", "bad"))


class Schemas:
    """The table of a collector's schemas; a slot is free when no stored record refers to it.

    `layouts`: what the walk over records must know of each slot; `last_used`: the sequence number
    of the newest record of each.  New shapes get their schemas from schema_maker.py.
    """

    def __init__(self):
        self.table = []
        self.layouts = []
        self.last_used = []
        self.recent = None  # the schema of the newest reading

    def __getitem__(self, slot):
        return self.table[slot]

    def find(self, payload, values, texts, first):
        """The schema of a payload, whose values and texts are added to the two empty lists.

        `first`: the sequence number of the oldest stored record.  TypeError when a value is none
        of number, bool, str, None, dict, list.
        """
        recent = self.recent
        if recent and _matches(recent.shape, payload, values, texts):
            return recent
        for schema in self.table:
            values.clear()
            texts.clear()
            if _matches(schema.shape, payload, values, texts):
                self.recent = schema
                return schema
        schema = _made(self, payload, first)
        values.clear()
        texts.clear()
        _matches(schema.shape, payload, values, texts)
        return schema

    def only_slot(self, first):
        """The slot of all records from `first` on, if their entries have one size, or -1."""
        found = -1
        for slot, used in enumerate(self.last_used):
            if used >= first:
                if found >= 0 or self.layouts[slot] & (_BIG_ENDIAN - _STRING):
                    return -1
                found = slot
        return found


def _made(schemas, payload, first):
    from microserver.capture import schema_maker

    return schema_maker.schema_of(schemas, payload, first)


def _matches(shape, node, values, texts):
    """True when `node` has this shape; if not, the lists may hold anything."""
    kind = type(shape)
    if kind is str:
        if shape == "s" and isinstance(node, str):
            texts.append(node.encode())
        elif code_of(node) != shape:
            return False
        elif shape and shape != "n":
            values.append(node)
        return True
    if kind is list:
        same = isinstance(node, (list, tuple)) and len(node) == len(shape)
        for at, item in enumerate(shape):
            same = same and _matches(item, node[at], values, texts)
        return same
    if not isinstance(node, dict) or 2 * len(node) != len(shape):
        return False
    for at in range(0, len(shape), 2):
        item = node.get(shape[at], Schemas)  # which is no value, so that it never matches
        leaf = shape[at + 1]
        if leaf == "f" and type(item) is float and -_LARGEST_FLOAT32 <= item <= _LARGEST_FLOAT32:
            values.append(item)  # the most frequent first: each call costs
        elif not _matches(leaf, item, values, texts):
            return False
    return True


def code_of(value):
    """The letter of a value: f(loat32), ?, i (32 bits), q (64), s(tring), n(one), or "" for a
    number that cannot be stored (NaN is one); None when it is no value."""
    kind = type(value)
    if kind is not float:  # the most frequent first: each question costs
        if kind is bool:
            return "?"
        if isinstance(value, str):
            return "s"
        if value is None:
            return "n"
        if not isinstance(value, int):
            return None
        if value >> 31 in (0, -1):
            return "i"
        if value >> 63 in (0, -1):
            return "q"
        value = float(value)
    return "f" if -_LARGEST_FLOAT32 <= value <= _LARGEST_FLOAT32 else ""


def record_of(schema, values, texts):
    """The record but for its times."""
    at = schema.size
    buffer = bytearray(at + sum([2 + len(text) for text in texts]))
    buffer[0] = schema.slot
    struct.pack_into(schema.format, buffer, HEADER, *values)
    for text in texts:
        struct.pack_into("<H", buffer, at, len(text))
        at += 2 + len(text)
        buffer[at - len(text) : at] = text
    return buffer


def put_times(buffer, layout, seconds, micros, taken_us):
    """Completes a record: time since the record before, and time that the reading took.

    Returns by how many microseconds the first was shortened.
    """
    if taken_us > 0x7FFF:
        taken_us = 0x8000 | min(taken_us >> 10, 0x7FFF)
    format = ">IH" if layout & _BIG_ENDIAN else "<IH"
    if seconds < _FINE_SECONDS:
        struct.pack_into(format, buffer, 1, seconds * _MICROS + micros, taken_us)
        return 0
    steps = micros * 256 // _MICROS
    struct.pack_into(format, buffer, 1, min(seconds, _MANY_SECONDS) << 8 | steps, taken_us)
    buffer[1 if layout & _BIG_ENDIAN else 4] |= _COARSE
    return micros - micros_of_steps(steps)


def seconds_of_steps(steps):
    return steps >> 8


def micros_of_steps(steps):
    return (steps & 0xFF) * 15625 >> 2  # 1/256 s is 15625/4 us


class RecordReader:
    """A record's `size` and its time since the record before (`seconds`, `micros`), as attributes:
    nothing is allocated."""

    def __init__(self, schemas):
        self._layouts = schemas.layouts
        self.size = self.seconds = self.micros = 0

    def read(self, buffer, at, wrap):
        """Reads the record that starts at `buffer[at]`; index `wrap` is index 0 again."""
        layout = self._layouts[buffer[at]]
        size = layout & (_STRING - 1)
        while layout & (_BIG_ENDIAN - _STRING):
            layout -= _STRING
            size += 2 + (buffer[(at + size) % wrap] | buffer[(at + size + 1) % wrap] << 8)
        self.size = size
        step = 1
        if layout & _BIG_ENDIAN:
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
