"""The capture methods by component subtype, as viam-server names them.

A file of its own, so that a config is read without the components in the heap.
"""

METHODS = {
    "board": "Analogs Gpios",
    "sensor": "Readings",
    "movement_sensor": "Readings AngularVelocity LinearAcceleration LinearVelocity Position"
    " CompassHeading Orientation",
}


def getter_name(method):
    """The name of the getter of a capture method: LinearVelocity -> linear_velocity."""
    name = ""
    for letter in method:
        name += letter if letter >= "a" else "_" + letter.lower()
    return name[1:]
