"""Now, as HTTP writes it (RFC 9110 5.6.7)."""

from email.utils import formatdate


def http_date() -> str:
    """For example `Sun, 06 Nov 1994 08:49:37 GMT`; whole seconds."""
    return formatdate(usegmt=True)
