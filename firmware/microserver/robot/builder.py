"""Builds a robot's components from a config: each fails alone, what is unchanged stays.

Nothing of this module is needed once the components stand.
"""

from microserver.robot import registry
from microserver.robot.attributes import Problems, read_attributes
from microserver.robot.resource import Board, ConfigError


def configure(robot, config):
    """Make `robot.resources` be the components of `config`, a RobotConfig.

    What did not change, nor anything it depends on, stays as it is.  What failed before is tried
    again, so a second call with the same config repairs a sensor that was unplugged.
    """
    keep = _unchanged(robot.configs, config.components)
    for name in list(robot.resources):
        if name not in keep:
            robot.close_one(name)
    problems = Problems()
    for component in config.components:
        if component.name not in keep:
            _build(robot, component, problems)
    robot.problems = problems.items
    for path, message, severity in problems.items:
        say = robot.log.error if severity == "error" else robot.log.warning
        say("robot", path + ": " + message)


def _unchanged(before, components):
    """The names of the components that are as in `before`, and stand on such only."""
    names = []
    changed_board = any(api == Board.API for _, api, _, _, _ in before.values())
    for component in components:  # the board, on which all others may stand, comes first
        same = before.get(component.name) == component[:5]
        if component.api == Board.API:
            changed_board = not same
        if same and not changed_board and all(name in names for name in component.depends_on):
            names.append(component.name)
    return names


def _build(robot, component, problems):
    path = component.path
    try:
        cls = registry.find(component.api, component.model)
        values, usable = read_attributes(
            cls.ATTRIBUTES, component.attributes, path + ".attributes", problems
        )
        if usable:
            dependencies = _dependencies(component, robot.resources)
            resource = cls(component.name, values, dependencies, robot.hardware)
            robot.resources[component.name] = resource
            robot.configs[component.name] = component[:5]
    except ValueError as error:  # ConfigError, or from the hardware: a pin that is not there
        key = getattr(error, "key", "")
        at = key if key in ("", "api", "model") else "attributes." + key
        problems.add(path + "." + at if at else path, str(error))
    except Exception as error:
        # The supervisor's boundary: a driver is other people's code and may raise anything.
        problems.add(path, 'model "%s" failed: %r' % (component.model, error))


def _dependencies(component, resources):
    found = {
        name: resource
        for name, resource in resources.items()
        if name in component.depends_on or isinstance(resource, Board)
    }
    for name in component.depends_on:
        if name not in found:
            raise ConfigError('depends on "%s", which failed' % name)
    return found
