"""Finds the class of a model: ours in `microserver.models`, a user's in `drivers/` on the board.

The model's name is the file's name with `-` as `_`; the module says `MODEL = TheClass`, or a tuple
of classes for several component types.  A module is imported when a config first asks for it.
"""

import sys

from microserver.robot.methods import METHODS
from microserver.robot.resource import ConfigError

_PLACES = ("microserver.models.", "drivers.")


def find(api, model):
    """The class for an api such as "rdk:component:sensor"; ConfigError when there is none.

    Whatever the driver's own module raises when it is imported comes through.
    """
    if api.split(":")[-1] not in METHODS:
        raise ConfigError('this device has no components of type "%s"' % api[:40], "api")
    file_name = model.replace("-", "_")
    if not _is_identifier(file_name):
        raise ConfigError('"%s" cannot be the name of a model' % model[:40], "model")
    for place in _PLACES:
        module = _import(place + file_name)
        if module:
            return _class_in(module, api, model)
    raise ConfigError(
        'unknown model "%s" (neither built in nor drivers/%s.py)' % (model, file_name), "model"
    )


def _is_identifier(text):
    # Nothing but a plain file name may reach the importer.
    for character in text:
        if character not in "abcdefghijklmnopqrstuvwxyz0123456789_":
            return False
    return 0 < len(text) <= 40


def _import(name):
    """The module, or None when there is no such file."""
    try:
        __import__(name)
    except ImportError as error:
        # Both interpreters end with the quoted name of the module that was not found; when that is
        # neither this one nor its folder, a driver misses something of its own: let that be known.
        missing = str(error).split("'")[-2:-1]
        if not missing or not (name + ".").startswith(missing[0] + "."):
            raise
        return None
    return sys.modules[name]


def _class_in(module, api, model):
    classes = getattr(module, "MODEL", ())
    for cls in classes if isinstance(classes, tuple) else (classes,):
        if api == cls.API:
            return cls
    raise ConfigError('model "%s" is not a %s' % (model, api.split(":")[-1]), "model")
