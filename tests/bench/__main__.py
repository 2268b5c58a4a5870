"""`python -m tests.bench [NAME ...]`: print the figures, all or those of the named groups."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import host_tools.firmware_path  # noqa: F401
from tests.bench import capture, faults, heap, upload

GROUPS = {"capture": capture, "upload": upload, "heap": heap, "faults": faults}


def main(names: list[str]) -> int:
    """Run the groups in order; exit code 0 when they ran, whatever the figures say."""
    unknown = set(names) - set(GROUPS)
    if unknown:
        print(f"unknown group: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
        return 2
    for name in names or GROUPS:
        for figure in GROUPS[name].figures():
            print(figure, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
