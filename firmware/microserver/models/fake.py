"""`fake`: a sensor and a movement sensor that need no hardware, with the values of the config."""

from microserver.robot.resource import MovementSensor, Sensor


class FakeSensor(Sensor):
    """Readings {"fake_sensor": fake_value}."""

    ATTRIBUTES = "fake_value:float=42.42"

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._value = attributes["fake_value"]

    def readings(self):
        return {"fake_sensor": self._value}


class FakeMovementSensor(MovementSensor):
    """Stands still at one place, with a constant acceleration."""

    ATTRIBUTES = (
        "fake_lat:float=27.33 fake_lon:float=29.45 fake_alt:float=4572.2"
        " lin_acc_x:float=5 lin_acc_y:float=2 lin_acc_z:float=3"
    )

    def __init__(self, name, attributes, dependencies, hardware):
        super().__init__(name, attributes, dependencies, hardware)
        self._values = attributes

    def _three(self, *keys):
        return tuple([self._values[key] for key in keys])

    def position(self):
        return self._three("fake_lat", "fake_lon", "fake_alt")

    def linear_acceleration(self):
        return self._three("lin_acc_x", "lin_acc_y", "lin_acc_z")

    def linear_velocity(self):
        return (0, 0, 0)

    def angular_velocity(self):
        return (0, 0, 0)

    def compass_heading(self):
        return 42


MODEL = (FakeSensor, FakeMovementSensor)
