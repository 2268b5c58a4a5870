"""What a capture method reads from a component, in the payload that viam-server stores for it.

A source is either fast (robot.resource.FastSource, sampled in the timer callback) or simple:
its getter is called from a task, where it may take its time.  Needed only while the
collectors are built, unless a vector or a position is captured from a simple driver.
"""

from microserver.capture.simple_source import SimpleSource
from microserver.robot.methods import METHODS, getter_name
from microserver.robot.resource import ConfigError


def source_for(resource, method, params):
    """The source of `method` ("Readings", ...) of a component; ConfigError when it has none."""
    if method in METHODS[resource.API.split(":")[-1]].split():
        try:
            source = resource.fast_source(method, params)
        except ConfigError:
            raise
        except Exception as error:  # a driver is other people's code and may raise anything
            raise ConfigError("its driver failed: %r" % error, "method")
        if source:
            return source
        name = getter_name(method)
        if hasattr(resource, name):
            payload_of = None if name == "readings" else _motion_payload(name)
            return SimpleSource(getattr(resource, name), payload_of)
    raise ConfigError('"%s" has no %s' % (resource.name, method), "method")


def _motion_payload(name):
    """What makes the payload of the getter `name` of a movement sensor."""

    def payload_of(result):
        if name == "compass_heading" and isinstance(result, (int, float)):
            return {"value": result}
        if not isinstance(result, (tuple, list)):
            raise TypeError("%s() gave %r" % (name, result))
        if name == "position":
            coordinate = {"latitude": result[0], "longitude": result[1]}
            return {"coordinate": coordinate, "altitude_m": result[2]}
        axes = ("o_x", "o_y", "o_z", "theta") if name == "orientation" else "xyz"
        return {name: {axis: result[index] for index, axis in enumerate(axes)}}

    return payload_of
