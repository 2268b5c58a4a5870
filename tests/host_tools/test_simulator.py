"""`microserver simulate` runs a firmware as a board would: start, reset, stop, report, exit codes.

The firmware here is a stand-in of a few lines, so that these tests fail for the simulator only.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from host_tools.firmware_path import REPOSITORY
from host_tools.simulator import interpreter

STAND_IN = """
import asyncio
import machine
import time

class App:
    def __init__(self):
        self._stopping = asyncio.ThreadSafeFlag()
        self.facts = {"ticks": 0, "cause": machine.reset_cause(), "year": time.gmtime()[0]}
        self._timer = machine.Timer(0)

    def run(self):
        asyncio.run(self._main())

    def stop(self, _=None):
        self._stopping.set()

    def _tick(self, _):
        self.facts["ticks"] += 1

    async def _main(self):
        self._timer.init(period=10000, tick_hz=1000000, callback=self._tick)
        print("started")
        await self.work()
        await self._stopping.wait()
        self.facts["lasted_ms"] = time.ticks_ms()

    async def work(self):
        %s

    def diagnostics(self):
        return self.facts

app = App()
app.run()
"""

Result = tuple[int, str, dict[str, Any]]


class Simulation:
    """One stand-in firmware in a folder of its own, and the command line to run it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "firmware").mkdir()
        (folder / "robot.json").write_text("{}")

    def command(self, work: str, *options: str) -> list[str]:
        (self.folder / "firmware/main.py").write_text(STAND_IN % work)
        command = [sys.executable, "-m", "host_tools.cli", "simulate"]
        command += ["--config", str(self.folder / "robot.json")]
        command += ["--firmware", str(self.folder / "firmware")]
        return [*command, "--report", str(self.folder / "report.json"), *options]

    def run(self, work: str, *options: str) -> Result:
        done = subprocess.run(
            self.command(work, *options), cwd=REPOSITORY, text=True, timeout=60, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout, self.report()

    def report(self) -> dict[str, Any]:
        path = self.folder / "report.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}


@pytest.fixture
def simulation(tmp_path: Path) -> Simulation:
    return Simulation(tmp_path)


def test_it_ends_after_the_duration_and_hands_on_the_diagnostics(simulation: Simulation) -> None:
    code, output, report = simulation.run("pass", "--duration", "0.5")
    assert code == 0, output
    assert "started" in output
    assert report["cause"] == 1 and report["year"] == 2000
    assert 0 < report["ticks"] <= 50 + 5
    assert report["simulator"]["heap_used"] < 96 * 1024


@pytest.mark.parametrize("duration", ["0", "0.02", "0.05", "0.1"])
def test_it_ends_cleanly_however_early(simulation: Simulation, duration: str) -> None:
    code, output, _ = simulation.run("pass", "--duration", duration)
    assert code == 0 and "Traceback" not in output, output


def test_a_simulated_hour_takes_seconds_and_no_timer_gains_a_tick(simulation: Simulation) -> None:
    code, output, report = simulation.run("pass", "--duration", "3600", "--fast")
    assert code == 0, output
    # 100 ticks a second; the stop itself comes a moment after the hour.
    assert 300_000 < report["ticks"] <= 360_010
    assert "ran 36" in output


def test_a_sleeping_task_wakes_at_its_simulated_time(simulation: Simulation) -> None:
    work = "t = time.ticks_ms(); await asyncio.sleep(100); time.sleep_ms(20000); "
    work += "self.facts['slept'] = time.ticks_diff(time.ticks_ms(), t)"
    code, output, report = simulation.run(work, "--duration", "130", "--fast")
    assert code == 0, output
    assert 120_000 <= report["slept"] < 125_000


def test_a_reset_starts_the_firmware_again_and_tells_it_why(simulation: Simulation) -> None:
    work = "if machine.reset_cause() == 1: machine.RTC().memory(b'kept'); machine.reset()\n"
    work += "        self.facts['memory'] = machine.RTC().memory().decode()"
    code, output, report = simulation.run(work, "--duration", "1")
    assert code == 0 and output.count("started") == 2, output
    assert report["cause"] == 2 and report["memory"] == "kept"
    assert "1 resets" in output


def test_a_board_that_only_resets_is_given_up(simulation: Simulation) -> None:
    code, output, _ = simulation.run("machine.reset()", "--duration", "30")
    assert code == 1
    assert "reset itself" in output


def test_a_crash_shows_its_traceback_and_exits_with_3(simulation: Simulation) -> None:
    code, output, _ = simulation.run("raise ValueError('broken')", "--duration", "30")
    assert code == 3
    assert "ValueError: broken" in output and '"main", line' in output


def test_ctrl_c_ends_it_gracefully_with_a_report(simulation: Simulation) -> None:
    process = subprocess.Popen(
        simulation.command("pass"), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
    assert process.wait(20) == 0, output
    assert simulation.report()["cause"] == 1


def test_with_a_flash_file_the_board_keeps_flash_and_files(simulation: Simulation) -> None:
    work = "import os; self.facts['files'] = sorted(os.listdir()); open('kept', 'w').close(); "
    work += "import esp32; p = esp32.Partition('capture'); b = bytearray(1); "
    work += "p.readblocks(5, b, 7); self.facts['byte'] = b[0]; p.writeblocks(5, b'\\x0f', 7)"
    flash = str(simulation.folder / "flash.img")
    first = simulation.run(work, "--duration", "0.3", "--flash", flash)[2]
    second = simulation.run(work, "--duration", "0.3", "--flash", flash)[2]
    assert first["files"] == ["lib", "robot.json", "settings.json"] and first["byte"] == 0xFF
    assert (
        second["files"] == ["kept", "lib", "robot.json", "settings.json"]
        and second["byte"] == 0x0F
    )


def test_drivers_beside_the_config_are_on_the_board(simulation: Simulation) -> None:
    (simulation.folder / "drivers").mkdir()
    (simulation.folder / "drivers/mine.py").write_text("ANSWER = 42\n")
    work = "import drivers.mine; self.facts['answer'] = drivers.mine.ANSWER"
    assert simulation.run(work, "--duration", "0.3")[2]["answer"] == 42


def test_a_replayed_recording_reaches_the_sensor(simulation: Simulation) -> None:
    recording = simulation.folder / "recording.csv"
    recording.write_text("time_s,az_g,pin34_mv\n0,-1.0,123\n0.1,-1.0,123\n")
    work = "i = machine.I2C(0); i.writeto_mem(0x68, 0x6b, b'\\0'); "
    work += "self.facts['z'] = list(i.readfrom_mem(0x68, 0x3f, 2)); "
    work += "self.facts['uv'] = machine.ADC(34).read_uv()"
    report = simulation.run(work, "--duration", "0.3", "--world", str(recording))[2]
    assert report["z"] == [0xC0, 0x00] and report["uv"] == 123000


def test_floats_are_single_precision_on_request(simulation: Simulation) -> None:
    if interpreter.find(interpreter.SINGLE) is None:
        pytest.skip("the single-precision build could not be made here; `make setup` says why")
    work = "three = 3.0; self.facts['third'] = str(1 / three)"  # a variable: computed on the board
    assert simulation.run(work, "--duration", "0.3", "--single")[2]["third"] == "0.33333334"


def test_what_a_user_gets_wrong_is_one_sentence(simulation: Simulation) -> None:
    for options in (["--heap", "lots"], ["--fast"], ["--world", str(simulation.folder / "no")]):
        code, output, _ = simulation.run("pass", *options)
        assert code == 1 and output.startswith("error: "), output
        assert "Traceback" not in output


def test_the_board_does_not_outlive_a_killed_command(simulation: Simulation) -> None:
    process = subprocess.Popen(
        simulation.command("pass"), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
    process.wait(20)
    deadline = time.monotonic() + 10
    while any(_runs(int(child)) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children and not any(_runs(int(child)) for child in children)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
