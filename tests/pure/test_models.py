"""Models and capture methods: data sheet values in, viam-server's payloads out."""

import struct

from expect import raises
from fake_hardware import FakeHardware, Lines
from microserver.capture.methods import source_for
from microserver.robot.config import parse
from microserver.robot.resource import ConfigError, MovementSensor, Sensor
from microserver.robot.robot import Robot
from simple_payload import simple_payload

DOCUMENT = {
    "components": [
        {
            "name": "board",
            "type": "board",
            "model": "esp32",
            "attributes": {
                "pins": [27],
                "analogs": [{"name": "A1", "pin": "34"}],
                "i2cs": [{"name": "bus", "bus": "i2c1", "data_pin": 4, "clock_pin": "5"}],
            },
        },
        {
            "name": "t",
            "type": "sensor",
            "model": "tmp36",
            "attributes": {"analog_reader": "A1", "num_readings": 3},
        },
        {
            "name": "gyro",
            "type": "movement_sensor",
            "model": "gyro-mpu6050",
            "attributes": {"i2c_bus": "bus"},
        },
        {
            "name": "accel",
            "type": "movement_sensor",
            "model": "accel-adxl345",
            "attributes": {"i2c_bus": "bus", "use_alt_i2c_address": True},
        },
        {"name": "fake", "type": "movement_sensor", "model": "fake"},
        {"name": "f", "type": "sensor", "model": "fake"},
        {"name": "heap", "type": "sensor", "model": "free-heap"},
        {"name": "wifi", "type": "sensor", "model": "wifi-rssi"},
    ]
}


def build():
    """`(resources, hardware)` with an MPU6050 and an ADXL345 on the bus."""
    hardware = FakeHardware()
    gyro = bytearray(128)
    gyro[0x75] = 0x68
    gyro[0x6B] = 0x40  # asleep, as after power-on
    # +1 g on z, -0.5 g on x; +131 counts = 1 deg/s on x, -250 deg/s on z
    struct.pack_into(">hhhhhhh", gyro, 0x3B, -8192, 0, 16384, 1234, 131, 0, -32750)
    accel = bytearray(64)
    accel[0] = 0xE5
    struct.pack_into("<hhh", accel, 0x32, 256, -128, 0)
    hardware.bus.chips = {0x68: gyro, 0x1D: accel}
    robot = Robot(hardware, Lines())
    robot.configure(parse(DOCUMENT))
    assert not robot.problems, robot.problems
    return robot.resources, hardware


def put(payload, path, value):
    for key in path[:-1]:
        payload = payload.setdefault(key, {})
    payload[path[-1]] = value


def payload_of(source):
    """What a reading becomes; a fast source is scaled here as the batch does it."""
    if not source.fast:
        return simple_payload(source)
    sample = bytearray(struct.calcsize(source.format))
    source.sample_into(memoryview(sample))
    payload = {}
    values = struct.unpack(source.format, sample)
    for index, (path, scale, offset) in enumerate(source.fields):
        raw = values[index]
        put(payload, path, bool(raw) if scale is None else raw * scale + offset)
    for path, value in source.constants:
        put(payload, path, value)
    return payload


def near(vector, expected):
    """Whether a vector, {"x": ..} or (x, y, z), is the expected one."""
    if isinstance(vector, dict):
        vector = (vector["x"], vector["y"], vector["z"])
    return all(abs(vector[index] - expected[index]) < 1e-3 for index in range(3))


def test_mpu6050_is_woken_and_scaled_as_its_data_sheet_says():
    resources, hardware = build()
    chip = hardware.bus.chips[0x68]
    assert chip[0x6B] == 1 and chip[0x1B] == 0 and chip[0x1C] == 0
    gyro = resources["gyro"]
    payload = payload_of(source_for(gyro, "LinearAcceleration", {}))
    assert list(payload) == ["linear_acceleration"]
    assert near(payload["linear_acceleration"], (-4.903325, 0, 9.80665))
    payload = payload_of(source_for(gyro, "AngularVelocity", {}))
    assert near(payload["angular_velocity"], (1, 0, -250))
    assert near(gyro.angular_velocity(), (1, 0, -250))
    assert near(gyro.linear_acceleration(), (-4.903325, 0, 9.80665))


def test_mpu6050_readings_are_typed_as_in_viam_server():
    resources, _ = build()
    fast = payload_of(source_for(resources["gyro"], "Readings", {}))["readings"]
    plain = resources["gyro"].readings()
    for readings in (fast, plain):
        assert sorted(readings) == ["angular_velocity", "linear_acceleration"]
        assert readings["angular_velocity"]["_type"] == "angular_velocity"
        assert readings["linear_acceleration"]["_type"] == "vector3"
        assert near(readings["angular_velocity"], (1, 0, -250))
        assert near(readings["linear_acceleration"], (-4.903325, 0, 9.80665))


def test_adxl345_measures_in_metres_per_second_squared():
    resources, hardware = build()
    chip = hardware.bus.chips[0x1D]
    assert chip[0x2D] == 0x08 and chip[0x31] == 0x0B
    accel = resources["accel"]
    payload = payload_of(source_for(accel, "LinearAcceleration", {}))
    assert near(payload["linear_acceleration"], (9.80665, -4.903325, 0))
    readings = payload_of(source_for(accel, "Readings", {}))["readings"]
    assert readings["linear_acceleration"]["_type"] == "vector3"
    assert near(readings["linear_acceleration"], (9.80665, -4.903325, 0))


