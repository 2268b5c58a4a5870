"""Gives back the heap of what only building needs: constructors, tables, helpers, idle components.

What stays is what the collectors hold (a bound `readings`, a `sample_into`), and the components
with a `close` of their own.  A function keeps its whole module in the heap, and a class its
functions: so the names are taken out of the modules and classes that stay.
"""

import sys

from microserver.health.heap import drop
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
        drop("microserver.robot." + name)


def _release_model(name, helpers):
    module = sys.modules[name]
    classes = getattr(module, "MODEL", ())
    for cls in classes if isinstance(classes, tuple) else (classes,):
        _strip(cls, _ONLY_TO_BUILD)
    _strip(module, helpers)
    _strip(module, ("MODEL",))
    drop(name)


def _strip(owner, names):
    for name in names:
        if name in owner.__dict__:
            setattr(owner, name, None)
