"""Where tests write: into memory, where the machine lends enough of it.

They make and remove hundreds of thousands of files, and need none of them after a power cut.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LENT, ROOM = Path("/dev/shm"), 2 << 30  # noqa: S108  # Linux's; the whole suite takes a sixth of that room at once


def in_memory() -> str | None:
    """A folder that is kept in memory; None: there is none, or too little of it, or nothing may run from it."""
    if not os.access(LENT, os.W_OK | os.X_OK) or shutil.disk_usage(LENT).free < ROOM:
        return None
    return None if os.statvfs(LENT).f_flag & os.ST_NOEXEC else str(LENT)
