"""The components that run."""


class Robot:
    """`resources`: name -> Resource; after `release.release`, only those that must be closed.

    `problems`: (path, message, severity) of `configure`; `hardware` is handed to every model;
    `log` is health.log.Log.
    """

    def __init__(self, hardware, log):
        self.hardware = hardware
        self.log = log
        self.resources = {}
        self.problems = ()

    def configure(self, config):
        """Build the components of `config` (a RobotConfig), once; see robot/builder.py."""
        from microserver.robot import builder  # here, so that it can be dropped

        builder.configure(self, config)

    def close(self):
        """Close all components; whatever a driver raises is only logged."""
        for name, resource in self.resources.items():
            try:
                resource.close()
            except Exception as error:  # the supervisor's boundary: a driver is others' code
                self.log.warning("robot", '"%s" did not close: %r' % (name, error))
        self.resources = {}
