"""Gives back the heap of modules that were needed only once; an import loads them again."""

import sys


def forget(*names):
    """Drop modules of ours, named without "microserver.".

    A caller's own reference to such a module must end with the function that used it, and nothing
    that stays may be one of its functions, lambdas or classes: see docs/heap.md.
    """
    for name in names:
        drop("microserver." + name)


def drop(name):
    """Drop one module by its full name; nothing happens when it is not loaded."""
    parent, _, leaf = name.rpartition(".")
    if name in sys.modules:
        # None first: a dict keeps the value of a deleted entry, and the collector finds it.
        setattr(sys.modules[parent], leaf, None)
        delattr(sys.modules[parent], leaf)
        sys.modules[name] = None
        del sys.modules[name]
