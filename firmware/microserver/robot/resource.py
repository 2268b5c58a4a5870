"""What a driver is made of: the base classes of components, and the errors of their configuration.

A model imports from this module only, never `machine`: it gets its pins and buses from the board.
"""

METHODS = {
    "board": "Analogs Gpios",
    "sensor": "Readings",
    "movement_sensor": "Readings AngularVelocity LinearAcceleration LinearVelocity Position"
    " CompassHeading Orientation",
}
"""Capture methods by component subtype, as viam-server names them."""


class ConfigError(Exception):
    """This configuration cannot work; `key` names the attribute at fault ("" = none in particular)."""

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
    """A component.  `attributes`: values of the table ATTRIBUTES (see robot/attributes.py), all keys
    present; `dependencies`: name -> Resource, the board included; `hardware`: device/hardware.py.

    A constructor raises ConfigError or OSError when the component cannot work; the rest runs on.
    """

    API = ""
    ATTRIBUTES = ""

    def __init__(self, name, attributes, dependencies, hardware):
        self.name = name

    def fast_source(self, method, params):
        """The FastSource of a capture method, or None: the method is called from a task."""
        return None

    def close(self):
        """Let go of the hardware; called before the component is rebuilt or removed."""


class Sensor(Resource):
    """Anything that gives named values."""

    API = "rdk:component:sensor"

    def readings(self):
        """A dict of name -> number, bool, str, or dicts and lists of these; may be a coroutine."""
        raise ConfigError("%s has no readings" % self.name)


class MovementSensor(Sensor):
    """Position and motion.  A model overrides the getters of the methods it lists in SUPPORTS.

    Vectors are (x, y, z); angular velocity in deg/s, linear in m/s and m/s2.
    """

    API = "rdk:component:movement_sensor"
    SUPPORTS = ()

    def position(self):
        """(latitude deg, longitude deg, altitude m)."""
        return self._missing("Position")

    def linear_velocity(self):
        """(x, y, z) in m/s."""
        return self._missing("LinearVelocity")

    def angular_velocity(self):
        """(x, y, z) in deg/s."""
        return self._missing("AngularVelocity")

    def linear_acceleration(self):
        """(x, y, z) in m/s2."""
        return self._missing("LinearAcceleration")

    def compass_heading(self):
        """Degrees clockwise from north, 0..360."""
        return self._missing("CompassHeading")

    def orientation(self):
        """(o_x, o_y, o_z, theta): an axis and degrees around it."""
        return self._missing("Orientation")

    def _missing(self, method):
        raise ConfigError("%s has no %s" % (self.name, method))

    def readings(self):
        """All that the model supports, in viam-server's typed form."""
        found = {}
        for method in self.SUPPORTS:
            if method == "Position":
                latitude, longitude, found["altitude"] = self.position()
                found["position"] = {"_type": "geopoint", "lat": latitude, "lng": longitude}
            elif method == "LinearVelocity":
                found["linear_velocity"] = typed("vector3", self.linear_velocity())
            elif method == "AngularVelocity":
                found["angular_velocity"] = typed("angular_velocity", self.angular_velocity())
            elif method == "LinearAcceleration":
                found["linear_acceleration"] = typed("vector3", self.linear_acceleration())
            elif method == "CompassHeading":
                found["compass"] = self.compass_heading()
            elif method == "Orientation":
                ox, oy, oz, theta = self.orientation()
                found["orientation"] = {
                    "_type": "orientation_vector_degrees",
                    "ox": ox,
                    "oy": oy,
                    "oz": oz,
                    "theta": theta,
                }
        return found


class Board(Resource):
    """Pins, analog readers and buses of one board; others get them from here."""

    API = "rdk:component:board"

    def analog(self, name):
        """The analog reader called `name`; ConfigError when there is none."""
        raise ConfigError('board "%s" has no analog reader "%s"' % (self.name, name))

    def pin(self, name):
        """The GPIO pin called `name` (a number, maybe as a string)."""
        raise ConfigError('board "%s" has no pin "%s"' % (self.name, name))

    def i2c(self, name):
        """The I2C bus called `name`, as a machine.I2C."""
        raise ConfigError('board "%s" has no I2C bus "%s"' % (self.name, name))


def typed(kind, vector):
    """{"_type": kind, "x": .., "y": .., "z": ..} as `Readings` carries vectors."""
    x, y, z = vector
    return {"_type": kind, "x": x, "y": y, "z": z}


def vector_fields(prefix, scale):
    """FastSource fields for the three raw axes below the path `prefix`."""
    return tuple([(prefix + (axis,), scale, 0) for axis in ("x", "y", "z")])


def board_of(dependencies, key):
    """The board among `dependencies`; ConfigError naming the attribute `key` when there is none."""
    for resource in dependencies.values():
        if isinstance(resource, Board):
            return resource
    raise ConfigError("needs a board component", key)
