"""Makes the virtual environment with the pinned packages, with or without root.

Run by `make setup` with the system's python3; standard library only.  A fresh Debian has python3
but neither pip nor ensurepip: then pip comes from Debian's own package of it, unpacked, not
installed.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ENVIRONMENT = REPOSITORY / ".venv"
REQUIREMENTS = REPOSITORY / "host_tools" / "requirements.txt"
TYPINGS = REPOSITORY / "typings"
STUBS = (
    "micropython-esp32-stubs==1.29.0.post1",
    "micropython-stdlib-stubs==1.29.0.post2",
)
STAMP = ENVIRONMENT / ".installed"


def main() -> int:
    """Create `.venv` unless it already holds exactly the pinned packages."""
    if sys.version_info < (3, 11):
        print(f"error: Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
        return 1
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not (STAMP.exists() and STAMP.read_text() == wanted):
        make_environment(wanted)
    install_stubs()
    return 0


def make_environment(wanted: str) -> None:
    """A new environment; its stamp is written last, so that a broken set-up is made again."""
    print("setup: virtual environment with pinned packages in .venv (about a minute, once)")
    venv.create(ENVIRONMENT, with_pip=False, clear=True)
    pip_install("-r", str(REQUIREMENTS))
    add_repository()
    STAMP.write_text(wanted)


def install_stubs() -> None:
    """MicroPython's stubs, apart from `.venv`: they replace the standard library.."""
    if not (TYPINGS / "stdlib").is_dir():
        print("setup: MicroPython's type stubs into typings/")
        pip_install("--no-deps", "--target", str(TYPINGS), *STUBS)


def pip_install(*arguments: str) -> None:
    """`pip install` in the environment, which itself holds no pip."""
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | {"PYTHONPATH": str(find_pip(Path(scratch)))}
        subprocess.run([*pip, *arguments], check=True, env=environment)


def find_pip(scratch: Path) -> Path:
    """A folder or wheel that holds pip: ensurepip's own, else Debian's python3-pip-whl."""
    try:
        import ensurepip

        bundled = Path(ensurepip.__file__).parent / "_bundled"
    except ImportError:
        bundled = scratch
    wheels = sorted(bundled.glob("pip-*.whl"))
    return wheels[-1] if wheels else unpack_debian_pip(scratch)


def unpack_debian_pip(scratch: Path) -> Path:
    """Download and unpack Debian's pip wheel without installing it; needs no root."""
    print("setup: no ensurepip here, taking pip from Debian's python3-pip-whl")
    subprocess.run(["apt-get", "download", "-qq", "python3-pip-whl"], cwd=scratch, check=True)
    package = next(scratch.glob("python3-pip-whl*.deb"))
    subprocess.run(["dpkg", "-x", str(package), str(scratch / "unpacked")], check=True)
    return sorted((scratch / "unpacked").rglob("pip-*.whl"))[-1]


def add_repository() -> None:
    """Make `host_tools` importable and `microserver` a command of the environment."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = ENVIRONMENT / "lib" / version / "site-packages"
    (packages / "microserver_repository.pth").write_text(f"{REPOSITORY}\n")
    command = ENVIRONMENT / "bin" / "microserver"
    command.write_text(
        f"#!{ENVIRONMENT}/bin/python\n"
        "import sys\n\nfrom host_tools.cli import main\n\nsys.exit(main())\n"
    )
    command.chmod(0o755)


if __name__ == "__main__":
    sys.exit(main())
