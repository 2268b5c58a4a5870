"""What a capture method reads from a component, in the payload that viam-server stores for it.

A source is either fast (robot.resource.FastSource, sampled in the timer callback) or simple:
`read()` gives the payload, or a coroutine of it, and may take its time.
"""

from microserver.robot.resource import METHODS, ConfigError, getter_name


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
            return SimpleSource(name, getattr(resource, name))
    raise ConfigError('"%s" has no %s' % (resource.name, method), "method")


class SimpleSource:
    """Calls a getter from a task."""

    fast = False

    def __init__(self, name, getter):
        self._name = name
        self._getter = getter

    def read(self):
        """The payload; readings that are no dict go on to the collector, which counts them."""
        result = self._getter()
        return self._when_ready(result) if hasattr(result, "send") else self._payload(result)

    async def _when_ready(self, coroutine):
        return self._payload(await coroutine)

    def _payload(self, result):
        name = self._name
        if name == "readings":
            return {name: result} if isinstance(result, dict) else result
        if name == "compass_heading" and isinstance(result, (int, float)):
            return {"value": result}
        if not isinstance(result, (tuple, list)):
            raise TypeError("%s() gave %r" % (name, result))
        if name == "position":
            coordinate = {"latitude": result[0], "longitude": result[1]}
            return {"coordinate": coordinate, "altitude_m": result[2]}
        axes = ("o_x", "o_y", "o_z", "theta") if name == "orientation" else "xyz"
        return {name: {axis: result[index] for index, axis in enumerate(axes)}}
