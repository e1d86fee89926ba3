"""Work on what comes next, on a thread, while the present is being used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Give `function` of each item, in their order, as `map` does, one item ahead.

    The function runs on one thread of its own; the items are drawn, and the results used, on the caller's. It helps
    where the function leaves Python's lock alone, as networks do.

    Args:
        function: What takes long.
        items: Each is drawn when the function may still be busy with the one before.
    """
    with ThreadPoolExecutor(1) as thread:
        waiting: Future[Result] | None = None
        for item in items:
            started = thread.submit(function, item)
            if waiting is not None:
                yield waiting.result()
            waiting = started
        if waiting is not None:
            yield waiting.result()
