"""What is done one item ahead gives what `map` gives, and no more is begun than that."""

import threading
import time

import pytest

from common.ahead import map_ahead


def test_results_come_in_order() -> None:
    assert list(map_ahead(lambda x: x * x, range(20))) == [x * x for x in range(20)]
    assert list(map_ahead(str, [])) == []


def test_one_item_ahead_and_no_further() -> None:
    drawn: list[int] = []
    begun: list[int] = []

    def items() -> object:
        for i in range(6):
            drawn.append(i)
            yield i

    results = map_ahead(lambda i: begun.append(i) or i, items())  # type: ignore[arg-type, func-returns-value]
    for used in range(4):
        assert next(results) == used
        assert drawn == list(range(used + 2))
    results.close()  # type: ignore[attr-defined]
    assert set(begun) <= set(range(5))


def test_the_next_one_is_worked_on_meanwhile() -> None:
    waiting, used = threading.Event(), threading.Event()

    def work(i: int) -> int:
        if i == 1:
            waiting.set()
            assert used.wait(10)  # what came before is in use
        return i

    results = map_ahead(work, [0, 1])
    assert next(results) == 0
    assert waiting.wait(10)
    used.set()
    assert next(results) == 1


def test_an_error_comes_where_its_result_would() -> None:
    results = map_ahead(lambda x: 1 // x, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    results = map_ahead(lambda x: x, range(100))
    next(results)
    results.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
