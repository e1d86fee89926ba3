"""Run work on a fixed number of threads with a bounded queue and time limits.

All of its state belongs to the event loop's thread, so it needs no lock.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from common.wording import counted
from ocr.web.errors import ServiceError
from ocr.web.limits import Limits

Result = TypeVar("Result")
Cancelled: TypeAlias = threading.Event
"""Set when nobody waits for the result any more; work looks at it between pages."""

_FIRST_GUESS_S = 0.5  # time of one piece of work before any was measured
_MEMORY = 0.8  # weight of the past in the mean time of work
# What would wait longer than this share of the time limit is refused at once: work that is accepted
# should not run out of time in the queue because the machine has become slower.
_LIKELY = 0.5


class Pool:
    """Runs work on threads, first come first served.

    A thread cannot be stopped: work that runs out of time keeps its worker until it has noticed,
    so that there is never more work than workers.

    Args:
        workers: Threads, each working on one document.
        limits: Size of the queue and the times.
    """

    def __init__(self, workers: int, limits: Limits) -> None:
        if workers < 1:
            raise ValueError(f"workers is {workers}, expected 1 or more")
        self.workers = workers
        self.waiting = 0
        self.busy = 0
        self._limits = limits
        self._mean_s = _FIRST_GUESS_S
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="ocr-worker")
        self._free = asyncio.Semaphore(workers)

    def check_space(self) -> None:
        """Raise ServiceError "busy" while the queue is full, or too long for the time limit."""
        full = self.waiting + self.busy >= self.workers + self._limits.queue_size
        slow = self._wait_s() > _LIKELY * self._limits.queue_timeout_s
        if full or (slow and self.waiting > 0):
            raise ServiceError(
                "busy",
                f"{counted(self.workers, 'worker')} busy and {counted(self.waiting, 'document')} "
                "waiting: send this again after the seconds in Retry-After",
                retry_after_s=self._wait_s() / 2,
            )

    async def run(self, work: Callable[[Cancelled], Result]) -> Result:
        """Run work on a worker and wait for what it returns or raises.

        Raises:
            ServiceError: "busy", "queue_timeout" or "read_timeout".
        """
        self.check_space()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._limits.queue_timeout_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise ServiceError(
                "queue_timeout",
                f"no worker was free within {self._limits.queue_timeout_s:g} s: send this again "
                "after the seconds in Retry-After",
                retry_after_s=self._wait_s(),
            ) from error
        finally:
            self.waiting -= 1
        return await self._run_now(work)

    async def stop(self) -> None:
        """Wait until every worker has finished what it has begun."""
        await asyncio.to_thread(self._executor.shutdown)

    async def _run_now(self, work: Callable[[Cancelled], Result]) -> Result:
        cancelled = Cancelled()
        start = time.monotonic()

        def finish(future: asyncio.Future[Result]) -> None:
            self.busy -= 1
            self._free.release()
            self._mean_s += (1 - _MEMORY) * (time.monotonic() - start - self._mean_s)
            if not future.cancelled():
                future.exception()  # else asyncio would complain where nobody waits any more

        self.busy += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, work, cancelled)
        future.add_done_callback(finish)
        try:
            await asyncio.wait({future}, timeout=self._limits.read_timeout_s)
        finally:
            cancelled.set()
        if not future.done():
            raise ServiceError(
                "read_timeout",
                f"not read within {self._limits.read_timeout_s:g} s: send fewer pages or a "
                "smaller picture",
            )
        return future.result()

    def _wait_s(self) -> float:
        """About how long a newcomer would wait for a worker."""
        return self._mean_s * (self.waiting + self.busy) / self.workers
