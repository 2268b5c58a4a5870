"""Starts the firmware's main.py as the board does after a reset, and writes the report at the end.

Everything that the simulate command has to say comes in environment variables.
"""

import gc
import os
import sys

import ffi
import machine
import micropython
from micropython import const

_SIGKILL = const(9)
_SIGTERM = const(15)
_SIG_IGN = const(1)
_PR_SET_PDEATHSIG = const(1)
_READ_WRITE = const(3)
_SHARED = const(1)


def _share_clock(name):
    """Virtual time; a mapped file tells the simulate command how much time was skipped."""
    import simulated_clock

    libc = ffi.open("libc.so.6")
    descriptor = libc.func("i", "open", "si")(name, 2)
    mapped = libc.func("p", "mmap", "piiiii")(None, 4, _READ_WRITE, _SHARED, descriptor, 0)
    simulated_clock.share(mapped)


def _stop(_number):
    app = getattr(sys.modules.get("main"), "app", None)
    if app is None:
        micropython.schedule(_stop, 0)  # main.py has not come that far yet
    else:
        app.stop()


def _on_signal(_number):
    try:
        micropython.schedule(_stop, 0)
    except RuntimeError:
        pass  # the queue is full; the simulate command asks again


def _write_report(name, app, heap_at_boot):
    import json

    gc.collect()
    flash = sys.modules.get("esp32")
    report = app.diagnostics()
    report["simulator"] = {
        "heap_at_boot": heap_at_boot,
        "heap_used": gc.mem_alloc(),
        "heap_free": gc.mem_free(),
        "flash_erases": flash.erases if flash else 0,
        "flash_programs": flash.programs if flash else 0,
        "flash_faults": flash.faults.injected if flash and flash.faults else 0,
    }
    with open(name, "w") as file:
        json.dump(report, file)


def run():
    handler = ffi.callback("v", _on_signal, "i", lock=True)
    libc = ffi.open("libc.so.6")
    libc.func("p", "signal", "iC")(_SIGTERM, handler)
    libc.func("i", "prctl", "ii")(_PR_SET_PDEATHSIG, _SIGKILL)  # no board outlives its command
    shared = os.getenv("SIMULATED_SKIPPED")
    if shared:
        _share_clock(shared)
    gc.collect()
    heap_at_boot = gc.mem_alloc()
    try:
        main = __import__("main")
    finally:
        machine.stop_timers()
        libc.func("p", "signal", "ip")(_SIGTERM, _SIG_IGN)
    name = os.getenv("SIMULATED_REPORT")
    if name and hasattr(main, "app"):
        _write_report(name, main.app, heap_at_boot)
