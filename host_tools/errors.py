"""Errors that a person can act on: one sentence of what is wrong, one of what to do."""


class UserError(Exception):
    """Something the user can put right.  `hint` says how; the command exits with 1."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
