"""A NOR flash chip that only clears bits, erases whole sectors, and fails on demand.

The sector device that microserver.capture.flash_pool asks for; runs on both interpreters.
"""

SECTOR = 4096


class PowerLost(Exception):
    """The chip has no power; whatever the caller did is over."""


class NorFlash:
    """`memory` is a list of sectors.  Faults are set as attributes:

    `power`: operations left before the power goes, None for ever.  The last one is half done.
    `bad_erases`, `bad_programs`: sectors where it raises OSError; `lazy_erases`,
    `lazy_programs`: sectors where it silently does nothing.
    """

    def __init__(self, sectors):
        self.sectors = sectors
        self.memory = [bytearray(b"\xff" * SECTOR) for _ in range(sectors)]
        self.erases = [0] * sectors
        self.programmed = 0
        self.reads = 0
        self.power = None
        self.leaky = False  # bits were flipped: a program may meet cleared ones
        self.bad_erases = set()
        self.bad_programs = set()
        self.lazy_erases = set()
        self.lazy_programs = set()

    def read(self, sector, offset, view):
        assert 0 <= offset and offset + len(view) <= SECTOR
        if self.power is not None and self.power <= 0:
            raise PowerLost
        self.reads += 1
        view[:] = self.memory[sector][offset : offset + len(view)]

    def program(self, sector, offset, view):
        """Clears bits; setting one is an error of the caller."""
        assert 0 <= offset and offset + len(view) <= SECTOR
        if sector in self.bad_programs:
            raise OSError(5)
        if sector in self.lazy_programs:
            return
        size = self._powered(len(view))
        memory = self.memory[sector]
        for index in range(size):
            clears = memory[offset + index] & view[index] == view[index]
            assert clears or self.leaky, "a program sets a bit"
            memory[offset + index] &= view[index]
        self.programmed += size
        self._check_power()

    def erase(self, sector):
        if sector in self.bad_erases:
            raise OSError(5)
        size = self._powered(SECTOR)
        self.erases[sector] += 1
        if sector not in self.lazy_erases:
            self.memory[sector][:size] = b"\xff" * size
        self._check_power()

    def seal(self, sector):
        pass

    def flip(self, sector, offset, mask):
        """Flips bits, as charge that leaks."""
        self.leaky = True
        self.memory[sector][offset] ^= mask

    def _powered(self, size):
        """How much of an operation is done: all, half when the power goes now, nothing after."""
        if self.power is None:
            return size
        self.power -= 1
        if self.power < 0:
            raise PowerLost
        return size // 2 if self.power == 0 else size

    def _check_power(self):
        if self.power == 0:
            raise PowerLost
