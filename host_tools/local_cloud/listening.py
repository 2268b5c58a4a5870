"""Getting a TCP address to listen on, or saying why not."""

import socket

from host_tools.errors import UserError


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
