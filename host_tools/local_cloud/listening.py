"""Getting a TCP address to listen on, or saying why not."""

import socket

from host_tools.errors import UserError

_ANY = ("0.0.0.0", "::")
_NOBODY = "192.0.2.1"  # an address of documentation (RFC 5737): nothing is ever sent to it


def address_for_others(host: str) -> str:
    """The host that others reach us at when we listen on `host`."""
    if host not in _ANY:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_NOBODY, 9))  # sends nothing, only chooses the interface
        except OSError:
            return "127.0.0.1"  # no network: only this machine can reach us
        return str(probe.getsockname()[0])


def listen(host: str, port: int, option: str) -> socket.socket:
    """A socket bound to this address; UserError that names `option` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UserError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            f"stop what uses it, or choose another with {option} HOST:PORT (port 0: any)",
        ) from error
    return listener
