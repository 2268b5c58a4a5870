"""Files in place of flash sectors: written once, sealed by the first read."""

import os

from capture_parts import append, read_all, ring_of, values_of
from microserver.capture.file_sectors import FileSectors
from microserver.capture.flash_pool import FlashPool
from microserver.health.diagnostics import flash_account


class FakeFiles:
    """A file system in memory: `mkdir`, `remove`, `open`; counts what is written and how often."""

    def __init__(self):
        self.files = {}
        self.opened = 0

    def mkdir(self, path):
        if path in self.files:
            raise OSError(17, path)
        self.files[path] = None

    def remove(self, path):
        if path not in self.files:
            raise OSError(2, path)
        del self.files[path]

    def open(self, path, mode):
        if mode == "wb":
            self.files[path] = b""
            self.opened += 1
        elif path not in self.files:
            raise OSError(2, path)
        return FakeFile(self.files, path)


class FakeFile:
    def __init__(self, files, path):
        self._files = files
        self._path = path
        self._at = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def seek(self, offset):
        self._at = offset

    def readinto(self, view):
        data = self._files[self._path][self._at : self._at + len(view)]
        view[: len(data)] = data
        return len(data)

    def write(self, view):
        self._files[self._path] += bytes(view)

    def close(self):
        self._files = None


def test_a_ring_in_files_keeps_what_a_ring_in_flash_keeps():
    system = FakeFiles()
    ring = ring_of(11000, 512, FlashPool(FileSectors(system, system.open, "ring", 8)))
    for value in range(3000):
        assert append(ring, value, 50000 * (value + 1)), value
        if value % 5 == 0:
            ring.service()
    assert values_of(read_all(ring)) == list(range(2000, 3000))
    assert max([len(data or b"") for data in system.files.values()]) <= 4096
    assert system.opened <= 9, "files are filled before the next one is begun"


def test_a_file_that_was_read_is_not_written_again():
    system = FakeFiles()
    ring = ring_of(10000, 512, FlashPool(FileSectors(system, system.open, "ring", 8)))
    value = 0
    for _ in range(6):
        for _ in range(60):
            assert append(ring, value, 50000 * (value + 1))
            value += 1
            ring.service()
        assert values_of(read_all(ring)) == list(range(value))
    assert ring.lost == 0


def test_a_new_start_reads_nothing_old_and_goes_on_in_rotation():
    system = FakeFiles()
    for life in range(3):
        pool = FlashPool(FileSectors(system, system.open, "ring", 6))
        ring = ring_of(9000, 512, pool)
        for value in range(600):
            append(ring, value + life * 1000, 50000 * (value + 1))
            ring.service()
        assert values_of(read_all(ring)) == [life * 1000 + value for value in range(600)]
    assert flash_account(pool)["max_erase_count"] <= 2


def test_it_works_on_the_real_file_system():
    folder = "/tmp/file_sectors_%d" % id(FakeFiles())
    try:
        device = FileSectors(os, open, folder, 3)
        device.erase(1)
        device.program(1, 0, b"abcd")
        device.program(1, 4, b"ef")
        view = bytearray(8)
        device.read(1, 2, view)
        assert view == b"cdef\xff\xff\xff\xff" and device.is_sealed(1)
        device.erase(1)
        FileSectors(os, open, folder, 3).read(1, 0, view)
        assert view == b"\xff" * 8
    finally:
        os.rmdir(folder)
