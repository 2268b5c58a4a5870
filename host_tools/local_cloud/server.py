"""The running local cloud: builds every part, opens both ports, ends cleanly on a signal."""

import asyncio
import os
import signal
from dataclasses import dataclass

from host_tools.errors import UserError
from host_tools.local_cloud.access import Access
from host_tools.local_cloud.data_folder import DataFolder, write_private
from host_tools.local_cloud.dispatch import Dispatcher
from host_tools.local_cloud.grpc_server import GrpcServer
from host_tools.local_cloud.grpc_web import GrpcWeb
from host_tools.local_cloud.identity import TOKEN_LIFETIME_S, Tokens
from host_tools.local_cloud.listening import address_for_others
from host_tools.local_cloud.log_store import LogStore
from host_tools.local_cloud.registry import Registry
from host_tools.local_cloud.rpc import Method, methods_of
from host_tools.local_cloud.services import auth, data, data_sync, robot
from host_tools.local_cloud.storage.duckdb_store import DuckDBStore
from host_tools.local_cloud.web_server import TlsFiles, WebServer

Address = tuple[str, int]


@dataclass(frozen=True)
class ServeOptions:
    """What `cloud serve` was asked for.  Port 0 means any free one."""

    folder: DataFolder
    grpc: Address
    web: Address
    tls: TlsFiles | None = None
    token_lifetime_s: int = TOKEN_LIFETIME_S


class LocalCloud:
    """Everything of one data folder, from its databases up to its services."""

    def __init__(self, options: ServeOptions) -> None:
        folder = options.folder
        folder.create()
        self.store = DuckDBStore(folder.readings)  # first: its lock says that we are alone
        self.registry = Registry(folder.machines)
        self.logs = LogStore(folder.logs)
        tokens = Tokens(self.registry.token_key, options.token_lifetime_s)
        access = Access(self.registry, folder.owner_key(), tokens)
        self.dispatcher = Dispatcher(access, self._methods(access))

    def _methods(self, access: Access) -> dict[str, Method]:
        auth_service = auth.AuthService(access, self.registry)
        return {
            **methods_of(auth.SERVICE, auth_service, open_to_all=True),
            **methods_of(robot.SERVICE, robot.RobotService(access, self.registry, self.logs)),
            **methods_of(
                data_sync.SERVICE, data_sync.DataSyncService(access, self.registry, self.store)
            ),
            **methods_of(data.SERVICE, data.DataService(access, self.store)),
        }

    def close(self) -> None:
        """Write what was accepted and let go of the files."""
        self.store.close()
        self.logs.close()
        self.registry.close()


def serve(options: ServeOptions) -> None:
    """Serve until SIGINT or SIGTERM; prints one line when ready."""
    cloud = LocalCloud(options)
    try:
        asyncio.run(_serve(cloud, options))
    finally:
        options.folder.addresses.unlink(missing_ok=True)
        cloud.close()


async def _serve(cloud: LocalCloud, options: ServeOptions) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    grpc_server = GrpcServer(cloud.dispatcher)
    web_server = WebServer(GrpcWeb(cloud.dispatcher), options.tls)
    try:
        grpc_port = await grpc_server.start(*options.grpc)
        web_port = await web_server.start(*options.web)
        _announce(options, grpc_port, f"{web_server.scheme}://{_join(options.web[0], web_port)}")
        await stop.wait()
    finally:
        await asyncio.gather(grpc_server.stop(), web_server.stop())


def _announce(options: ServeOptions, grpc_port: int, web: str) -> None:
    grpc = f"grpc://{_join(options.grpc[0], grpc_port)}"
    folder = options.folder
    for_machines = f"grpc://{_join(address_for_others(options.grpc[0]), grpc_port)}"
    write_private(folder.addresses, {"grpc": for_machines, "web": web, "pid": os.getpid()})
    print(f"local cloud ready: {grpc} {web} data={folder.path}", flush=True)


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(text: str) -> Address:
    """HOST:PORT (an IPv6 host in brackets) as a pair; UserError otherwise."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise UserError(f"{text!r} is not HOST:PORT", "for example 127.0.0.1:8081")
    return host.removeprefix("[").removesuffix("]"), int(port)
