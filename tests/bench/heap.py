"""The smallest heap in which the demo machine captures and syncs, firmware as `.mpy`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloud_process import running_cloud
from host_tools.simulator.board_process import CHIP_HEAP_BYTES
from tests.bench.machine import demo_config, simulate, write_credentials
from tests.bench.table import Figure
from tests.bench.upload import smallest_heap

_SECONDS = 7


def figures() -> Iterator[Figure]:
    """Bisects the heap; each try is a whole run from power-on to synced readings."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with running_cloud(folder / "cloud") as cloud:
            credentials = cloud.add_machine("heap", demo_config())
            write_credentials(folder / "viam.json", credentials, cloud.grpc)

            def runs(kilobytes: int) -> bool:
                return _works(simulate(folder, f"{kilobytes}k", _SECONDS))

            smallest = smallest_heap(runs, 48, 160)
    yield Figure("smallest heap, demo machine (4 collectors)", f"{smallest} kB", "<= 72 kB")
    yield Figure("  on top: the simulated chip's own modules", f"{CHIP_HEAP_BYTES / 1000:.0f} kB")


def _works(report: dict[str, Any] | None) -> bool:
    """Every collector captured and synced, and no task had to be started again."""
    if report is None or report["task_failures"] or len(report["collectors"]) != 4:
        return False
    return all(c["captured"] and c["sync"]["uploaded"] for c in report["collectors"])
