"""The service's workers: never more work than workers, a bounded queue, times, a stop that loses nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="requirements-web.txt is not installed")

from ocr.web.errors import ServiceError
from ocr.web.limits import Limits
from ocr.web.pool import Cancelled, Pool


def _run(
    test: Callable[[Pool], Any], *, workers: int = 2, queue_size: int = 2, **limits: float
) -> Any:
    async def main() -> Any:
        pool = Pool(workers, Limits(queue_size=queue_size, **limits))
        try:
            return await test(pool)
        finally:
            await pool.stop()

    return asyncio.run(main())


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def test_zero_workers_are_refused() -> None:
    with pytest.raises(ValueError, match="workers is 0"):
        Pool(0, Limits())


def test_result_and_error_come_back() -> None:
    def fail(_: Cancelled) -> None:
        raise KeyError("mine")

    async def test(pool: Pool) -> None:
        assert await pool.run(lambda _: 7) == 7
        with pytest.raises(KeyError, match="mine"):
            await pool.run(fail)
        assert (pool.busy, pool.waiting) == (0, 0)

    _run(test)


def test_never_more_work_than_workers() -> None:
    at_once, most = 0, 0
    lock = threading.Lock()

    def work(_: Cancelled) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1

    async def test(pool: Pool) -> None:
        await asyncio.gather(*(pool.run(work) for _ in range(20)))

    _run(test, workers=3, queue_size=20)
    assert most == 3


def test_full_queue_refuses_and_recovers() -> None:
    release = threading.Event()

    async def test(pool: Pool) -> None:
        accepted = [asyncio.ensure_future(pool.run(lambda _: release.wait(5))) for _ in range(4)]
        await _until(lambda: (pool.busy, pool.waiting) == (2, 2))
        for _ in range(3):
            with pytest.raises(ServiceError) as refused:
                await pool.run(lambda _: None)
            assert refused.value.code == "busy"
            assert (refused.value.retry_after_s or 0) > 0
        release.set()
        assert await asyncio.gather(*accepted) == [True] * 4
        assert await pool.run(lambda _: "again") == "again"

    _run(test)


def test_queue_gets_shorter_when_work_takes_longer() -> None:
    async def test(pool: Pool) -> None:
        for _ in range(8):
            await pool.run(lambda _: time.sleep(0.1))
        # A tenth of a second each: of nine that come at once, not all could begin within 0.4 s.
        tasks = [asyncio.ensure_future(pool.run(lambda _: time.sleep(0.1))) for _ in range(9)]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        codes = [error.code for error in results if isinstance(error, ServiceError)]
        assert set(codes) == {"busy"}
        assert 2 <= results.count(None) <= 5

    _run(test, workers=1, queue_size=20, queue_timeout_s=0.8)


def test_one_long_document_does_not_close_the_service() -> None:
    async def test(pool: Pool) -> None:
        await pool.run(lambda _: time.sleep(0.3))
        running = asyncio.ensure_future(pool.run(lambda _: time.sleep(0.05)))
        await _until(lambda: pool.busy == 1)
        await pool.run(lambda _: None)
        await running

    _run(test, workers=1, queue_timeout_s=0.2)


def test_work_is_done_in_order_of_arrival() -> None:
    order: list[int] = []

    async def test(pool: Pool) -> None:
        await asyncio.gather(*(pool.run(lambda _, i=i: order.append(i)) for i in range(9)))

    _run(test, workers=1, queue_size=9)
    assert order == list(range(9))


def test_waiting_too_long_is_told_and_leaves_the_queue() -> None:
    release = threading.Event()

    async def test(pool: Pool) -> None:
        first = asyncio.ensure_future(pool.run(lambda _: release.wait(5)))
        await _until(lambda: pool.busy == 1)
        with pytest.raises(ServiceError) as refused:
            await pool.run(lambda _: None)
        assert refused.value.code == "queue_timeout"
        assert pool.waiting == 0
        release.set()
        assert await first

    _run(test, workers=1, queue_timeout_s=0.05)


def test_work_out_of_time_keeps_its_worker_until_it_notices() -> None:
    noticed = threading.Event()

    def work(cancelled: Cancelled) -> None:
        assert cancelled.wait(5)
        time.sleep(0.1)
        noticed.set()

    async def test(pool: Pool) -> None:
        with pytest.raises(ServiceError) as refused:
            await pool.run(work)
        assert refused.value.code == "read_timeout"
        assert pool.busy == 1
        assert not noticed.is_set()
        await _until(lambda: pool.busy == 0)
        assert noticed.is_set()

    _run(test, workers=1, read_timeout_s=0.05)


def test_client_that_leaves_cancels_its_work_only() -> None:
    async def test(pool: Pool) -> None:
        events: list[Cancelled] = []

        def work(cancelled: Cancelled) -> bool:
            events.append(cancelled)
            return cancelled.wait(0.3)

        leaving = asyncio.ensure_future(pool.run(work))
        await _until(lambda: len(events) == 1)
        staying = asyncio.ensure_future(pool.run(work))
        waiting = asyncio.ensure_future(pool.run(work))
        await _until(lambda: len(events) == 2)
        for task in (leaving, waiting):
            task.cancel()
        assert await staying is False
        await _until(lambda: pool.busy == 0)
        assert len(events) == 2  # what waited was never begun
        assert pool.waiting == 0

    _run(test)


def test_error_after_the_client_left_is_not_complained_about(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def work(cancelled: Cancelled) -> None:
        cancelled.wait(5)
        raise KeyError("nobody hears this")

    async def test(pool: Pool) -> None:
        task = asyncio.ensure_future(pool.run(work))
        await _until(lambda: pool.busy == 1)
        task.cancel()
        await _until(lambda: pool.busy == 0)

    _run(test)
    assert not caplog.records


def test_event_loop_stays_awake_while_workers_work() -> None:
    async def test(pool: Pool) -> None:
        task = asyncio.ensure_future(pool.run(lambda _: time.sleep(0.3)))
        turns = 0
        while not task.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert turns > 20

    _run(test)


def test_stop_waits_for_what_was_begun() -> None:
    done = threading.Event()

    def work(_: Cancelled) -> None:
        time.sleep(0.1)
        done.set()

    async def test(pool: Pool) -> None:
        task = asyncio.ensure_future(pool.run(work))
        await _until(lambda: pool.busy == 1)
        await pool.stop()
        assert done.is_set()
        await task

    _run(test)
