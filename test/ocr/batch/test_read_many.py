"""Many files read at a time: order, errors, bounds, endings."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import ocr
from common.arrays import Image, Quads, Scores
from common.image import InputError
from common.roles import Reading
from ocr.batch import ordered_pool
from ocr.batch.read_many import read_files, read_many

TEXT = "200,0,0\n0,0,200"


@pytest.fixture
def reader(bar_reader: Callable[[int], ocr.Reader]) -> ocr.Reader:
    return bar_reader(0)


@pytest.fixture
def files(tmp_path: Path, bars: Image) -> list[str]:
    """Pictures, a TIFF and a PDF of several pages, and files that cannot be read between them."""
    blank = PIL.Image.new("RGB", (40, 30), "white")
    picture = PIL.Image.fromarray(bars)
    frames = [picture, blank, picture]
    picture.save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_text("no picture")
    frames[0].save(tmp_path / "c.tif", save_all=True, append_images=frames[1:])
    blank.save(tmp_path / "d.png")
    blank.save(tmp_path / "e.pdf", save_all=True, append_images=[blank, blank], resolution=200)
    picture.save(tmp_path / "f.webp", lossless=True)
    names = ["a.png", "b.jpg", "c.tif", "missing.png", "d.png", "e.pdf", "f.webp"]
    return [str(tmp_path / name) for name in names]


def _slow(seconds: Sequence[float]) -> ocr.Reader:
    """A reader of nothing that takes one time after the other, whatever the page."""
    times = itertools.cycle(seconds)

    def detect(image: Image) -> tuple[Quads, Scores]:
        time.sleep(next(times))
        return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)

    return ocr.Reader(detect, lambda crops: [])


def _pictures(folder: Path, sizes: Sequence[tuple[int, int]]) -> list[str]:
    paths = [folder / f"{number}.png" for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        PIL.Image.new("L", size).save(path)
    return [str(path) for path in paths]


def _live() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("reader-")]


def test_no_files_give_no_pages_and_zero_jobs_are_refused(reader: ocr.Reader) -> None:
    assert list(read_files(reader, [])) == []
    assert list(read_many(reader, iter(()), jobs=3)) == []
    with pytest.raises(ValueError, match="jobs is 0"):
        next(read_many(reader, [], jobs=0))


@pytest.mark.parametrize("jobs", [1, 2, 7, None])
def test_steps_are_in_order_whatever_the_number_of_jobs(
    reader: ocr.Reader, files: list[str], jobs: int | None
) -> None:
    steps = list(read_files(reader, files, jobs=jobs))
    seen = [
        (step.file, None if step.page is None else step.page.page, type(step.error).__name__)
        for step in steps
    ]
    end = (None, "NoneType")
    assert seen == [
        (0, 0, "NoneType"),
        (0, *end),
        (1, None, "InputError"),
        (1, *end),
        *[(2, page, "NoneType") for page in range(3)],
        (2, *end),
        (3, None, "MissingFileError"),
        (3, *end),
        (4, 0, "NoneType"),
        (4, *end),
        *[(5, page, "NoneType") for page in range(3)],
        (5, *end),
        (6, 0, "NoneType"),
        (6, *end),
    ]
    assert [step.page.image for step in steps if step.page] == [
        files[step.file] for step in steps if step.page
    ]
    assert [step.page.text for step in steps if step.page and step.file in (0, 2, 6)] == [
        TEXT, TEXT, "", TEXT, TEXT,
    ]  # fmt: skip
    assert _live() == []


def test_pages_equal_those_of_the_reader_alone(reader: ocr.Reader, files: list[str]) -> None:
    def content(page: ocr.Page) -> str:
        return page.to_json().rpartition('"elapsed_ms"')[0]

    errors: list[tuple[str, str]] = []
    readable = [file for file in files if not file.endswith(("b.jpg", "missing.png"))]
    expected = [content(page) for file in readable for page in reader.read_pages(file)]
    pages = read_many(
        reader, map(Path, files), jobs=4, on_error=lambda path, e: errors.append((path, str(e)))
    )
    assert [content(page) for page in pages] == expected
    assert [path for path, _ in errors] == [files[1], files[3]]
    with pytest.raises(InputError, match="b.jpg: not a picture"):
        list(read_many(reader, files, jobs=4))
    assert _live() == []


def test_fast_pages_wait_for_slow_ones(tmp_path: Path) -> None:
    paths = _pictures(tmp_path, [(9, 9)] * 30)
    reader = _slow([0.12, 0, 0, 0.03, 0, 0.01, 0])
    assert [page.image for page in read_many(reader, paths, jobs=5)] == paths


def test_pages_are_read_at_the_same_time(tmp_path: Path, files: list[str]) -> None:
    """Each of three pages waits for the two others; pages of one document count too."""
    for paths in (_pictures(tmp_path, [(9, 9)] * 3), [files[2]]):
        together = threading.Barrier(3, timeout=20)

        def detect(image: Image, together: threading.Barrier = together) -> tuple[Quads, Scores]:
            together.wait()
            return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)

        reader = ocr.Reader(detect, lambda crops: [])
        steps = list(read_files(reader, paths, jobs=3))
        assert [step.error for step in steps] == [None] * len(steps)


@pytest.mark.parametrize(("limit", "most"), [(900, 1), (1800, 2), (2700, 3), (50_000, 4)])
def test_pixels_in_memory_are_bounded(tmp_path: Path, limit: int, most: int) -> None:
    paths = _pictures(tmp_path, [(30, 30)] * 12)
    lock, pixels, seen = threading.Lock(), [0], []

    def detect(image: Image) -> tuple[Quads, Scores]:
        with lock:
            pixels[0] += image.shape[0] * image.shape[1]
            seen.append(pixels[0])
        time.sleep(0.02)
        with lock:
            pixels[0] -= image.shape[0] * image.shape[1]
        return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)

    reader = ocr.Reader(detect, lambda crops: [])
    assert len(list(read_many(reader, paths, jobs=4, max_pixels=limit))) == 12
    assert max(seen) == 900 * most


def test_large_page_waits_for_its_pixels_and_keeps_its_place(tmp_path: Path) -> None:
    paths = _pictures(tmp_path, [(10, 10), (10, 10), (30, 30), (10, 10)])
    pages = list(read_many(_slow([0.05, 0.02]), paths, jobs=4, max_pixels=901))
    assert [page.image for page in pages] == paths


def test_results_do_not_pile_up_behind_a_slow_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_pool, "AHEAD", 5)
    paths = _pictures(tmp_path, [(20, 20)] + [(9, 9)] * 30)
    go_on, small = threading.Event(), []

    def detect(image: Image) -> tuple[Quads, Scores]:
        if len(image) == 20:
            assert go_on.wait(20)
        small.append(1)
        return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)

    pages: list[ocr.Page] = []
    reader = ocr.Reader(detect, lambda crops: [])
    thread = threading.Thread(target=lambda: pages.extend(read_many(reader, paths, jobs=2)))
    thread.start()
    time.sleep(0.5)
    # Ends of files are results too.
    assert len(small) <= (5 + 2) / 2
    go_on.set()
    thread.join(120)  # a busy machine takes its time
    assert [page.image for page in pages] == paths


@pytest.mark.parametrize("jobs", [1, 3])
def test_iteration_can_be_stopped_early(tmp_path: Path, jobs: int) -> None:
    [path] = _pictures(tmp_path, [(9, 9)])
    drawn = []

    def endless() -> Iterator[str]:
        while True:
            drawn.append(1)
            yield path

    pages = read_many(_slow([0.001]), endless(), jobs=jobs)
    assert [next(pages).image for _ in range(5)] == [path] * 5
    pages.close()
    assert _live() == []
    assert len(drawn) <= 5 + ordered_pool.AHEAD + jobs + 1


def test_stopping_early_does_not_wait_for_a_page_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_pool, "GRACE_S", 0.2)
    paths = _pictures(tmp_path, [(9, 9)] * 3)
    hang = threading.Event()
    calls: list[int] = []

    def detect(image: Image) -> tuple[Quads, Scores]:
        calls.append(1)
        if len(calls) > 1:
            hang.wait(30)
        return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)

    pages = read_many(ocr.Reader(detect, lambda crops: []), paths, jobs=2)
    next(pages)
    start = time.monotonic()
    pages.close()
    assert time.monotonic() - start < 5
    hang.set()
    for thread in threading.enumerate():
        if thread.name.startswith("reader-"):
            thread.join(20)


@pytest.mark.parametrize("jobs", [1, 3])
def test_internal_error_costs_one_page_only(tmp_path: Path, bars: Image, jobs: int) -> None:
    """In a model, in whoever looks at the page, and in whoever gives the paths."""
    path = tmp_path / "a.tif"
    frames = [PIL.Image.new("L", (20 + number, 10)) for number in range(4)]
    frames[0].save(path, save_all=True, append_images=frames[1:])

    def detect(image: Image) -> tuple[Quads, Scores]:
        if image.shape[1] == 21:
            raise RuntimeError("a defect")
        return np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)

    def on_page(file: int, page: ocr.Page, image: Image) -> None:
        assert (page.width, page.height) == (image.shape[1], image.shape[0])
        if page.page == 2:
            raise OSError("disk full")

    def broken() -> Iterator[str]:
        yield str(path)
        raise LookupError("no more names")

    reader = ocr.Reader(detect, _unused)
    steps = []
    with pytest.raises(LookupError, match="no more names"):
        for step in read_files(reader, broken(), jobs=jobs, on_page=on_page):
            steps.append(step)
    numbers = [step.page.page for step in steps if step.page]
    errors = [(step.number, str(step.error)) for step in steps if step.error]
    assert (numbers, errors) == ([0, 2, 3], [(1, "a defect"), (2, "disk full")])
    assert _live() == []


def test_damaged_page_of_a_document(reader: ocr.Reader, tmp_path: Path, bars: Image) -> None:
    path = tmp_path / "a.tif"
    frames = [PIL.Image.fromarray(bars)] * 3
    frames[0].save(path, save_all=True, append_images=frames[1:], compression="tiff_deflate")
    with PIL.Image.open(path) as picture:
        picture.seek(1)
        offset = picture.tag_v2[273][0]  # type: ignore[attr-defined]
    data = bytearray(path.read_bytes())
    data[offset : offset + 40] = bytes(40)
    path.write_bytes(data)
    for jobs in (1, 3):
        steps = list(read_files(reader, [str(path)], jobs=jobs))
        assert [step.page.page for step in steps if step.page] == [0, 2]
        assert [step.number for step in steps if step.error] == [1]


def test_skipped_pages_are_not_read(reader: ocr.Reader, files: list[str]) -> None:
    for jobs in (1, 3):
        steps = read_files(
            reader, files, jobs=jobs, skip=lambda file, page: file != 2 and page != 1
        )
        pages = [(step.file, step.page.page) for step in steps if step.page]
        assert pages == [(2, 0), (2, 1), (2, 2), (5, 1)]


@pytest.mark.slow
def test_shipped_models_read_alike_on_several_threads(
    tmp_path: Path, shipped_reader: ocr.Reader
) -> None:
    page = Path(__file__).resolve().parents[2] / "data" / "page.png"
    paths = []
    with PIL.Image.open(page) as picture:
        for number in range(3):
            paths.append(tmp_path / f"{number}.png")
            picture.crop((0, 120 * number, picture.width, 120 * number + 300)).save(paths[-1])
    reader = shipped_reader
    alone = [reader.read(path).lines for path in paths]
    assert any(alone)
    assert [page.lines for page in read_many(reader, paths, jobs=3)] == alone


def _unused(crops: Sequence[Image]) -> list[Reading]:
    return []
