"""One reader for all threads and processes: what is read is what a single thread reads, byte for byte."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import ocr
from bench.stress import threads
from common.roles import Reading
from crnn import Recognizer
from ocr.models import batching

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "test" / "data"


@pytest.fixture(scope="module")
def reader() -> ocr.Reader:
    return ocr.load(threads=2)


@pytest.mark.slow
def test_four_threads_read_as_one_does(reader: ocr.Reader, tmp_path: Path) -> None:
    """The short form of `python -m bench.stress.threads`, of eight threads and forty pages."""
    limit, filters = PIL.Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    alone, different = threads.compare(reader, tmp_path, threads=4, count=5)
    assert not different
    assert sum('"lines": [{' in text for text in alone) >= 3  # there is something to mix up
    assert not any(text.startswith("{") for text in alone[-2:])  # refused
    assert limit == PIL.Image.MAX_IMAGE_PIXELS and filters == warnings.filters


def test_a_reader_that_mixes_threads_up_is_noticed(
    tmp_path: Path,
) -> None:
    empty = np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)
    whole = ocr.Reader(lambda image, **_: empty, lambda crops: [Reading("x", 0.9)] * len(crops))
    calls = iter(range(10**6))

    class Mixed:
        def read(self, source: Any, **options: Any) -> Any:
            page = whole.read(source, **options)
            return dataclasses.replace(page, height=page.height + (next(calls) > 5))

    assert threads.compare(Mixed(), tmp_path, threads=2, count=3).different


def test_reading_stores_nothing(shipped_reader: ocr.Reader) -> None:
    def state() -> str:
        parts = [vars(model) for model in shipped_reader.models if hasattr(model, "__dict__")]
        assert len(parts) >= 4
        own = repr((shipped_reader.steps, shipped_reader.settings))
        return own + repr([sorted((key, repr(value)) for key, value in p.items()) for p in parts])

    def read() -> None:
        for image in threads.cuttings(2):
            shipped_reader.read(image)

    read()  # the model of photographs is opened when it is first asked
    before = state()
    read()
    assert state() == before


@pytest.mark.parametrize(
    ("device", "cores", "at_once", "each"),
    [("cpu", 1, 1, 1), ("cpu", 2, 2, 1), ("cpu", 4, 4, 1), ("cpu", 16, 4, 4), ("cuda", 16, 1, 16)],
)
def test_cores_share_the_lines_of_a_page(device: str, cores: int, at_once: int, each: int) -> None:
    options = batching(device, cores)
    assert (options["workers"], cores // options["workers"]) == (at_once, each)
    Recognizer(lambda lines: (), charset="a", **options)


@pytest.mark.parametrize("count", [0, -1])
def test_no_threads_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"threads is {count}"):
        ocr.load(threads=count)


@pytest.mark.slow
def test_number_of_threads_within_a_page_changes_nothing(
    reader: ocr.Reader, shipped_reader: ocr.Reader
) -> None:
    for image in threads.cuttings(4):
        assert threads.result(shipped_reader, image, {}) == threads.result(reader, image, {})


def _run(code: str) -> subprocess.CompletedProcess[str]:
    start = (
        "import os, sys, threading, time, gc, signal, ocr\n"
        f"PATH = {str(DATA / 'sign.png')!r}\n"
        "from common.image import load\n"
        "IMAGE = load(PATH)[60:260, 40:400].copy()\n"
        "def read(reader): return reader.read(IMAGE, angle=False).lines\n"
        "def wait(pid):\n"
        "    status = os.waitpid(pid, 0)[1]\n"
        "    assert status == 0, status\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.slow
def test_threads_of_a_reader_stay(reader: ocr.Reader) -> None:
    """One that ended just before a fork could leave locks of C++ libraries held in the child for ever."""
    image = threads.cuttings(1)[0]
    reader.read(image)
    before = set(threading.enumerate())
    assert len(before) > 1  # there is something to stay
    reader.read(image)
    assert set(threading.enumerate()) == before


needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize(("threads", "end"), [(2, "del reader; gc.collect()"), (1, "pass")])
def test_forked_children_read_and_end(threads: int, end: str) -> None:
    """They would wait without end for ONNX Runtime's threads, which only the parent has."""
    done = _run(
        f"reader = ocr.load(threads={threads})\n"
        "expected = read(reader)\n"
        "assert expected\n"
        "for generation in range(2):\n"
        "    pid = os.fork()\n"
        "    if pid: break\n"
        "    signal.alarm(240)\n"
        "    found = []\n"
        "    def work(): found.append(read(reader))\n"
        "    workers = [threading.Thread(target=work, daemon=True) for _ in range(2)]\n"
        "    [worker.start() for worker in workers]; [worker.join() for worker in workers]\n"
        "    time.sleep(0.2)  # until they have given back what C++ libraries keep for them\n"
        "    assert found == [expected] * 2\n"
        "if pid: wait(pid)\n"
        "assert read(reader) == expected\n"
        f"{end}\n"
        "sys.exit(0)\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_fork
@pytest.mark.slow
def test_fork_while_others_read() -> None:
    done = _run(
        "reader = ocr.load(threads=2)\n"
        "expected = read(reader)\n"
        "busy = True\n"
        "def work():\n"
        "    while busy: assert read(reader) == expected\n"
        "workers = [threading.Thread(target=work, daemon=True) for _ in range(2)]\n"
        "[worker.start() for worker in workers]\n"
        "for _ in range(4):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        signal.alarm(240)\n"
        "        import PIL.Image, warnings\n"
        "        settings = PIL.Image.MAX_IMAGE_PIXELS\n"
        "        os._exit(0 if settings and read(reader) == expected else 1)\n"
        "    wait(pid)\n"
        "busy = False\n"
        "[worker.join() for worker in workers]\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_spawned_processes_get_a_reader_of_their_own(tmp_path: Path) -> None:
    script = tmp_path / "read_many.py"
    script.write_text(
        "import multiprocessing, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "import ocr\n"
        "def work(reader, path, queue):\n"
        "    queue.put(reader.read(path).text)\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    reader, queue = ocr.load(threads=1), context.Queue()\n"
        f"    path = {str(DATA / 'sign.png')!r}\n"
        "    process = context.Process(target=work, args=(reader, path, queue))\n"
        "    process.start()\n"
        "    text = queue.get(timeout=60)\n"
        "    process.join(60)\n"
        "    assert text == reader.read(path).text and text\n"
        "    assert process.exitcode == 0\n",
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
