"""What a capture method reads from a component, in the payload that viam-server stores for it.

A source is either fast (robot.resource.FastSource, sampled in the timer callback) or simple:
`read()` gives the payload, or a coroutine of it, and may take its time.
"""

from microserver.robot.resource import METHODS, ConfigError


def source_for(resource, method, params):
    """The source of `method` ("Readings", ...) of a component; ConfigError when it has none."""
    if method not in METHODS[resource.API.split(":")[-1]].split():
        raise ConfigError('"%s" has no %s' % (resource.name, method), "method")
    supports = getattr(resource, "SUPPORTS", None)
    if supports is not None and method != "Readings" and method not in supports:
        raise ConfigError('model of "%s" gives no %s' % (resource.name, method), "method")
    return resource.fast_source(method, params) or SimpleSource(resource, method)


class SimpleSource:
    """Calls a getter from a task."""

    fast = False

    def __init__(self, resource, method):
        # AngularVelocity -> angular_velocity
        name = "".join(["_" + c.lower() if "A" <= c <= "Z" else c for c in method])[1:]
        self._name = name
        self._getter = getattr(resource, name)

    def read(self):
        """The payload; what is not one (None, a number) is handed on for the collector to count."""
        result = self._getter()
        return self._when_ready(result) if hasattr(result, "send") else self._payload(result)

    async def _when_ready(self, coroutine):
        return self._payload(await coroutine)

    def _payload(self, result):
        name = self._name
        if name == "compass_heading":
            return {"value": result}
        if name == "readings":
            return {"readings": result} if isinstance(result, dict) else result
        if not isinstance(result, (tuple, list)):
            return result
        if name == "position":
            latitude, longitude, altitude = result
            return {
                "coordinate": {"latitude": latitude, "longitude": longitude},
                "altitude_m": altitude,
            }
        axes = ("o_x", "o_y", "o_z", "theta") if name == "orientation" else ("x", "y", "z")
        return {name: dict(zip(axes, result))}
