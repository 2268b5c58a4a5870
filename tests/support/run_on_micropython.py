"""Runs the tests of one file inside MicroPython: `run_on_micropython.py FILE [NAME...]`."""

import gc
import sys


def run(path, names):
    """Calls every `test_*` function (or only `names`); returns how many failed."""
    folder, _, file = path.rpartition("/")
    sys.path.insert(0, folder)
    module = __import__(file[:-3])
    failed = 0
    for name in sorted(names or dir(module)):
        if not name.startswith("test_"):
            continue
        gc.collect()
        try:
            getattr(module, name)()
        except Exception as error:  # a test may fail in any way; the next ones still run
            failed += 1
            print("FAILED", name)
            sys.print_exception(error)
        else:
            print("passed", name)
    return failed


sys.exit(1 if run(sys.argv[1], sys.argv[2:]) else 0)
