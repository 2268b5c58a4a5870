"""The `microserver` command: finds the verb, runs it, turns user errors into two helpful lines."""

import argparse
import importlib
import sys
from types import ModuleType

from host_tools.errors import UserError

VERBS = ("cloud", "simulate", "check", "demo")
EXAMPLES = """\
first steps:
  microserver cloud serve                                 start the local cloud
  microserver cloud add-machine greenhouse --config robot.json --out viam.json
  microserver simulate --credentials viam.json            run the firmware, no board needed
  microserver check robot.json                            find mistakes in a robot config
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command; each verb adds its own arguments."""
    parser = argparse.ArgumentParser(
        prog="microserver",
        description="Data capture and sync for MicroPython boards.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in VERBS:
        module = _verb(name)
        verb_parser = verbs.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(verb_parser)
        verb_parser.set_defaults(run=module.run)
    return parser


def _verb(name: str) -> ModuleType:
    return importlib.import_module("host_tools.commands." + name)


def main(argv: list[str] | None = None) -> int:
    """Run one command line; returns the exit code (0 done, 1 user error, 2 wrong usage)."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"  {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