def test_a_wrong_chip_at_the_address_is_named():
    hardware = FakeHardware()
    hardware.bus.chips = {0x68: bytearray(128), 0x1D: bytearray(64)}
    robot = Robot(hardware, Lines())
    robot.configure(parse(DOCUMENT))
    assert [(path, message) for path, message, _ in robot.problems] == [
        ("components[2].attributes.i2c_bus", "no MPU6050 at address 104"),
        ("components[3].attributes.i2c_bus", "no ADXL345 at address 29"),
    ]


def test_an_unplugged_sensor_raises_oserror():
    resources, hardware = build()
    del hardware.bus.chips[0x68]
    source = source_for(resources["gyro"], "AngularVelocity", {})
    assert raises(OSError, source.sample_into, bytearray(6)).args[0] == 19


def test_the_bus_is_made_once_with_the_configured_pins():
    _, hardware = build()
    assert hardware.buses_made == [(1, 4, 5, 400000, 0)]


def test_tmp36_is_half_a_volt_at_zero_and_ten_millivolts_per_degree():
    resources, hardware = build()
    for microvolts, celsius in ((500000, 0), (750000, 25), (100000, -40), (756340, 25.63)):
        hardware.adcs[34].microvolts = microvolts
        payload = payload_of(source_for(resources["t"], "Readings", {}))
        assert abs(payload["readings"]["temperature_celsius"] - celsius) < 1e-4, microvolts


def test_analogs_carry_millivolts_and_their_range():
    resources, hardware = build()
    source = source_for(resources["board"], "Analogs", {"reader_name": "A1"})
    hardware.adcs[34].microvolts = 1234567
    assert payload_of(source) == {
        "value": 1234,
        "min_range": 0,
        "max_range": 2450,
        "step_size": 1,
    }


def test_gpios_are_booleans_by_number_or_text():
    resources, hardware = build()
    for name in (27, "27"):
        source = source_for(resources["board"], "Gpios", {"pin_name": name})
        for level in (0, 1):
            hardware.pins[27].level = level
            assert payload_of(source) == {"high": bool(level)}


def test_what_the_board_does_not_have():
    resources, _ = build()
    board = resources["board"]
    for method, params in (
        ("Analogs", {"reader_name": "A9"}),
        ("Gpios", {"pin_name": "26"}),
        ("Gpios", {"pin_name": "D1"}),
        ("Readings", {}),
    ):
        raises(ConfigError, source_for, board, method, params)


def test_methods_that_a_model_does_not_give():
    resources, _ = build()
    raises(ConfigError, source_for, resources["gyro"], "Position", {})
    raises(ConfigError, source_for, resources["accel"], "AngularVelocity", {})
    raises(ConfigError, source_for, resources["t"], "AngularVelocity", {})


def test_fake_movement_sensor_in_the_shapes_of_viam_server():
    resources, _ = build()
    payloads = {
        "Position": {
            "coordinate": {"latitude": 27.33, "longitude": 29.45},
            "altitude_m": 4572.2,
        },
        "LinearVelocity": {"linear_velocity": {"x": 0, "y": 0, "z": 0}},
        "AngularVelocity": {"angular_velocity": {"x": 0, "y": 0, "z": 0}},
        "LinearAcceleration": {"linear_acceleration": {"x": 5, "y": 2, "z": 3}},
        "CompassHeading": {"value": 42},
    }
    for method, payload in payloads.items():
        assert payload_of(source_for(resources["fake"], method, {})) == payload
    readings = payload_of(source_for(resources["fake"], "Readings", {}))["readings"]
    assert sorted(readings) == [
        "altitude",
        "angular_velocity",
        "compass",
        "linear_acceleration",
        "linear_velocity",
        "position",
    ]
    assert readings["position"] == {"_type": "geopoint", "lat": 27.33, "lng": 29.45}


def test_sensors_of_one_number():
    resources, _ = build()
    for name, readings in (
        ("f", {"fake_sensor": 42.42}),
        ("heap", {"bytes": 71234}),
        ("wifi", {"rssi": -61}),
    ):
        assert payload_of(source_for(resources[name], "Readings", {})) == {"readings": readings}


class Answers(Sensor):
    """A user's driver that answers whatever it likes."""

    answer = None

    def readings(self):
        return self.answer


def test_no_payload_is_handed_on_for_the_collector_to_count():
    sensor = Answers("s", {}, {}, None)
    for answer in (None, 3, "text"):
        sensor.answer = answer
        assert source_for(sensor, "Readings", {}).getter() is answer


class Broken(Sensor):
    def fast_source(self, method, params):
        return params["nothing"]


def test_a_driver_that_breaks_while_it_is_asked_costs_its_capture_only():
    error = raises(ConfigError, source_for, Broken("s", {}, {}, None), "Readings", {})
    assert "KeyError" in str(error)


class Lost(MovementSensor):
    def position(self):
        return None

    def compass_heading(self):
        return "north"


def test_a_vector_that_is_none_is_a_failed_reading_that_says_so():
    sensor = Lost("s", {}, {}, None)
    for method in ("Position", "CompassHeading"):
        error = raises(TypeError, simple_payload, source_for(sensor, method, {}))
        assert "() gave " in str(error)


class Slow(Sensor):
    async def readings(self):
        return {"n": 1}


def test_a_coroutine_gives_its_payload_later():
    source = source_for(Slow("s", {}, {}, None), "Readings", {})
    result = raises(StopIteration, source.getter().send, None).value
    assert simple_payload(source, result) == {"readings": {"n": 1}}
