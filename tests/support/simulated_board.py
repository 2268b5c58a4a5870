"""A simulated board that runs in the background until a test has seen what it waits for."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120  # generous: a loaded machine is no failure
_POLL_S = 0.2


class SimulatedBoard:
    """`microserver simulate` on a folder, which keeps the board's flash and files.

    Without `config` it uses `folder`/viam.json.  A `drivers` folder beside either is copied.
    """

    def __init__(self, folder: Path, *options: str, config: Path | None = None) -> None:
        self._folder = folder
        self._log = folder / "log"
        self._report = folder / "report.json"
        source = (
            ["--config", str(config)] if config else ["--credentials", str(folder / "viam.json")]
        )
        command = [sys.executable, "-m", "host_tools.cli", "simulate", *source]
        command += ["--report", str(self._report), "--flash", str(folder / "flash.img")]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [*command, *options], cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT
            )

    def end(self) -> None:
        """Cut its power, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> str:
        """All that the firmware has printed, in this run and in earlier ones on the folder."""
        return self._log.read_text(errors="replace")

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until the log says `text`, so many times."""
        self.wait_until(lambda: self.log.count(text) >= times, f"{times} x {text!r}")

    def wait_until(self, condition: Callable[[], bool], what: str = "the condition") -> None:
        """Until `condition()`; AssertionError when it does not come, or the board has ended."""
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert self._process.poll() is None, f"ended before {what}:\n{self.log}"
            assert time.monotonic() < deadline, f"{what} did not come:\n{self.log}"
            time.sleep(_POLL_S)

    def stop(self) -> dict[str, Any]:
        """End it with a last sync; the firmware's report."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(TIMEOUT_S)
        assert code == 0, f"exit code {code}:\n{self.log}"
        report: dict[str, Any] = json.loads(self._report.read_text())
        return report
