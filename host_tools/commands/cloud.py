"""`cloud`: run the local cloud, and keep its machines, while it runs or not."""

import argparse
import sys
from pathlib import Path

from host_tools.local_cloud.data_folder import DEFAULT_GRPC, DataFolder, default_data_folder

HELP = "run the local cloud and keep its machines"
_DEFAULT_WEB = "127.0.0.1:8080"


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
    # Here, because viam-sdk, which they need, would slow down every command at its start.
    from host_tools.local_cloud import verbs

    sys.excepthook = sys.__excepthook__  # viam-sdk puts its own there, and it prints to stdout
    return verbs.RUN[arguments.cloud_verb](DataFolder(arguments.data), arguments)


def _verb(verbs: argparse._SubParsersAction, name: str, text: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=default_data_folder(),
        help="the cloud's folder (default: %(default)s)",
    )
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--grpc", metavar="HOST:PORT", default=DEFAULT_GRPC)
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
