"""Starts and stops the demo's processes: the same commands that a person would type."""

import subprocess
import sys
import time
from pathlib import Path

from host_tools.errors import UserError

_STOP_TIMEOUT_S = 20
_READY_TIMEOUT_S = 60


class Process:
    """One `microserver` command, running; its output goes to a file."""

    def __init__(self, arguments: list[str], output: Path) -> None:
        self.output = output
        self._file = output.open("ab")
        command = [sys.executable, "-m", "host_tools.cli", *arguments]
        self._process = subprocess.Popen(command, stdout=self._file, stderr=subprocess.STDOUT)

    def wait_for(self, text: str) -> None:
        """Wait until the output's newest part says `text`."""
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while text not in self._said():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise UserError(f"the process did not get ready:\n{self._said()}")
            time.sleep(0.05)

    def _said(self) -> str:
        return self.output.read_text(errors="replace")

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.poll()

    def stop(self) -> int:
        """Ask it to end as Ctrl-C does, insist if it does not; returns the exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._file.close()


def run(arguments: list[str]) -> str:
    """Run one `microserver` command to its end; returns what it printed."""
    command = [sys.executable, "-m", "host_tools.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"`microserver {' '.join(arguments)}` failed:\n{done.stderr}")
    return done.stdout
