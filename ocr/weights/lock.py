"""A path in; a lock that one process at a time holds, given back by the system when its holder dies."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_POLL_S = 0.1

if sys.platform == "win32":
    import msvcrt

    def _try_lock(stream: IO[bytes]) -> None:
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(stream: IO[bytes]) -> None:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def held(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock of a file, which is made if it is missing and stays.

    Args:
        path: The lock file; threads of one process exclude each other, too.
        timeout_s: Seconds to wait for another holder.

    Raises:
        TimeoutError: Another process held it all the time.
        OSError: The file cannot be made.
    """
    deadline = time.monotonic() + timeout_s
    with path.open("ab") as stream:
        while True:
            try:
                _try_lock(stream)
                break
            except (BlockingIOError, PermissionError) as error:
                if time.monotonic() >= deadline:
                    raise TimeoutError(f"{path} is held by another process") from error
                time.sleep(_POLL_S)
        yield
