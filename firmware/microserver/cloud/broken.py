"""The one way a channel ends early, and what that says about the call under way."""


class ChannelBroken(Exception):
    """The connection is gone.  `ambiguous`: the peer may have carried the call out all the same.

    A call is ambiguous once its last byte was sent and before its status came back.
    """

    def __init__(self, message, ambiguous=False):
        super().__init__(message)
        self.ambiguous = ambiguous
