"""What the capture tests share: rings with simple records, a clock that is moved by hand."""

import struct

from microserver.capture import schema_maker
from microserver.capture.batch import Batch
from microserver.capture.cursor import Cursor
from microserver.capture.record import HEADER, put_times
from microserver.capture.ring import Ring


def ring_of(cap, ram, pool=None):
    """A Ring with two schemas: 0 is {"readings": {"n": int}}, 1 has a string "text" beside it."""
    ring = Ring(cap, ram, pool)
    schema_maker.schema_of(ring.schemas, {"readings": {"n": 1}}, 0)
    schema_maker.schema_of(ring.schemas, {"readings": {"n": 1, "text": ""}}, 0)
    ring.last = 0
    return ring


def append(ring, value, time_us, text=None):
    """Appends a record of 11 bytes, or more with a text."""
    buffer = bytearray(HEADER + 4 + (0 if text is None else 2 + len(text)))
    struct.pack_into("<i", buffer, HEADER, value)
    if text is not None:
        buffer[0] = 1
        struct.pack_into("<H", buffer, HEADER + 4, len(text))
        buffer[HEADER + 6 :] = text.encode()
    since = time_us - ring.last
    put_times(buffer, 0, since // 1000000, since % 1000000, 700)
    stored = ring.append(buffer, len(buffer))
    if stored:
        ring.last = time_us
    return stored


def read_all(ring):
    """[(sequence, value, (seconds, micros)), ...] of all stored records."""
    cursor = Cursor(ring)
    rows = []
    while cursor.next():
        value = struct.unpack_from("<i", cursor.buffer, cursor.start + HEADER)[0]
        assert taken_us(cursor) == 700
        rows.append((cursor.next_sequence - 1, value, (cursor.seconds, cursor.micros)))
    return rows


def taken_us(cursor):
    """How long the reading took that the cursor stands on (a little-endian record)."""
    return taken_us_of(struct.unpack_from("<H", cursor.buffer, cursor.start + 5)[0])


def taken_us_of(taken):
    """Microseconds of the u16 in a record."""
    return taken if taken < 0x8000 else (taken & 0x7FFF) << 10


class Machine:
    """What a collector asks of the CaptureService; `reports` is what it said."""

    def __init__(self, clock):
        self.clock = clock
        self.due = self
        self.reports = []

    def set(self):
        pass

    def report(self, name, message):
        self.reports.append((name, message))


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


def upload(ring, wall, max_bytes=32000, part=300):
    """One upload that succeeds: (how many records, their bytes)."""
    batch = Batch(ring, ring.schemas, wall, max_bytes)
    data = b"".join([bytes(view) for view in batch.parts(bytearray(part))])
    assert len(data) == batch.size
    ring.ack(batch.end)
    return batch.count, data
