"""Writes MicroPython's ROMFS: a read-only file system whose `.mpy` files run in place.

Format: https://docs.micropython.org/en/latest/reference/romfs.html
"""

from pathlib import Path

_HEADER = b"\xd2\xcd\x31"
_DATA = 2
_FILE = 5


def build(files: dict[str, Path]) -> bytes:
    """An image with `files` (name in the image: file on the host) in its root folder."""
    body = b"".join(_file(name, path.read_bytes()) for name, path in sorted(files.items()))
    length = _number(len(body))
    if (len(_HEADER) + len(length)) % 2:
        length = b"\x80" + length  # the content starts at an even address
    return _HEADER + length + body


def _file(name: str, content: bytes) -> bytes:
    encoded = name.encode()
    return _record(_FILE, _number(len(encoded)) + encoded + _record(_DATA, content))


def _record(kind: int, payload: bytes) -> bytes:
    return _number(kind) + _number(len(payload)) + payload


def _number(value: int) -> bytes:
    """Seven bits per byte, the most significant first; the top bit says that more follow."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.insert(0, 0x80 | value & 0x7F)
    return bytes(groups)
