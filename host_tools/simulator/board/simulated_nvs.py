"""`esp32.NVS`: 32-bit integers and blobs, one file per key in the simulator's state folder."""

import os
from errno import ENOENT


class NVS:
    """One namespace.  OSError(ENOENT) for a key that it has not."""

    def __init__(self, namespace):
        self._folder = "%s/nvs.%s." % (os.getenv("SIMULATED_STATE") or ".", namespace)

    def _read(self, kind, key):
        try:
            with open(self._folder + kind + key, "rb") as file:
                return file.read()
        except OSError:
            raise OSError(ENOENT)

    def _write(self, kind, key, data):
        with open(self._folder + kind + key, "wb") as file:
            file.write(data)

    def get_i32(self, key):
        value = int.from_bytes(self._read("i", key), "little")
        return value - (1 << 32) if value >> 31 else value

    def set_i32(self, key, value):
        self._write("i", key, (value & 0xFFFFFFFF).to_bytes(4, "little"))

    def get_blob(self, key, buffer):
        data = self._read("b", key)
        buffer[: len(data)] = data
        return len(data)

    def set_blob(self, key, data):
        self._write("b", key, data)

    def erase_key(self, key):
        gone = 0
        for kind in "ib":
            try:
                os.remove(self._folder + kind + key)
                gone += 1
            except OSError:
                pass  # it may be of the other kind
        if not gone:
            raise OSError(ENOENT)

    def commit(self):
        """Each write is in the file already."""
