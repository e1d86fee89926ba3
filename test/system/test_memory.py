"""Memory is bounded whatever comes: long screenshots, strips, huge scans, many pages one after the other."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import ocr
from bench.stress import soak
from bench.stress.fuzz_seeds import tiled_tiff
from common.image import MAX_PIXELS, InputError, load
from ctpn import Detector
from ocr.models import build

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "test" / "data"
BUDGET = 1_500_000_000


def _long_page(height: int, width: int) -> np.ndarray:
    """The sign over and over, on white."""
    sign = load(DATA / "sign.png")[:, :width]
    page = np.full((height, width, 3), 255, np.uint8)
    for top in range(0, height - sign.shape[0], sign.shape[0]):
        page[top : top + sign.shape[0], : sign.shape[1]] = sign
    return page


@pytest.mark.parametrize("size", [(3, 5000), (5000, 3), (2, 20000)])
def test_extreme_strips_are_pages_without_text(
    shipped_reader: ocr.Reader, size: tuple[int, int]
) -> None:
    page = shipped_reader.read(np.full((*size, 3), 255, np.uint8))
    assert (page.height, page.width, page.lines) == (*size, ())


def _lines(detector: Detector, image: np.ndarray) -> np.ndarray:
    """(M, 4) bounding boxes of the lines found, from the top."""
    quads, _ = detector(image)
    boxes = np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1)
    return boxes[np.argsort(boxes[:, 1])]


@pytest.mark.slow
@pytest.mark.parametrize("turn", [False, True])
def test_tiled_page_has_the_lines_of_the_whole_page(turn: bool) -> None:
    """What tiles see apart is one picture: the lines are those of a single large tile."""
    whole = build("small", "detector", threads=1)
    image = _long_page(1500, 560)
    if turn:  # tiles are cut side by side
        image = np.ascontiguousarray(np.hstack([image[:400]] * 5))
    tiled = build("small", "detector", threads=1)
    tiled._tile_pixels = 300_000
    expected, found = _lines(whole, image), _lines(tiled, image)
    assert len(expected) >= 6
    assert abs(len(found) - len(expected)) <= len(expected) // 10
    matched = sum((np.abs(found - box).max(axis=1) < 8).any() for box in expected)
    assert matched >= 0.9 * len(expected)


def _measure(code: str, reader: str = "ocr.load(threads=1)") -> int:
    """Most memory in bytes that a process had which ran the code after making a reader."""
    start = f"import ocr\nreader = {reader}\n"
    end = (
        "\nfor line in open('/proc/self/status'):\n"
        "    if line.startswith('VmHWM'): print('peak', int(line.split()[1]) * 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + code + end], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split("peak")[1])


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measured by /proc")


@needs_proc
@pytest.mark.slow
def test_a_long_screenshot_stays_within_the_budget(tmp_path: Path) -> None:
    path = tmp_path / "long.png"
    PIL.Image.fromarray(_long_page(20_000, 600)).save(path, compress_level=1)
    peak = _measure(
        f"page = reader.read({str(path)!r}, angle=False)\n"
        "assert len(page.lines) > 80, len(page.lines)\n"
        "print(len(page.lines))"
    )
    assert peak < 700_000_000


@needs_proc
@pytest.mark.slow
def test_the_largest_picture_stays_within_the_budget(
    tmp_path: Path, write_white_png: Callable[..., Path]
) -> None:
    path = write_white_png(tmp_path / "large.png", (12_000, MAX_PIXELS // 12_000))
    assert _measure(f"assert not reader.read({str(path)!r}).lines") < BUDGET


@needs_proc
def test_a_huge_picture_is_refused_before_it_takes_memory(huge_png: Path) -> None:
    peak = _measure(
        "try:\n"
        f"    reader.read({str(huge_png)!r})\n"
        "except ocr.InputError as error:\n"
        "    assert 'raise max_pixels or OCR_MAX_MEGAPIXELS' in str(error), error\n"
        "else:\n"
        "    raise SystemExit('not refused')",
        "ocr.Reader(None, None)",  # no model is asked
    )
    assert peak < 300_000_000


def test_the_limit_can_be_raised_by_the_environment(
    tmp_path: Path, write_white_png: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_white_png(tmp_path / "a.png", (1500, 1500), rgb=False)
    monkeypatch.setenv("OCR_MAX_MEGAPIXELS", "2")
    with pytest.raises(InputError, match="more than the limit of 2 "):
        load(path)
    with pytest.raises(InputError, match="more than the limit of 2 "):
        load(np.zeros((1500, 1500), np.uint8))
    monkeypatch.setenv("OCR_MAX_MEGAPIXELS", "3")
    assert load(path).shape == (1500, 1500, 3)
    with pytest.raises(InputError, match="more than the limit of 1 "):
        load(path, max_pixels=1_000_000)  # a limit that is given goes first
    for value in ("0", "-1", "many", "1e3"):
        monkeypatch.setenv("OCR_MAX_MEGAPIXELS", value)
        with pytest.raises(InputError, match="OCR_MAX_MEGAPIXELS is '.*', expected a number"):
            load(path)


def test_a_tile_larger_than_its_picture_is_refused() -> None:
    """A decoder holds the whole tile: 16 pixels square may ask for gigabytes."""
    assert load(tiled_tiff(16)).shape == (16, 16, 3)
    with pytest.raises(InputError, match="11008 x 11008"):
        load(tiled_tiff(11_008))


def test_size_of_an_icon_is_that_of_the_picture_in_it() -> None:
    """An icon's directory cannot say more than 256 pixels, and Pillow decodes it while opening."""
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (20_000).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
    head = b"\0\0\1\0\1\0" + bytes(8) + len(png).to_bytes(4, "little") + (22).to_bytes(4, "little")
    with pytest.raises(InputError, match="20000 x 20000 is 400 megapixels"):
        load(head + png)
    dib = (40).to_bytes(4, "little") + (30_000).to_bytes(4, "little") * 2 + bytes(28)
    with pytest.raises(InputError, match="30000 x 30000"):
        load(head[:-8] + len(dib).to_bytes(4, "little") + head[-4:] + dib)


def test_all_coefficients_of_a_progressive_jpeg_count() -> None:
    """Its decoder keeps them all: a picture of four inks would take 1.7 GB at the usual limit."""
    stream = io.BytesIO()
    PIL.Image.new("CMYK", (400, 300)).save(stream, "JPEG", progressive=True)
    assert load(stream.getvalue(), max_pixels=160_000).shape == (300, 400, 3)
    with pytest.raises(InputError, match="for this format"):
        load(stream.getvalue(), max_pixels=130_000)


@needs_proc
@pytest.mark.slow
def test_memory_does_not_grow_over_many_pages(shipped_reader: ocr.Reader) -> None:
    """The short form of `python -m bench.stress.soak`, after a round that warms up."""
    soak.soak(shipped_reader, 20, 300, 20)
    result = soak.soak(shipped_reader, 60, 300, 20)
    assert result["refused"] > 0 and result["lines"] > 0
    assert result["growth"] <= 0.1
