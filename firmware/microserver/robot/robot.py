"""The components that run."""


class Robot:
    """`resources`: name -> Resource; `configs`: name -> (name, api, model, attributes, depends_on)
    that it was built from.

    `problems`: (path, message, severity) of the last `configure`; `hardware` is handed to every
    model; `log` is health.log.Log.
    """

    def __init__(self, hardware, log):
        self.hardware = hardware
        self.log = log
        self.configs = {}
        self.resources = {}
        self.problems = []

    def configure(self, config):
        """Make the components be those of `config` (a RobotConfig); see robot/builder.py.

        Imported here, so that the builder, the registry and the attribute reader can be dropped
        from `sys.modules` when all is built.
        """
        from microserver.robot import builder

        builder.configure(self, config)

    def close_one(self, name):
        """Close and forget one component; whatever its driver raises is only logged."""
        resource = self.resources.pop(name)
        del self.configs[name]
        try:
            resource.close()
        except Exception as error:  # the supervisor's boundary: a driver is other people's code
            self.log.warning("robot", '"%s" did not close: %r' % (name, error))

    def close(self):
        """Close all components."""
        for name in list(self.resources):
            self.close_one(name)
