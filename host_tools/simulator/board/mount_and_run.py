"""Given to the interpreter: mounts the simulator's own modules as read-only memory, then boots.

They run in place from memory outside the interpreter's heap, so that the heap holds the firmware.
"""

import os
import sys

import ffi
import uctypes
import vfs


def _mount(name):
    libc = ffi.open("libc.so.6")
    size = os.stat(name)[6]
    descriptor = libc.func("i", "open", "si")(name, 0)
    address = libc.func("p", "mmap", "piiiii")(None, size, 1, 2, descriptor, 0)
    vfs.mount(vfs.VfsRom(uctypes.bytearray_at(address, size)), "/rom")
    sys.path[0] = ""  # the board's file system; the interpreter put this file's folder there
    sys.path.insert(1, "/rom")


_mount(os.getenv("SIMULATED_ROM"))
import simulated_boot

simulated_boot.run()
