"""The layer rule of the firmware, read from its imports."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "firmware" / "microserver"
CHIP = {"machine", "esp32", "network", "socket", "tls", "ssl", "bluetooth", "espnow"}
MIDDLE = {"capture", "sync", "cloud", "serve", "robot", "health"}
MAY_IMPORT = {
    "wire": {"wire"},
    "models": {"robot.resource"},
    "device": {"device"},
    **{layer: MIDDLE | {"wire"} for layer in MIDDLE},
}
# The composition root knows everyone.
ROOT = {"app.py", "assembly_robot.py", "assembly_network.py"}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, at the top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_what_its_layer_may(path: Path) -> None:
    layer = layer_of(path)
    for name in imports_of(path):
        if layer != "device":
            assert name.split(".")[0] not in CHIP, f"only device/ may import {name}"
        if layer in ROOT or not name.startswith("microserver."):
            continue
        target = name.removeprefix("microserver.")
        allowed = any((target + ".").startswith(prefix + ".") for prefix in MAY_IMPORT[layer])
        assert allowed, f"{layer} may not import {name}"


def test_the_rule_sees_the_whole_firmware() -> None:
    assert len(FILES) > 30
    assert {layer_of(path) for path in FILES} >= {"wire", "capture", "device", "models", "app.py"}
