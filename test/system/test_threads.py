"""One reader for all threads and processes: what is read is what a single thread reads, byte for byte."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import ocr
from common.image import load
from crnn import Recognizer
from ocr.models import batching

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "test" / "data"

Job = Callable[[ocr.Reader], str]


@pytest.fixture(scope="module")
def reader() -> ocr.Reader:
    return ocr.load(threads=2)


def _result(reader: ocr.Reader, source: Any, options: dict[str, Any]) -> str:
    """A page as JSON but for the time it took, or the error's message."""
    try:
        content = json.loads(reader.read(source, **options).to_json())
    except ocr.InputError as error:
        return str(error)
    del content["elapsed_ms"]
    return json.dumps(content, ensure_ascii=False)


def _cuttings(count: int) -> list[np.ndarray]:
    """Parts of the example pages in sizes and directions of many kinds."""
    rng = np.random.default_rng(5)
    originals = [load(DATA / f"{name}.png") for name in ("page", "receipt", "sign")]
    cuttings = []
    for number in range(count):
        image = originals[number % len(originals)]
        height, width = rng.integers(30, 130), rng.integers(60, 230)
        for _ in range(50):
            top = int(rng.integers(0, image.shape[0] - height))
            left = int(rng.integers(0, image.shape[1] - width))
            part = image[top : top + height, left : left + width]
            if part.std() > 40:  # there is something on it
                break
        cuttings.append(np.ascontiguousarray(np.rot90(part, number % 4)))
    return cuttings


def _jobs(folder: Path) -> list[tuple[Any, dict[str, Any]]]:
    """40 sources of all kinds, with options that differ from call to call."""
    jobs: list[tuple[Any, dict[str, Any]]] = []
    for number, image in enumerate(_cuttings(40)):
        picture, stream = PIL.Image.fromarray(image), io.BytesIO()
        picture.save(stream, "PNG")
        path = folder / f"{number}.png"
        path.write_bytes(stream.getvalue())
        lazy = PIL.Image.open(io.BytesIO(stream.getvalue()))  # not decoded before it is looked at
        source = [image, stream.getvalue(), picture, path, lazy][number % 5]
        options = {"angle": number % 2 == 0, "single_line": number % 3 == 0}
        if number % 10 == 9:
            options["max_pixels"] = 1000  # is refused
        jobs.append((source, options))
    jobs[7] = (b"no picture", {})
    return jobs


def _in_threads(count: int, work: Callable[[int], None]) -> None:
    """Call a function in threads; fail with what the first of them raised."""
    failures: list[BaseException] = []

    def call(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_eight_threads_read_as_one_does(reader: ocr.Reader, tmp_path: Path) -> None:
    alone = [_result(reader, source, options) for source, options in _jobs(tmp_path)]
    assert sum('"lines": [{' in text for text in alone) >= 20  # there is something to mix up
    jobs = _jobs(tmp_path)  # lazy pictures anew, which the threads then share
    limit, filters = PIL.Image.MAX_IMAGE_PIXELS, list(warnings.filters)

    def work(number: int) -> None:
        for index in np.random.default_rng(number).permutation(len(jobs)):
            source, options = jobs[index]
            assert _result(reader, source, options) == alone[index]

    _in_threads(8, work)
    assert limit == PIL.Image.MAX_IMAGE_PIXELS and filters == warnings.filters


def test_reading_stores_nothing(reader: ocr.Reader) -> None:
    def state() -> str:
        parts = [vars(vars(reader)[name]) for name in sorted(vars(reader))]
        return repr([sorted((key, repr(value)) for key, value in part.items()) for part in parts])

    before = state()
    for image in _cuttings(3):
        reader.read(image)
    assert state() == before


@pytest.mark.parametrize(
    ("device", "threads", "at_once", "each"),
    [("cpu", 1, 1, 1), ("cpu", 2, 2, 1), ("cpu", 4, 4, 1), ("cpu", 16, 4, 4), ("cuda", 16, 1, 16)],
)
def test_cores_share_the_lines_of_a_page(
    device: str, threads: int, at_once: int, each: int
) -> None:
    options = batching(device, threads)
    assert (options["workers"], threads // options["workers"]) == (at_once, each)
    Recognizer(lambda lines: (), charset="a", **options)


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads_are_refused(threads: int) -> None:
    with pytest.raises(ValueError, match=f"threads is {threads}"):
        ocr.load(threads=threads)


def test_number_of_threads_within_a_page_changes_nothing(reader: ocr.Reader) -> None:
    one = ocr.load(threads=1)
    for image in _cuttings(9):
        assert _result(one, image, {}) == _result(reader, image, {})


def _run(code: str) -> subprocess.CompletedProcess[str]:
    start = (
        "import os, sys, threading, gc, signal, ocr\n"
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
        timeout=120,
    )


needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")


@needs_fork
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
        "    signal.alarm(60)\n"
        "    found = []\n"
        "    def work(): found.append(read(reader))\n"
        "    workers = [threading.Thread(target=work) for _ in range(2)]\n"
        "    [worker.start() for worker in workers]; [worker.join() for worker in workers]\n"
        "    assert found == [expected] * 2\n"
        "if pid: wait(pid)\n"
        "assert read(reader) == expected\n"
        f"{end}\n"
        "sys.exit(0)\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_fork
def test_fork_while_others_read() -> None:
    done = _run(
        "reader = ocr.load(threads=2)\n"
        "expected = read(reader)\n"
        "busy = True\n"
        "def work():\n"
        "    while busy: assert read(reader) == expected\n"
        "workers = [threading.Thread(target=work) for _ in range(2)]\n"
        "[worker.start() for worker in workers]\n"
        "for _ in range(4):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        signal.alarm(60)\n"
        "        import PIL.Image, warnings\n"
        "        settings = PIL.Image.MAX_IMAGE_PIXELS\n"
        "        os._exit(0 if settings and read(reader) == expected else 1)\n"
        "    wait(pid)\n"
        "busy = False\n"
        "[worker.join() for worker in workers]\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


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
