"""Makes the firmware's pure modules importable on the host: one codec, one validator, both ends.

Importing this module puts `firmware/` and the four-line `micropython` shim on `sys.path`.
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
FIRMWARE = REPOSITORY / "firmware"
_SHIM = Path(__file__).resolve().parent / "micropython_shim"

for _folder in (_SHIM, FIRMWARE):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
