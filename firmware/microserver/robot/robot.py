"""The components that run: built in the config's order, kept when unchanged, failing alone."""

from microserver.robot import registry
from microserver.robot.attributes import Problems, read_attributes
from microserver.robot.resource import Board, ConfigError


class Robot:
    """`resources`: name -> Resource; `problems`: those of the last `configure`.

    `hardware` is handed to every model; `log` is health.log.Log.
    """

    def __init__(self, hardware, log):
        self._hardware = hardware
        self._log = log
        self._configs = {}
        self.resources = {}
        self.problems = []

    def configure(self, config):
        """Make the components be those of `config` (a RobotConfig).

        What did not change, nor anything it depends on, stays as it is.  What failed before is
        tried again, so calling this with the same config repairs a sensor that was unplugged.
        """
        old, old_configs = self.resources, self._configs
        self.resources, self._configs = {}, {}
        problems = Problems()
        self._drop_changed(config.components, old, old_configs)
        for component in config.components:
            name = component.name
            if name in old:
                self.resources[name] = old[name]
                self._configs[name] = component
            else:
                self._build(component, problems)
        self.problems = problems.items
        for path, message, severity in self.problems:
            say = self._log.error if severity == "error" else self._log.warning
            say("robot", path + ": " + message)

    def _drop_changed(self, components, old, old_configs):
        """Close and remove from `old` what is gone, changed, or stands on something that is."""
        wanted = {}
        board_stays = True  # the board is a dependency of all
        for before in old_configs.values():
            if before.api == Board.API:
                board_stays = any(before[:5] == component[:5] for component in components)
        for component in components:
            before = old_configs.get(component.name)
            if component.api == Board.API and not before:
                board_stays = False
            same = before and before[:5] == component[:5]  # name .. depends_on
            if same and board_stays and all(name in wanted for name in component.depends_on):
                wanted[component.name] = 1
        for name in list(old):
            if name not in wanted:
                self._close(old.pop(name))

    def _build(self, component, problems):
        path = component.path
        try:
            cls = registry.find(component.api, component.model)
            values, usable = read_attributes(
                cls.ATTRIBUTES, component.attributes, path + ".attributes", problems
            )
            if usable:
                self.resources[component.name] = cls(
                    component.name, values, self._dependencies(component), self._hardware
                )
                self._configs[component.name] = component
        except ConfigError as error:
            at = error.key if error.key in ("", "api", "model") else "attributes." + error.key
            problems.add(path + "." + at if at else path, str(error))
        except Exception as error:
            # The supervisor's boundary: a driver is other people's code and may raise anything.
            problems.add(path, 'model "%s" failed: %r' % (component.model, error))

    def _dependencies(self, component):
        found = {
            name: resource
            for name, resource in self.resources.items()
            if name in component.depends_on or isinstance(resource, Board)
        }
        for name in component.depends_on:
            if name not in found:
                raise ConfigError('depends on "%s", which failed' % name)
        return found

    def _close(self, resource):
        try:
            resource.close()
        except Exception as error:  # as above: the driver's own code
            self._log.warning("robot", '"%s" did not close: %r' % (resource.name, error))

    def close(self):
        """Close all components."""
        for name in list(self.resources):
            self._close(self.resources.pop(name))
