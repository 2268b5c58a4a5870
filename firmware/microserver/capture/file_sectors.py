"""Sectors as files of 4096 bytes, for a board without a partition for capture.

On littlefs a file that is written once and closed at 4096 bytes wears the flash no more than a
raw sector does, and any other way of writing wears it many times more.  So a file is open while
it is written, and reading it closes it for ever: `is_sealed`.
"""

import errno

_SECTOR = 4096


class FileSectors:
    """`system`: `remove`, `mkdir` (the `os` module); `open_file`: `open`; failures are OSError."""

    def __init__(self, system, open_file, folder="capture", sectors=64):
        self.sectors = sectors
        self._remove = system.remove
        self._open = open_file
        self._path = folder + "/%d"
        self._writing = {}  # the open file of each sector that is being written
        try:
            system.mkdir(folder)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise

    def read(self, sector, offset, view):
        """What was never written reads as erased flash."""
        self.seal(sector)
        size = 0
        try:
            with self._open(self._path % sector, "rb") as file:
                file.seek(offset)
                size = file.readinto(view)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
        for at in range(size, len(view)):
            view[at] = 0xFF

    def program(self, sector, offset, view):
        """Appends; the offset is where the last program ended."""
        if not offset:
            self._writing[sector] = self._open(self._path % sector, "wb")
        self._writing[sector].write(view)

    def erase(self, sector):
        self.seal(sector)
        try:
            self._remove(self._path % sector)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def seal(self, sector):
        file = self._writing.pop(sector, None)
        if file:
            file.close()

    def is_sealed(self, sector):
        return sector not in self._writing
