"""What each verb of `microserver cloud` does (its arguments are in commands/cloud.py)."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from host_tools.configuration.checker import check
from host_tools.errors import UserError
from host_tools.local_cloud.data_folder import DEFAULT_GRPC, DataFolder, write_private
from host_tools.local_cloud.log_store import LogLine, LogStore
from host_tools.local_cloud.registry import Machine, Registry
from host_tools.local_cloud.robot_config import read_config

_FOLLOW_S = 0.5


def _serve(folder: DataFolder, arguments: argparse.Namespace) -> int:
    # Here, because the server's libraries would slow down the other verbs by half a second.
    from host_tools.local_cloud.server import ServeOptions, parse_address, serve
    from host_tools.local_cloud.web_server import TlsFiles

    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        raise UserError("--tls-cert and --tls-key go together")
    tls = TlsFiles(arguments.tls_cert, arguments.tls_key) if arguments.tls_cert else None
    grpc, web = parse_address(arguments.grpc), parse_address(arguments.web)
    serve(ServeOptions(folder, grpc, web, tls, arguments.token_lifetime))
    return 0


def _add_machine(folder: DataFolder, arguments: argparse.Namespace) -> int:
    document = _config_in(arguments.config)
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
    document = _config_in(arguments.config)
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
        print(_harmless(f"{at} {line.level:5} {line.logger}: {line.message}"))
        if line.stack:
            print(_harmless(line.stack))
    sys.stdout.flush()
    return lines[-1].id if lines else last_id


def _harmless(text: str) -> str:
    """The text with control characters shown, so that no machine can steer our terminal."""
    shown = (
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )
    return "".join(shown)


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
        return f"grpc://{DEFAULT_GRPC}"
    return str(json.loads(folder.addresses.read_text())["grpc"])


def _config_in(path: Path) -> dict[str, Any]:
    """The robot config in a file; says so when a machine will leave out parts of it."""
    text = _text_of(path)
    document = read_config(text, str(path))
    if errors := check(text, path.resolve().parent).count("error"):
        print(
            f"note: the machine will leave out what {errors} error(s) in {path} concern;"
            f' see "microserver check {path}"',
            file=sys.stderr,
        )
    return document


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}") from error


RUN: dict[str, Callable[[DataFolder, argparse.Namespace], int]] = {
    "serve": _serve,
    "add-machine": _add_machine,
    "set-config": _set_config,
    "restart-machine": _restart_machine,
    "list": _list,
    "logs": _logs,
}
