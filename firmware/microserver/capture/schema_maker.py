"""Makes the schema of a new shape of readings; leaves the heap as soon as that is done.

A shape is met for the first time a few times in a collector's life, so neither this module nor
`wire.entry_builder` stays.
"""

import struct

from micropython import const

from microserver.capture.record import HEADER, Schema, code_of
from microserver.capture.ring import copy_formats
from microserver.health.heap import drop
from microserver.wire.sensor_data import Template

_SLOTS = const(16)
_STRING = const(1 << 16)  # in a layout, as record.py reads it: one more string
_BIG_ENDIAN = const(1 << 24)
_FEW = const(4)  # so many shapes keep their slots even while no record is stored


def schema_of(schemas, payload, first):
    """The schema of a payload whose shape `schemas` does not know; it is put there when a slot
    is free.  `first`: the sequence number of the oldest stored record."""
    shape = _shape(payload)
    codes = _codes(shape)
    stored = codes.replace("s", "").replace("n", "").replace("0", "").replace("?", "B")
    bad = codes.count("0")
    slot = _free_slot(schemas.last_used, first)
    template = None
    size = HEADER + struct.calcsize("<" + stored) if len(codes) > bad else 0
    if size and slot >= 0:
        template = Template(_layout(_for_builder(shape)), codes.replace("0", ""))
    schema = Schema(slot, shape, "<" + stored, size, template, bad)
    if slot >= 0:
        put(schemas, schema)
    drop(__name__)
    return schema


def put(schemas, schema):
    """Fills the schema's slot, which is one of the table or the one behind its end."""
    strings = schema.template.strings if schema.template else 0
    layout = schema.size + strings * _STRING
    if strings > 0xFF or schema.size >= _STRING:
        raise ValueError("the reading has too many values")
    if schema.format[:1] in (">", "!"):
        layout |= _BIG_ENDIAN
    if not strings and len(copy_formats) < _SLOTS:
        copy_formats[schema.size] = "%ds" % schema.size
    if schema.slot == len(schemas.table):
        schemas.layouts.append(layout)
        schemas.last_used.append(-1)
        schemas.table.append(schema)
    schemas.layouts[schema.slot] = layout
    schemas.table[schema.slot] = schemas.recent = schema


def _shape(node):
    if isinstance(node, dict):
        pairs = []
        for key in sorted(node):
            pairs += (key, _shape(node[key]))
        return tuple(pairs)
    if isinstance(node, (list, tuple)):
        return [_shape(item) for item in node]
    code = code_of(node)
    if code is None:
        raise TypeError("a %s cannot be captured" % type(node).__name__)
    return code


def _codes(shape):
    """The letters in the order in which the values are stored; 0 for one that is left out."""
    if isinstance(shape, str):
        return shape or "0"
    if type(shape) is tuple:
        shape = [shape[at] for at in range(1, len(shape), 2)]
    return "".join([_codes(item) for item in shape])


def _for_builder(shape):
    """The shape as entry_builder takes it: with dicts, and without what is left out."""
    if type(shape) is tuple:
        pairs = [(shape[at], shape[at + 1]) for at in range(0, len(shape), 2)]
        return {key: _for_builder(item) for key, item in pairs if item != ""}
    if type(shape) is list:
        return [_for_builder(item) for item in shape if item != ""]
    return shape


def _free_slot(last_used, first):
    """A slot that no stored record refers to, or -1."""
    slots = len(last_used)
    if slots >= _FEW:
        for slot in range(slots):
            if last_used[slot] < first:
                return slot
    return slots if slots < _SLOTS else -1


def raw_schema(source):
    """The schema of a fast source (robot.resource.FastSource): its struct, kept as it is."""
    shape = {}
    for index, (path, scale, _) in enumerate(source.fields):
        _place(shape, path, ~index if scale is None else index)
    for path, value in source.constants:
        _place(shape, path, (value,))
    template = Template(_layout(shape), source.format, source.fields)
    size = HEADER + struct.calcsize(source.format)
    return Schema(0, None, source.format, size, template, 0)


def _place(shape, path, leaf):
    for key in path[:-1]:
        shape = shape.setdefault(key, {})
    shape[path[-1]] = leaf


def _layout(shape):
    from microserver.wire import entry_builder

    layout = entry_builder.build(shape)
    drop(entry_builder.__name__)
    return layout
