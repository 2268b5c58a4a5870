"""The simulated board as a process: the real MicroPython runs the firmware, and again on reset."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from host_tools.errors import UserError
from host_tools.simulator import compiled, interpreter, rom_image
from host_tools.simulator.board_folder import BoardFolder

# On the chip `machine`, `esp32` and `network` are C in flash; here they are Python, in the same
# heap.  What they take of it (11.1 kB with the demo machine's sensors; see
# tests/host_tools/test_simulator_heap.py) comes on top of the heap that was asked for.
CHIP_HEAP_BYTES = 11_000
_MODULES = Path(__file__).parent / "board"
_STARTER = "mount_and_run.py"
_RESET_EXIT_CODE = 42
_POWER_ON, _AFTER_RESET = "1", "2"
_STOP_SECONDS = 45.0  # a last sync may wait for a cloud that does not answer
_ASK_AGAIN_SECONDS = 1.0
_POLL_SECONDS = 0.02
_BOOT_LOOP = 20  # resets, each within a second of the one before


@dataclass
class Board:
    """How to run it.  `run` blocks; SIGINT (Ctrl-C) and SIGTERM end it gracefully."""

    folder: BoardFolder
    micropython: Path
    firmware: Path
    heap_bytes: int = 96 * 1024
    fast: bool = False
    report: Path | None = None
    i2c: list[int] = field(default_factory=lambda: [0x53, 0x68])
    restarts: int = 0
    _waiting: bool = field(default=False, init=False)
    _interrupted: bool = field(default=False, init=False)

    def run(self, duration_s: float | None) -> int:
        """Runs until the firmware ends, the duration is over, or Ctrl-C; returns its exit code."""
        self._started = time.monotonic()
        self._duration_s = duration_s
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        cause = _POWER_ON
        quick_resets = 0
        while True:
            booted = time.monotonic()
            code = self._run_until_reset(cause)
            if code != _RESET_EXIT_CODE:
                return code
            cause = _AFTER_RESET
            self.restarts += 1
            quick_resets = quick_resets + 1 if time.monotonic() - booted < 1 else 0
            if quick_resets >= _BOOT_LOOP:
                raise UserError(f"the board has reset itself {_BOOT_LOOP} times in a row")

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """Signal handler: ends the wait for a board, or the next one as soon as it waits."""
        self._interrupted = True
        if self._waiting:
            raise KeyboardInterrupt

    def elapsed_s(self) -> float:
        """Simulated seconds since the start."""
        return time.monotonic() - self._started + self.folder.skipped_ms() / 1000

    def _run_until_reset(self, cause: str) -> int:
        self.folder.put_in_lib(self.firmware)
        with subprocess.Popen(
            [
                self.micropython,
                "-X",
                f"heapsize={self.heap_bytes + CHIP_HEAP_BYTES}",
                _MODULES / _STARTER,
            ],
            cwd=self.folder.files,
            env=self._environment(cause),
            start_new_session=True,  # Ctrl-C reaches this process only, which stops the board
        ) as process:
            try:
                self._waiting = True
                if self._interrupted:  # while the process was being started
                    raise KeyboardInterrupt
                return self._wait(process)
            except KeyboardInterrupt:
                print("\nsimulate: stopping; press Ctrl-C again to cut the power", flush=True)
                return self._stop(process)
            finally:
                self._waiting = False
                process.kill()

    def _wait(self, process: "subprocess.Popen[bytes]") -> int:
        if self._duration_s is None:
            return process.wait()
        while self.elapsed_s() < self._duration_s:
            try:
                left = self._duration_s - self.elapsed_s()
                return process.wait(_POLL_SECONDS if self.fast else max(0.0, left))
            except subprocess.TimeoutExpired:
                continue
        return self._stop(process)

    def _stop(self, process: "subprocess.Popen[bytes]") -> int:
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            process.send_signal(signal.SIGTERM)  # the board's own handler asks the firmware to end
            try:
                code = process.wait(_ASK_AGAIN_SECONDS)  # a full queue of callbacks loses it
            except subprocess.TimeoutExpired:
                continue
            return 0 if code == -signal.SIGTERM else code  # stopped before it had begun
        raise UserError(f"the firmware did not end within {_STOP_SECONDS:.0f} s")

    def _environment(self, cause: str) -> Mapping[str, str]:
        environment = {
            **os.environ,
            "MICROPYPATH": "lib:.frozen",  # short as on the board: each module's path costs heap
            "SIMULATED_ROM": str(rom()),
            "SIMULATED_FLASH": str(self.folder.flash.resolve()),
            "SIMULATED_STATE": str(self.folder.state.resolve()),
            "SIMULATED_WORLD": str(self.folder.world.resolve()),
            "SIMULATED_I2C": ",".join(str(address) for address in self.i2c),
            "SIMULATED_RESET_CAUSE": cause,
        }
        if self.report:
            environment["SIMULATED_REPORT"] = str(self.report.resolve())
        if self.fast:
            left_s = (self._duration_s or 0) - self.elapsed_s()
            environment["SIMULATED_SKIPPED"] = str(self.folder.skipped.resolve())
            environment["SIMULATED_LIMIT_MS"] = str(round(left_s * 1000))
        return environment


def rom() -> Path:
    """The image with the simulated chip's own modules, built once per content."""
    sources = [path for path in _MODULES.glob("*.py") if path.name != _STARTER]
    files = {f"{path.stem}.mpy": compiled.compile_file(path, path.name) for path in sources}
    image = rom_image.build(files)
    folder = interpreter.cache_folder() / "rom"
    target = folder / f"{hash_of(image)}.img"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(image)
        temporary.rename(target)
    return target


def hash_of(content: bytes) -> str:
    """A short name for this content."""
    return compiled.digest(content)[:16]
