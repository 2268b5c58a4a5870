"""The heap that the simulated chip gets on top of the firmware's is what it takes, not more."""

import json
import subprocess
import sys
from pathlib import Path

from host_tools.firmware_path import REPOSITORY
from host_tools.simulator.board_process import CHIP_HEAP_BYTES

# A bare interpreter has this much allocated before anything runs.
BARE = 1400
MAIN = """\
import gc
import machine, esp32, network
bus = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21), freq=400000)
bus.readfrom_mem_into(0x68, 0x75, bytearray(1))
analog = machine.ADC(machine.Pin(34))
analog.read_uv()
timer = machine.Timer(0)
found = esp32.Partition.find(esp32.Partition.TYPE_DATA, label="capture")
wlan = network.WLAN(network.STA_IF)
gc.collect()


class App:
    used = gc.mem_alloc()

    def diagnostics(self):
        return {"used": self.used}


app = App()
"""


def test_the_chips_share_is_at_most_what_its_modules_take(tmp_path: Path) -> None:
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "main.py").write_text(MAIN)
    config = tmp_path / "robot.json"
    config.write_text("{}")
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "host_tools.cli", "simulate", "--config", str(config)]
    command += ["--firmware", str(firmware), "--duration", "5", "--report", str(report)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    used = json.loads(report.read_text())["used"] - BARE
    assert CHIP_HEAP_BYTES <= used, used
    assert used < CHIP_HEAP_BYTES + 3000, used
