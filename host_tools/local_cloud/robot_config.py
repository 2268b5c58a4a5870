"""A machine's config: the JSON that a person writes, and the message that a machine gets."""

import hashlib
import json
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from viam.gen.app.v1.robot_pb2 import RobotConfig

from host_tools.errors import UserError

MAX_CONFIG_BYTES = 1_000_000
# The parts of the document that RobotConfig has a field for and that a person may set.
_SECTIONS = (
    "components",
    "services",
    "remotes",
    "processes",
    "network",
    "log",
    "debug",
    "modules",
    "jobs",
    "maintenance",
    "disable_partial_start",
)


def read_config(text: str, where: str) -> dict[str, Any]:
    """The document in `text`; UserError when no machine could be sent it."""
    if len(text) > MAX_CONFIG_BYTES:
        raise UserError(f"{where}: {len(text)} characters, the limit is {MAX_CONFIG_BYTES}")
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is not JSON: {error}", 'try "microserver check"') from error
    if not isinstance(document, dict):
        raise UserError(f"{where}: a robot config is one JSON object, {{...}}")
    to_message(document, where)
    return document


def revision_of(document: dict[str, Any]) -> str:
    """A name for this content: equal documents have equal revisions."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def to_message(document: dict[str, Any], where: str = "config") -> RobotConfig:
    """The document as RobotConfig; keys that the message has no field for are left out."""
    config = RobotConfig(revision=revision_of(document))
    for section in _SECTIONS:
        if document.get(section) is not None:
            _parse_section(config, document, section, where)
    return config


def _parse_section(
    config: RobotConfig, document: dict[str, Any], section: str, where: str
) -> None:
    try:
        ParseDict({section: document[section]}, config, ignore_unknown_fields=True)
    except (ParseError, ValueError, RecursionError) as error:
        raise UserError(
            f"{where}: {section} cannot be sent to a machine: {error}",
            f'"microserver check {where}" says more',
        ) from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
