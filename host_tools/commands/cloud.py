"""`cloud`: run the local cloud, and keep its machines, while it runs or not."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from host_tools.errors import UserError
from host_tools.local_cloud.data_folder import DataFolder, default_data_folder, write_private
from host_tools.local_cloud.log_store import LogLine, LogStore
from host_tools.local_cloud.registry import Machine, Registry
from host_tools.local_cloud.robot_config import read_config

HELP = "run the local cloud and keep its machines"
_DEFAULT_GRPC = "127.0.0.1:8081"
_DEFAULT_WEB = "127.0.0.1:8080"
_FOLLOW_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs below `cloud`."""
    verbs = parser.add_subparsers(dest="cloud_verb", metavar="VERB", required=True)
    _add_serve(_verb(verbs, "serve", "serve devices, viam-sdk and gRPC-Web until Ctrl-C"))
    _add_add_machine(_verb(verbs, "add-machine", "register a machine, write its credentials"))
    set_config = _verb(verbs, "set-config", "give a machine another robot config")
    set_config.add_argument("name", metavar="NAME")
    set_config.add_argument("--config", metavar="FILE", type=Path, required=True)
    listing = _verb(verbs, "list", "show the machines")
    listing.add_argument("--json", action="store_true", help="for scripts")
    restart = _verb(verbs, "restart-machine", "have a machine restart at its next check")
    restart.add_argument("name", metavar="NAME")
    _add_logs(_verb(verbs, "logs", "show a machine's log lines"))


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen verb; UserError when it cannot be done."""
    folder = DataFolder(arguments.data)
    code: int = arguments.cloud_run(folder, arguments)
    return code


def _verb(verbs: argparse._SubParsersAction, name: str, text: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=default_data_folder(),
        help="the cloud's folder (default: %(default)s)",
    )
    parser.set_defaults(cloud_run=_RUN[name])
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--grpc", metavar="HOST:PORT", default=_DEFAULT_GRPC)
    parser.add_argument("--web", metavar="HOST:PORT", default=_DEFAULT_WEB)
    parser.add_argument("--tls-cert", metavar="FILE", type=Path, help="TLS on the web port")
    parser.add_argument("--tls-key", metavar="FILE", type=Path)
    parser.add_argument("--token-lifetime", metavar="SECONDS", type=int, default=30 * 86_400)


def _add_add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--config", metavar="FILE", type=Path, required=True)
    parser.add_argument("--out", metavar="FILE", type=Path, default=Path("viam.json"))
    parser.add_argument(
        "--address", metavar="URL", help="where the machine reaches this cloud (grpc://, https://)"
    )


def _add_logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--lines", metavar="N", type=int, default=100)
    parser.add_argument("--follow", action="store_true", help="go on until Ctrl-C")


def _serve(folder: DataFolder, arguments: argparse.Namespace) -> int:
    # Here, because the server's libraries would slow down every other command by half a second.
    from host_tools.local_cloud.server import ServeOptions, parse_address, serve
    from host_tools.local_cloud.web_server import TlsFiles

    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        raise UserError("--tls-cert and --tls-key go together")
    tls = TlsFiles(arguments.tls_cert, arguments.tls_key) if arguments.tls_cert else None
    grpc, web = parse_address(arguments.grpc), parse_address(arguments.web)
    serve(ServeOptions(folder, grpc, web, tls, arguments.token_lifetime))
    return 0


def _add_machine(folder: DataFolder, arguments: argparse.Namespace) -> int:
    document = read_config(_text_of(arguments.config), str(arguments.config))
    address = arguments.address or _running_address(folder)
    if not address.startswith(("grpc://", "https://")):
        raise UserError(f"{address!r} is no grpc:// or https:// address")
    if not arguments.out.parent.is_dir():
        raise UserError(f"there is no folder {arguments.out.parent} to write credentials to")
    folder.create()
    machine, secret = Registry(folder.machines).add(arguments.name, document)
    credentials = {"app_address": address, "id": machine.part_id, "secret": secret}
    write_private(arguments.out, {"cloud": credentials})
    print(f"{machine.name}: part {machine.part_id}, credentials in {arguments.out}")
    return 0


def _set_config(folder: DataFolder, arguments: argparse.Namespace) -> int:
    document = read_config(_text_of(arguments.config), str(arguments.config))
    machine = _registry(folder).set_config(arguments.name, document)
    print(f"{machine.name}: revision {machine.revision}")
    return 0


def _restart_machine(folder: DataFolder, arguments: argparse.Namespace) -> int:
    _registry(folder).ask_restart(arguments.name)
    print(f"{arguments.name}: will be told to restart when it asks next")
    return 0


def _list(folder: DataFolder, arguments: argparse.Namespace) -> int:
    machines = _registry(folder).machines()
    if arguments.json:
        print(json.dumps([_summary(machine) for machine in machines], indent=2))
        return 0
    width = max([len(machine.name) for machine in machines], default=0)
    for machine in machines:
        restart = "" if machine.restart == "none" else "  restart pending"
        seen = _time_text(machine.last_seen_s) if machine.last_seen_s else "never"
        print(
            f"{machine.name:{width}}  part {machine.part_id}  revision {machine.revision}"
            f"  last seen {seen}{restart}"
        )
    if not machines:
        print('no machines yet: "microserver cloud add-machine NAME --config FILE"')
    return 0


def _logs(folder: DataFolder, arguments: argparse.Namespace) -> int:
    machine = _registry(folder).by_name(arguments.name)
    logs = LogStore(folder.logs)
    last_id = _print_lines(logs.newest(machine.part_id, max(arguments.lines, 0)), 0)
    while arguments.follow:
        time.sleep(_FOLLOW_S)
        last_id = _print_lines(logs.newest(machine.part_id, 1000, last_id), last_id)
    return 0


def _print_lines(lines: list[LogLine], last_id: int) -> int:
    """Print them; the id of the last one, so that the next round begins behind it."""
    for line in lines:
        at = _time_text(line.time_ns / 1e9, "milliseconds")
        print(f"{at} {line.level:5} {line.logger}: {line.message}")
        if line.stack:
            print(line.stack)
    sys.stdout.flush()
    return lines[-1].id if lines else last_id


def _time_text(seconds: float, precision: str = "seconds") -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision)


def _summary(machine: Machine) -> dict[str, object]:
    return {
        "name": machine.name,
        "part_id": machine.part_id,
        "robot_id": machine.robot_id,
        "revision": machine.revision,
        "restart": machine.restart,
        "last_seen_s": machine.last_seen_s,
    }


def _registry(folder: DataFolder) -> Registry:
    if not folder.machines.exists():
        raise UserError(
            f"{folder.path} is no folder of a local cloud",
            'name it with --data, or begin with "cloud add-machine"',
        )
    return Registry(folder.machines)


def _running_address(folder: DataFolder) -> str:
    """The gRPC address of the server on this folder, or the default one."""
    if not folder.addresses.exists():
        return f"grpc://{_DEFAULT_GRPC}"
    return str(json.loads(folder.addresses.read_text())["grpc"])


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}") from error


_RUN = {
    "serve": _serve,
    "add-machine": _add_machine,
    "set-config": _set_config,
    "restart-machine": _restart_machine,
    "list": _list,
    "logs": _logs,
}
