"""The web port: uvicorn inside our event loop, on a socket of our own."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from host_tools.errors import UserError
from host_tools.local_cloud.listening import listen

_START_S = 10.0
_GRACE_S = 2
_KEEP_ALIVE_S = 75  # longer than a device's sync interval: it saves TLS handshakes


@dataclass(frozen=True)
class TlsFiles:
    """PEM files of the certificate chain and its key."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """UserError when these files are not a certificate and its key."""
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise UserError(
                f"cannot use {self.certificate} with {self.key} for TLS: {error}",
                "--tls-cert takes the certificate chain, --tls-key its key, both PEM",
            ) from error


class WebServer:
    """Serves one ASGI app over HTTP/1.1, with TLS if given."""

    def __init__(self, app: Any, tls: TlsFiles | None) -> None:
        if tls is not None:
            tls.check()
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
        )
        self.scheme = "https" if tls else "http"
        self._server = _Uvicorn(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; the real port.  UserError when the address cannot be had."""
        listener = listen(host, port, "--web")
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        await asyncio.wait_for(self._server.ready.wait(), _START_S)
        bound: int = listener.getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Let running requests end, for a moment."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: they stop both ports."""
        yield
