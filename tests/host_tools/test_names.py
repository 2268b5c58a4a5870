"""Shortening the firmware's names changes nothing but names."""

import ast
import re
import subprocess

from host_tools.firmware_build.names import shorten, shorter_names
from host_tools.firmware_path import FIRMWARE
from host_tools.simulator import interpreter

SOURCES = {
    str(path.relative_to(FIRMWARE)): path.read_text()
    for path in FIRMWARE.rglob("*.py")
    if "__pycache__" not in path.parts
}


def shape(text: str) -> str:
    """The syntax tree with its line numbers, without names."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg", "asname"):
            if hasattr(node, field):
                setattr(node, field, "")
        if isinstance(node, ast.Global):
            node.names = []
    return ast.dump(tree, include_attributes=False)


def test_every_file_keeps_its_shape_and_its_lines() -> None:
    names = shorter_names(SOURCES)
    for text in SOURCES.values():
        short = shorten(text, names)
        assert shape(short) == shape(text)
        assert short.count("\n") == text.count("\n")


def test_no_two_names_become_one() -> None:
    names = shorter_names(SOURCES)
    assert len(set(names.values())) == len(names)
    used = {node.id for text in SOURCES.values() for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Name)}  # fmt: skip
    assert not set(names.values()) & (used - set(names))


def test_what_others_know_keeps_its_name() -> None:
    names = shorter_names(SOURCES)
    for known in ("readings", "ATTRIBUTES", "MODEL", "Sensor", "diagnostics", "stop", "append",
                  "readfrom_mem_into", "_io_queue", "getaddrinfo", "fast_source"):  # fmt: skip
        assert known not in names, known


def test_strings_are_never_changed() -> None:
    text = 'def long_name(a):\n    return "long_name"  # long_name\n'
    assert shorten(text, {"long_name": "x"}) == 'def x(a):\n    return "long_name"  # long_name\n'


def test_the_free_names_cost_nothing_on_the_interpreter() -> None:
    """A name of the list that the interpreter does not know would add an entry of its own."""
    words = (FIRMWARE.parent / "host_tools/firmware_build/rom_names.txt").read_text().split()
    attributes = "; ".join(f"k.{word} = 1" for word in words)
    program = "import micropython\nclass K:\n    pass\nk = K()\nmicropython.qstr_info()\n"
    program += f"exec({attributes!r})\nmicropython.qstr_info()\n"
    done = subprocess.run(
        [str(interpreter.find()), "-X", "heapsize=1m", "-c", program],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    before, after = re.findall(r"n_qstr=(\d+)", done.stdout)
    assert after == before
