"""Shortens the firmware's own names: every name costs heap on the board, some 28 bytes each.

A name that MicroPython itself has in its read-only memory costs nothing there, whatever it is
used for, so the longest of our names are replaced by such; the rest become short ones.  Strings,
names that MicroPython's modules or a driver's author know, and whatever is looked up by its text
stay as they are.  File names and line numbers stay too, so a traceback still leads to its place.
"""

import ast
import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, product
from pathlib import Path
from string import ascii_lowercase

from host_tools.firmware_path import REPOSITORY

_ROM_NAMES = Path(__file__).with_name("rom_names.txt")
_STUBS = REPOSITORY / "typings"
_CHIP = REPOSITORY / "host_tools" / "simulator" / "board"

# A driver's author and the simulator meet the names of these.
_PUBLIC = ("robot/resource.py", "robot/samplers.py", "robot/release.py", "device/hardware.py")
_PUBLIC_FOLDER = "models/"
_LOOKED_UP_BY_TEXT = {"getattr", "hasattr", "setattr", "delattr", "namedtuple", "__import__"}
_UNDECLARED = {"const", "_io_queue", "queue_read", "queue_write"}  # that the stubs do not know
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def shorter_names(sources: Mapping[str, str]) -> dict[str, str]:
    """Old name to new name, for the sources (by file name) of one firmware."""
    used = {name for text in sources.values() for name in _names(text)}
    kept = _protected(sources)
    ours = sorted(used - kept, key=lambda name: (-len(name), name))
    free = [name for name in _ROM_NAMES.read_text().split() if name not in used]
    names = dict(zip(ours, free, strict=False))
    rest = zip(ours[len(free) :], _short_names(used | kept), strict=False)
    return names | {name: new for name, new in rest if len(new) < len(name)}


def shorten(text: str, names: Mapping[str, str]) -> str:
    """The source with its names replaced; every line keeps its number."""
    lines = text.splitlines(keepends=True)
    for token in reversed(list(_tokens(text))):
        if token.type == tokenize.NAME and token.string in names:
            row, start = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:start] + names[token.string] + line[token.end[1] :]
    return "".join(lines)


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text).readline)


def _names(text: str) -> set[str]:
    return {token.string for token in _tokens(text) if token.type == tokenize.NAME}


def _public_names(text: str) -> set[str]:
    return {name for name in _names(text) if not name.startswith("_")}


def _protected(sources: Mapping[str, str]) -> set[str]:
    """Names that somebody outside of the sources knows."""
    kept = set(keyword.kwlist) | set(dir(builtins)) | _UNDECLARED
    for stub in _STUBS.rglob("*.pyi"):
        kept |= set(_declared(ast.parse(stub.read_text())))
    for chip in _CHIP.glob("*.py"):
        kept |= _public_names(chip.read_text())
    for file_name, text in sources.items():
        kept |= set(file_name.removesuffix(".py").split("/"))
        tree = ast.parse(text)
        kept |= set(_looked_up(tree)) | set(_imported(tree))
        if file_name.endswith(_PUBLIC) or _PUBLIC_FOLDER in file_name:
            kept |= _public_names(text)
    return kept | {name for text in sources.values() for name in _names(text) if name[:2] == "__"}


def _declared(tree: ast.AST) -> Iterator[str]:
    """What a stub file declares: modules, classes, functions, parameters, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")


def _imported(tree: ast.AST) -> Iterator[str]:
    """The words of imported modules; and what is imported of modules that are not ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from node.module.split(".")
            if not node.module.startswith("microserver"):
                yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from alias.name.split(".")


def _looked_up(tree: ast.AST) -> Iterator[str]:
    """Words of the texts by which attributes, fields and modules are looked up, and constants:
    mpy-cross knows a constant only by an assignment, and removes those that begin with _."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in _LOOKED_UP_BY_TEXT:
                yield from _texts(node.args)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            yield from _constants(node)


def _texts(arguments: Iterable[ast.AST]) -> Iterator[str]:
    for argument in arguments:
        for node in ast.walk(argument):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from _WORD.findall(node.value)


def _constants(node: ast.Assign) -> Iterator[str]:
    function = node.value.func if isinstance(node.value, ast.Call) else None
    if isinstance(function, ast.Name) and function.id == "const":
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _short_names(taken: set[str]) -> Iterator[str]:
    """`_a`, `_b`, ... `_aa`, ..."""
    for size in count(1):
        for letters in product(ascii_lowercase, repeat=size):
            name = "_" + "".join(letters)
            if name not in taken:
                yield name
