"""Gives back the heap of what only building needs: constructors, tables, helpers, idle components.

What stays is what the collectors hold (a bound `readings`, a `sample_into`), and the components
with a `close` of their own.  A function keeps its whole module in the heap, and a class its
functions: so the names are taken out of the modules and classes that stay.
"""

import sys

from microserver.robot import resource

_ONLY_TO_BUILD = ("ATTRIBUTES", "__init__", "fast_source")


def release(robot):
    """Call once, when the sources of all captures are made; nothing can be built afterwards."""
    for name, component in list(robot.resources.items()):
        if type(component).close is resource.Resource.close:
            del robot.resources[name]
    robot.hardware = None
    robot.problems = ()
    helpers = [name for name in dir(resource) if name[0] != "_"]
    for name in list(sys.modules):
        if name.startswith("microserver.models.") or name.startswith("drivers."):
            _release_model(name, helpers)
    _strip(resource.FastSource, _ONLY_TO_BUILD)
    _strip(resource.Resource, _ONLY_TO_BUILD + ("close",))
    _strip(resource.MovementSensor, ("readings",))
    for name in ("resource", "samplers", "methods"):
        _forget("microserver.robot." + name)


def _release_model(name, helpers):
    module = sys.modules[name]
    classes = getattr(module, "MODEL", ())
    for cls in classes if isinstance(classes, tuple) else (classes,):
        _strip(cls, _ONLY_TO_BUILD)
    _strip(module, helpers)
    _strip(module, ("MODEL",))
    _forget(name)


def _strip(owner, names):
    for name in names:
        if name in owner.__dict__:
            setattr(owner, name, None)


def _forget(name):
    # None first: MicroPython leaves the value of a deleted entry in the dict's table, and its
    # collector finds it there.
    parent, _, leaf = name.rpartition(".")
    setattr(sys.modules[parent], leaf, None)
    delattr(sys.modules[parent], leaf)
    sys.modules[name] = None
    del sys.modules[name]
