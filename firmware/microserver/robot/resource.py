"""What a driver is made of: the base classes of components, and the error of their configuration.

A model imports from this module only, never `machine`: it gets its pins and buses from the board.
Once the robot stands, release.py gives the heap of all this back.
"""

from microserver.robot.methods import METHODS, getter_name
from microserver.robot.samplers import level, millivolts, registers  # noqa: F401  for drivers


class ConfigError(ValueError):
    """This configuration cannot work; `key` names the attribute at fault ("" = none special)."""

    def __init__(self, message, key=""):
        super().__init__(message)
        self.key = key


class FastSource:
    """Raw fields that are sampled inside the timer callback, without allocating.

    `format`: struct format with byte order of one sample; `fields`: per value of the format
    `(path, scale, offset)`, value = raw * scale + offset, scale None = a boolean;
    `constants`: `(path, value)` that every payload carries; paths are tuples of keys from the
    payload's root.  `sample_into(view)` fills exactly struct.calcsize(format) bytes or raises
    OSError.
    """

    fast = True

    def __init__(self, format, fields, sample_into, constants=()):
        self.format = format
        self.fields = fields
        self.sample_into = sample_into
        self.constants = constants


class Resource:
    """A component.  `attributes` has a value for each key of the table ATTRIBUTES (its form is in
    robot/attributes.py); `dependencies`: name -> Resource, the board included; `hardware`: see
    device/hardware.py.

    A constructor raises ConfigError, ValueError or OSError when the component cannot work; all
    others run on.
    """

    API = ""
    ATTRIBUTES = ""

    def __init__(self, name, attributes, dependencies, hardware):
        self.name = name

    def fast_source(self, method, params):
        """The FastSource of a capture method, or None: the method is called from a task."""

    def close(self):
        """Let go of the hardware; called when the robot stops."""


class Sensor(Resource):
    """Anything that gives named values.  A model defines

    `readings()`: a dict of name -> number, bool, str, or dicts and lists of these.  It may be a
    coroutine function.  OSError = this reading failed.
    """

    API = "rdk:component:sensor"


class MovementSensor(Resource):
    """Position and motion.  A model defines the getters of what it measures, and no others:

    `position()`: (latitude deg, longitude deg, altitude m); `linear_velocity()` (x, y, z) in m/s;
    `angular_velocity()` in deg/s; `linear_acceleration()` in m/s2; `compass_heading()`: deg from
    north; `orientation()`: (o_x, o_y, o_z, theta deg).
    """

    API = "rdk:component:movement_sensor"

    def readings(self):
        """All that the model measures, in viam-server's typed form."""
        found = {}
        for method in METHODS["movement_sensor"].split()[1:]:
            key = getter_name(method)
            if hasattr(self, key):
                value = getattr(self, key)()
                if key == "compass_heading":
                    key = "compass"
                elif key == "position":
                    found["altitude"] = value[2]
                    value = _typed("geopoint", ("lat", "lng"), value)
                elif key == "orientation":
                    value = _typed(
                        "orientation_vector_degrees", ("ox", "oy", "oz", "theta"), value
                    )
                else:
                    kind = key if key == "angular_velocity" else "vector3"
                    value = _typed(kind, "xyz", value)
                found[key] = value
        return found


class Board(Resource):
    """Pins, analog readers and buses.  A model defines `analog(name)` with `.read_uv()`,
    `pin(name)` with `.value()` and `i2c(name)` as machine.I2C; unknown names are a ConfigError.
    """

    API = "rdk:component:board"


def _typed(kind, axes, values):
    value = {"_type": kind}
    for index, axis in enumerate(axes):
        value[axis] = values[index]
    return value


def vector_fields(path, scale):
    """FastSource fields for three raw axes below `path`."""
    # Written out: a comprehension would be one more function on the heap.
    return ((path + ("x",), scale, 0), (path + ("y",), scale, 0), (path + ("z",), scale, 0))


def board_of(dependencies, key):
    """The board among `dependencies`; without one, ConfigError with the attribute `key`."""
    for resource in dependencies.values():
        if isinstance(resource, Board):
            return resource
    raise ConfigError("needs a board component", key)
