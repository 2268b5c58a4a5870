"""`sample_into` functions of fast sources: each fills its view from a chip without allocating.

They refer to nothing else of ours, because all that they refer to stays in the heap with them.
"""


def registers(bus, address, register):
    """The chip's registers from `register` on, as many as the view is long; `bus`: machine.I2C."""
    read_into = bus.readfrom_mem_into

    def sample_into(view):
        read_into(address, register, view)

    return sample_into


def millivolts(read_uv):
    """An analog reader as format "<H"."""

    def sample_into(view):
        value = read_uv() // 1000
        view[0] = value & 255
        view[1] = value >> 8

    return sample_into


def level(value):
    """A pin's `value` as format "<B"."""

    def sample_into(view):
        view[0] = value()

    return sample_into
