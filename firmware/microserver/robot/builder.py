"""Builds a robot's components from a config; each fails alone.

Nothing of this module is needed once the components stand.
"""

from microserver.robot import registry
from microserver.robot.attributes import Problems, read_attributes
from microserver.robot.resource import Board, ConfigError


def configure(robot, config):
    """Make `robot.resources` be the components of `config`, a RobotConfig."""
    problems = Problems()
    for component in config.components:
        _build(robot, component, problems)
    robot.problems = problems.items
    for path, message, severity in problems.items:
        say = robot.log.error if severity == "error" else robot.log.warning
        say("robot", path + ": " + message)


def _build(robot, component, problems):
    path = component.path
    try:
        cls = registry.find(component.api, component.model)
        values, usable = read_attributes(
            cls.ATTRIBUTES, component.attributes, path + ".attributes", problems
        )
        if usable:
            dependencies = _dependencies(component.depends_on, robot.resources)
            resource = cls(component.name, values, dependencies, robot.hardware)
            robot.resources[component.name] = resource
    except ValueError as error:  # ConfigError, or from the hardware: a pin that is not there
        key = getattr(error, "key", "")
        at = key if key in ("", "api", "model") else "attributes." + key
        problems.add(path + "." + at if at else path, str(error))
    except MemoryError:
        problems.add(path, "no room for it in this heap")
    except Exception as error:
        # The supervisor's boundary: a driver is other people's code and may raise anything.
        problems.add(path, 'model "%s" failed: %r' % (component.model, error))


def _dependencies(names, resources):
    found = {
        name: resource
        for name, resource in resources.items()
        if name in names or isinstance(resource, Board)
    }
    for name in names:
        if name not in found:
            raise ConfigError('depends on "%s", which failed' % name)
    return found
