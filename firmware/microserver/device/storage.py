"""The few files the firmware keeps on the board's file system."""

import json
import os

from micropython import const

_LARGEST_JSON = const(16384)  # a parsed document takes several times its size of the heap
_SIZE = const(6)  # index in os.stat()


def exists(name):
    """True for a file that can be read."""
    try:
        os.stat(name)
    except OSError:
        return False
    return True


def read_json(name):
    """The parsed file, or None when there is none.  Raises ValueError naming what is wrong."""
    if not exists(name):
        return None
    size = os.stat(name)[_SIZE]
    if size > _LARGEST_JSON:
        raise ValueError("%s has %d bytes, the limit is %d" % (name, size, _LARGEST_JSON))
    with open(name) as file:
        try:
            return json.load(file)
        except ValueError:
            raise ValueError('%s is not valid JSON: try "microserver check"' % name)


def read_bytes(name):
    """The file's content, or None when there is none."""
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError:
        return None


def replace(name, content):
    """Write `content` so that a power cut leaves either the old file or the new one."""
    with open(name + ".new", "wb") as file:
        file.write(content)
    os.rename(name + ".new", name)
