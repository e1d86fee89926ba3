"""Run tasks on threads, within bounds, and return their results in the order of the tasks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

AHEAD = 64
"""Results that wait, at most, for a slow page before them."""

GRACE_S = 3.0
"""Seconds that pages being read are given to end when nobody wants them any more."""

_T = TypeVar("_T")


class PixelBudget:
    """Pixels that may be in memory at a time. One that is larger than all of it gets in alone."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._changed = threading.Condition()

    def enter(self, pixels: int) -> None:
        """Wait until there is room."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + pixels <= self._size)
            self._used += pixels

    def change(self, pixels: int) -> None:
        """Take more room, or give some back, without waiting."""
        with self._changed:
            self._used += pixels
            self._changed.notify_all()


class OrderedPool(Generic[_T]):
    """Threads that run tasks; results come in the order of the tasks.

    They are daemons and not of a `ThreadPoolExecutor`, whose threads the interpreter waits for when it ends:
    after Ctrl-C nobody wants to wait for the page that hangs.
    """

    def __init__(self, tasks: Iterator[Callable[[], _T]], jobs: int) -> None:
        self._tasks = tasks
        self._taking = threading.Lock()
        self._stopped = False
        self._places = threading.Semaphore(jobs + AHEAD)
        self._begun: queue.SimpleQueue[Future[_T] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"reader-{number}", daemon=True)
            for number in range(jobs)
        ]

    def results(self) -> Generator[_T]:
        """Start, and give each result or raise what its task did; closing this stops the threads."""
        for thread in self._threads:
            thread.start()
        try:
            while (future := self._begun.get()) is not None:
                yield future.result()
                self._places.release()
        finally:
            self._stop()

    def _stop(self) -> None:
        self._stopped = True
        for _ in self._threads:
            self._places.release()
        until = time.monotonic() + GRACE_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            task, future = taken
            try:
                future.set_result(task())
            except BaseException as error:
                future.set_exception(error)

    def _take(self) -> tuple[Callable[[], _T], Future[_T]] | None:
        """The next task and where its result goes; None when there are no more."""
        with self._taking:
            self._places.acquire()
            task = self._next()
            if task is None or self._stopped:
                self._stopped = True
                self._places.release()  # so that the other threads come here too
                self._begun.put(None)
                return None
            future: Future[_T] = Future()
            self._begun.put(future)
            return task, future

    def _next(self) -> Callable[[], _T] | None:
        if self._stopped:
            return None
        try:
            return next(self._tasks, None)
        except BaseException as error:
            return partial(_raise, error)


def _raise(error: BaseException) -> _T:  # type: ignore[type-var]
    raise error
