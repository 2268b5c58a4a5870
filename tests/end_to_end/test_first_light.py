"""The main job, whole: firmware on MicroPython, local cloud, official SDK."""

import subprocess
import sys


def test_the_demo_balances_over_an_outage_of_the_cloud() -> None:
    command = [sys.executable, "-m", "host_tools.cli", "demo", "--duration", "26"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the account balances" in done.stdout
