"""HTTP/2 frames that a connection sees seldom: SETTINGS, GOAWAY, padded or prioritised headers.

`http2.py` loads this when one comes; after a connection's greeting it may be forgotten.
"""

from struct import unpack_from

from micropython import const

from microserver.wire.grpc import require

_PROTOCOL_ERROR = const(1)
_FLOW_CONTROL_ERROR = const(3)
_FRAME_SIZE_ERROR = const(6)
_REFUSED_STREAM = const(7)

_PADDED = const(8)
_WITH_PRIORITY = const(0x20)
_PRIORITY_SIZE = const(5)

_TABLE_SIZE = const(4096)  # of HPACK's dynamic table
_MAX_FRAME = const(16384)
_LARGEST_WINDOW = const(0x7FFFFFFF)


def apply_settings(connection, data):
    """Follow the peer's SETTINGS."""
    require(not len(data) % 6, _FRAME_SIZE_ERROR)
    for at in range(0, len(data), 6):
        name, value = unpack_from(">HI", data, at)
        if name == 1 and value < _TABLE_SIZE:
            connection.codec.stop_indexing()
        elif name == 3:
            connection.max_calls = value
        elif name == 4:
            require(value <= _LARGEST_WINDOW, _FLOW_CONTROL_ERROR)
            change = value - connection.initial_window
            connection.initial_window = value
            for call in connection.calls.values():
                call.window += change
                require(call.window <= _LARGEST_WINDOW, _FLOW_CONTROL_ERROR)
        elif name == 5:
            require(_MAX_FRAME <= value <= 0xFFFFFF, _PROTOCOL_ERROR)


def go_away(connection, data):
    """The peer takes no more calls; those that it surely did not process end."""
    require(len(data) >= 8, _FRAME_SIZE_ERROR)
    last, code = unpack_from(">II", data)
    last &= _LARGEST_WINDOW
    connection.goaway = code, last
    for call in list(connection.calls.values()):
        if call.id > last:
            connection.finish(call, _REFUSED_STREAM)


def strip(data, flags):
    """Leave of a HEADERS payload only the header block."""
    start = padding = 0
    if flags & _PADDED:
        start = 1
        padding = data[0] if data else 1
    if flags & _WITH_PRIORITY:
        start += _PRIORITY_SIZE
    end = len(data) - padding
    require(end >= start, _PROTOCOL_ERROR)
    data[:] = data[start:end]
