"""A TCP or TLS connection whose waits go through asyncio, without asyncio.Stream.

`asyncio.Stream` loses data over TLS under back-pressure and allocates per read; this retries the
same view, which is what mbedTLS asks for, and reads before it waits (a wait costs a 10 ms tick).
"""

import asyncio
import asyncio.core as core
import errno
import socket

from micropython import const

_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)
_IN_PROGRESS = (errno.EINPROGRESS, errno.EALREADY)


def _until_readable(sock):
    yield core._io_queue.queue_read(sock)


def _until_writable(sock):
    yield core._io_queue.queue_write(sock)


class TcpStream:
    """An open connection; every method raises OSError when the peer or the network fails."""

    def __init__(self, sock):
        self._sock = sock

    async def read_into(self, view):
        """Fill the front of `view`; returns the number of bytes, 0 when the peer has closed."""
        while True:
            count = self._sock.readinto(view)
            if count is not None:
                return count
            await _until_readable(self._sock)

    def read_now(self, view):
        """As `read_into`, but returns None at once when nothing has arrived."""
        return self._sock.readinto(view)

    async def write(self, view):
        """Send the whole of `view`."""
        sent = 0
        while sent < len(view):
            # The same bytes again after a wait: mbedTLS requires it (ssl_msg.c).
            count = self._sock.write(view[sent:] if sent else view)
            if count:
                sent += count
            else:
                await _until_writable(self._sock)

    def close(self):
        self._sock.close()


async def open_stream(host, port, tls_context=None, timeout_ms=10000):
    """Connect to `host:port`; with a `tls.SSLContext` the certificate and the name are checked.

    Raises OSError, also when nobody answers within `timeout_ms`.
    """
    address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1]
    sock = socket.socket()
    try:
        await asyncio.wait_for_ms(_connect(sock, address), timeout_ms)
        if tls_context:
            sock = tls_context.wrap_socket(
                sock, server_hostname=host, do_handshake_on_connect=False
            )
    except asyncio.TimeoutError:
        sock.close()
        raise OSError(errno.ETIMEDOUT)
    except (OSError, asyncio.CancelledError):
        sock.close()
        raise
    return TcpStream(sock)


async def _connect(sock, address):
    sock.setblocking(False)
    sock.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)  # without it: 209 times slower, delayed ACKs
    try:
        sock.connect(address)
    except OSError as error:
        if error.errno not in _IN_PROGRESS:
            raise
    await _until_writable(sock)
