"""Unpacks Debian packages of another suite and architecture into a folder, without root.

A private apt configuration keeps the system's own package state untouched.  The mirror and the
keyring are read from the system's own sources, so the project names neither.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_DEFAULT_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TOOLS = ("apt-get", "dpkg", "dpkg-deb")
_FORGET_SYSTEM_HOOKS = (  # for instance Docker images clean the system's cache after an update
    "APT::Architectures",
    "APT::Update::Pre-Invoke",
    "APT::Update::Post-Invoke",
    "APT::Update::Post-Invoke-Success",
)


class PackageError(Exception):
    """The packages cannot be had; the text says why."""


@dataclass(frozen=True)
class Source:
    """One Debian archive that the system already uses."""

    mirror: str
    keyring: Path


def system_source(etc: Path = Path("/etc")) -> Source:
    """The archive from which this system gets its own suite; PackageError if it is not Debian."""
    release = _os_release(etc / "os-release")
    if release.get("ID") != "debian":
        raise PackageError(f"this system is {release.get('ID', 'unknown')}, not Debian")
    codename = release.get("VERSION_CODENAME", "")
    for source, suites in _configured_sources(etc / "apt"):
        if codename in suites or {"sid", "unstable", "testing", "stable"} & suites:
            return source
    raise PackageError(f"no source for the suite {codename!r} in {etc / 'apt'}")


def _os_release(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {key: value.strip('"') for key, value in pairs}


def _configured_sources(apt: Path) -> list[tuple[Source, set[str]]]:
    parts = apt / "sources.list.d"
    one_line = [apt / "sources.list", *sorted(parts.glob("*.list"))]
    found = [entry for path in one_line if path.exists() for entry in _parse_one_line(path)]
    return found + [
        entry for path in sorted(parts.glob("*.sources")) for entry in _parse_deb822(path)
    ]


def _parse_one_line(path: Path) -> list[tuple[Source, set[str]]]:
    """Lines such as `deb [signed-by=KEYRING arch=amd64] URI SUITE main`."""
    found = []
    for line in path.read_text().splitlines():
        words = line.split("#")[0].replace("[", " [ ").replace("]", " ] ").split()
        if not words or words[0] != "deb":
            continue
        options: list[str] = []
        if words[1] == "[":
            end = words.index("]")
            options, words = words[2:end], words[:1] + words[end + 1 :]
        keyring = next((o.split("=", 1)[1] for o in options if o.startswith("signed-by=")), "")
        found.append((Source(words[1], _keyring(keyring)), {words[2]}))
    return found


def _parse_deb822(path: Path) -> list[tuple[Source, set[str]]]:
    """Stanzas of `Types:`, `URIs:`, `Suites:`, `Signed-By:` fields."""
    found = []
    for stanza in path.read_text().split("\n\n"):
        lines = [line for line in stanza.splitlines() if line and line[0] not in "# \t"]
        fields = {k.strip().lower(): v.strip() for k, v in (ln.split(":", 1) for ln in lines)}
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes") == "yes":
            source = Source(fields["uris"].split()[0], _keyring(fields.get("signed-by", "")))
            found.append((source, set(fields["suites"].split())))
    return found


def _keyring(named: str) -> Path:
    path = Path(named.split(",")[0])
    return path if path.is_absolute() and path.exists() else _DEFAULT_KEYRING


class PrivateApt:
    """apt with its own state in `folder`, for one suite and architecture."""

    def __init__(
        self, folder: Path, suite: str, architecture: str, *, verify: bool = True
    ) -> None:
        missing = [tool for tool in _TOOLS if not shutil.which(tool)]
        if missing:
            raise PackageError(f"{', '.join(missing)} not found")
        self._folder = folder
        self.archives = folder / "cache" / "archives"
        for path in (folder / "state/lists/partial", self.archives / "partial", folder / "none"):
            path.mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        self._write_configuration(suite, architecture, verify)

    def _write_configuration(self, suite: str, architecture: str, verify: bool) -> None:
        source = system_source()
        trust = f"signed-by={source.keyring}" if verify else "trusted=yes"
        entries = [f"{kind} [{trust}] {source.mirror} {suite} main" for kind in ("deb", "deb-src")]
        (self._folder / "sources.list").write_text("\n".join(entries) + "\n")
        options = {
            "Dir::Etc::sourcelist": self._folder / "sources.list",
            "Dir::Etc::sourceparts": self._folder / "none",
            "Dir::Etc::preferences": self._folder / "no-preferences",
            "Dir::Etc::preferencesparts": self._folder / "none",
            "Dir::State": self._folder / "state",
            "Dir::State::status": self._folder / "status",
            "Dir::Cache": self._folder / "cache",
            "APT::Architecture": architecture,
            "APT::Sandbox::User": "root",  # as root, `_apt` could not write below the home folder
            "APT::Install-Recommends": "false",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Debug::NoLocking": "true",
        }
        lines = [f"#clear {name};" for name in _FORGET_SYSTEM_HOOKS]
        lines += [f'{name} "{value}";' for name, value in options.items()]
        lines.append(f'APT::Architectures {{ "{architecture}"; }};')
        (self._folder / "apt.conf").write_text("\n".join(lines) + "\n")

    def _run(self, *arguments: str, cwd: Path | None = None) -> str:
        environment = {**os.environ, "APT_CONFIG": str(self._folder / "apt.conf"), "LC_ALL": "C"}
        done = subprocess.run(
            ["apt-get", "-q", "-y", *arguments],
            env=environment, cwd=cwd, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            reason = [ln for ln in done.stderr.splitlines() if ln.startswith(("E:", "W:"))]
            raise PackageError("apt-get " + " ".join(arguments) + ": " + "; ".join(reason))
        return done.stdout

    def update(self) -> None:
        """Fetches the package lists; PackageError when the signature or the network is bad."""
        self._run("update", "-o", "APT::Update::Error-Mode=any")

    def unpack(self, packages: list[str], root: Path) -> None:
        """Downloads `packages` and all that they need, and unpacks them into `root`."""
        self._run("install", "--download-only", *packages)
        root.mkdir(parents=True, exist_ok=True)
        for archive in sorted(self.archives.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", str(archive), str(root)], check=True)
            archive.unlink()

    def source(self, package: str, folder: Path) -> Path:
        """Downloads and unpacks the source of `package` with the distribution's patches."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._run("source", package, cwd=folder)
        return next(path for path in folder.iterdir() if path.is_dir())
