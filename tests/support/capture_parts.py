"""What the capture tests share: rings with simple records, a clock that is moved by hand."""

import struct

from microserver.capture.cursor import Cursor
from microserver.capture.record import TIMES_SIZE, Schema, put_time
from microserver.capture.ring import Ring
from microserver.wire.sensor_data import Template

_SHAPE = {"readings": {"n": "i"}}


def ring_of(cap, ram, pool=None):
    """A Ring whose slot 0 is the schema of {"readings": {"n": int}}, slot 1 the same with a string."""
    ring = Ring(cap, ram, pool)
    ring.schemas.put(0, Schema(_SHAPE, "<i", Template(_SHAPE, "i")))
    shape = {"readings": {"n": "i", "text": "s"}}
    ring.schemas.put(1, Schema(shape, "<i", Template(shape, "is")))
    ring.last = 0
    return ring


def append(ring, value, time_us, text=None):
    """Appends a record: 10 bytes, when it comes less than a second after the last one."""
    buffer = bytearray(5 + TIMES_SIZE + 2 + len(text or ""))
    struct.pack_into("<Bi", buffer, 0, 0 if text is None else 1, value)
    at = 5
    if text is not None:
        struct.pack_into("<H", buffer, at, len(text))
        buffer[at + 2 : at + 2 + len(text)] = text.encode()
        at += 2 + len(text)
    since = time_us - ring.last
    at = put_time(buffer, at, since // 1000000, since % 1000000)
    at = put_time(buffer, at, 0, 700)
    stored = ring.append(buffer, at)
    if stored:
        ring.last = time_us
    return stored


def read_all(ring):
    """[(sequence, value, (seconds, micros)), ...] of all stored records."""
    cursor = Cursor(ring)
    rows = []
    while cursor.next():
        value = struct.unpack_from("<i", cursor.buffer, cursor.at + 1)[0]
        assert (cursor.record.taken_seconds, cursor.record.taken_micros) == (0, 700)
        rows.append((cursor.sequence, value, (cursor.seconds, cursor.micros)))
    return rows


def values_of(rows):
    return [row[1] for row in rows]


class Ticks:
    """`time.ticks_us` of a board whose time is moved by hand."""

    def __init__(self, now=(1 << 30) - 5000000):
        self.now = now

    def ticks_us(self):
        return self.now

    def ticks_diff(self, a, b):
        return (a - b + (1 << 29)) % (1 << 30) - (1 << 29)

    def move(self, micros):
        self.now = (self.now + micros) % (1 << 30)
