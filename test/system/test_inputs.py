"""Whatever comes in, in whatever way: a page, or `InputError` in one line with its cause; never a traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

import ocr
from bench.stress.fuzz_seeds import seeds
from common.arrays import Image
from common.image import load
from ocr.files.documents import pages

ROOT = Path(__file__).resolve().parents[2]


def _encoded(picture: PIL.Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _pdf(*pages_: bytes, boxes: bytes = b"[0 0 144 72]") -> bytes:
    """A PDF whose pages are blank; each argument goes into one page's dictionary."""
    count = len(pages_)
    kids = b" ".join(b"%d 0 R" % (3 + number) for number in range(count))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count),
    ]
    objects += [b"<</Type/Page/Parent 2 0 R/MediaBox%s%s>>" % (boxes, more) for more in pages_]
    data, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        size, table, size, len(data),
    )  # fmt: skip


# A page encrypted for the user password "secret" (40-bit RC4), as PDF 1.4 describes it.
def _locked_pdf() -> bytes:
    plain = _pdf(b"")
    encryption = (
        b"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<" + b"11" * 32 + b">/U<" + b"22" * 32 + b">>>"
        b"/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]"
    )
    return plain.replace(b"/Root 1 0 R", b"/Root 1 0 R" + encryption)


def _reader() -> ocr.Reader:
    """One that finds no lines, in no time."""
    return ocr.Reader(
        lambda image: (np.zeros((0, 4, 2), np.float32), np.zeros(0, np.float32)), list
    )


@pytest.fixture
def ramp() -> Image:
    """A picture that looks different in all eight positions."""
    image = np.zeros((20, 32, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, 32)[None]
    image[..., 1] = np.linspace(0, 200, 20)[:, None]
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_positions_alike_for_every_kind_of_source(
    ramp: Image, tmp_path: Path, orientation: int, kind: str
) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    lossless = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
    path = tmp_path / f"picture.{kind.lower()}"
    path.write_bytes(_encoded(PIL.Image.fromarray(ramp), kind, exif=exif, **lossless))
    with PIL.Image.open(path) as opened:
        shown = np.asarray(PIL.ImageOps.exif_transpose(opened))
        found = [load(path), load(str(path)), load(path.read_bytes()), load(opened), load(shown)]
        found += [decode() for source in (path, path.read_bytes()) for _, decode in pages(source)]
        results = [_reader().read(s) for s in (path, path.read_bytes(), opened, shown)]
    for image in found:
        assert np.array_equal(image, shown)
    assert {(page.height, page.width) for page in results} == {shown.shape[:2]}


def test_files_are_read_by_content_not_by_extension(ramp: Image, tmp_path: Path) -> None:
    for kind in ("PNG", "GIF", "BMP", "TIFF", "PDF"):
        path = tmp_path / "picture.jpg"
        path.write_bytes(_encoded(PIL.Image.fromarray(ramp), kind))
        assert [decode().ndim for _, decode in pages(path)] == [3]


@pytest.mark.parametrize(
    "name", ["发票 2024 年.png", " a b .png", "#%&'();=+.png", "é\u0301ü.png", "名" * 60]
)
def test_files_of_unusual_names_are_read(
    bar_reader: Callable[[int], ocr.Reader], bars: Image, tmp_path: Path, name: str
) -> None:
    (tmp_path / "文件 夹").mkdir()
    path = tmp_path / "文件 夹" / name
    path.write_bytes(_encoded(PIL.Image.fromarray(bars)))
    page = bar_reader().read(str(path))
    assert page.image == str(path) and len(page.lines) == 2
    path.write_bytes(b"broken")
    with pytest.raises(ocr.InputError) as error:
        bar_reader().read(path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("number", range(len(seeds())))
def test_all_formats_are_read_from_bytes_and_files(number: int, tmp_path: Path) -> None:
    content = seeds()[number]
    path = tmp_path / "file"
    path.write_bytes(content)
    from_bytes = [decode() for _, decode in pages(content)]
    from_file = [decode() for _, decode in pages(path)]
    assert len(from_bytes) == len(from_file) >= 1
    for a, b in zip(from_bytes, from_file, strict=True):
        assert np.array_equal(a, b) and a.dtype == np.uint8


def test_documents_are_read_from_bytes(
    bar_reader: Callable[[int], ocr.Reader], bars: Image
) -> None:
    frames = [PIL.Image.fromarray(bars), PIL.Image.fromarray(bars[::-1])]
    for kind in ("PDF", "TIFF"):
        more = [frames[1].copy()]  # Pillow notes settings of the encoder in a picture
        content = _encoded(frames[0], kind, save_all=True, append_images=more)
        assert [page.page for page in _reader().read_pages(content)] == [0, 1]
        assert _reader().read(content).image == "<bytes>"
    assert bar_reader().read(content).lines == bar_reader().read(bars).lines


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (_pdf(), "no pages"),
        (_pdf(b"")[:60], "damaged"),
        (b"%PDF-1.7\n", "damaged"),
        (_locked_pdf(), "password"),
    ],
)
def test_pdfs_that_cannot_be_opened(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    for source, name in ((path, str(path)), (content, "<bytes>")):
        with pytest.raises(ocr.InputError, match=reason) as error:
            list(pages(source))
        assert str(error.value).startswith(f"{name}: the PDF")
        assert error.value.__cause__ is not None


@pytest.mark.parametrize(
    "box",
    [b"[0 0 1e9 1e9]", b"[0 0 1e39 1e39]", b"[0 0 1 1000000]", b"[0 0 1e6 0.001]", b"[0 0 0 0]", b"[9 9 0 0]",
     b"[-1e9 -1e9 1 1]", b"[0 0 nan nan]", b"[]", b"[0 0]", b"null", b"[0 0 14400 14400]"],
)  # fmt: skip
def test_page_boxes_of_any_size_are_drawn_within_the_limits(box: bytes) -> None:
    for _, decode in pages(_pdf(b"", b"/UserUnit 75000", boxes=box), max_pixels=2_000_000):
        image = decode()
        assert image.size and image.shape[0] * image.shape[1] <= 2_010_000
        assert max(image.shape) <= 100_000


def test_input_errors_keep_their_cause(tmp_path: Path) -> None:
    png = _encoded(PIL.Image.new("L", (50, 50)))
    for content in (png[:60], b"GIF89a", _encoded(PIL.Image.new("L", (50, 50)), "TIFF")[:200]):
        with pytest.raises(ocr.InputError) as error:
            load(content)
        assert error.value.__cause__ is not None


def test_text_in_the_alpha_channel_alone_is_visible(bars: Image) -> None:
    """White on transparent, black on transparent, and one color all over with the text in alpha."""
    mask = np.where(bars.min(axis=2) < 250, 255, 0).astype(np.uint8)
    for color in (0, 255, 90):
        rgba = np.dstack([np.full_like(bars, color), mask])
        sources = [rgba, PIL.Image.fromarray(rgba), _encoded(PIL.Image.fromarray(rgba)),
                   _encoded(PIL.Image.fromarray(rgba), "WEBP", lossless=True)]  # fmt: skip
        for source in sources:
            grey = load(source)[..., 0].astype(int)
            inside, outside = grey[mask > 0], grey[mask == 0]
            assert len(set(inside)) == len(set(outside)) == 1
            assert abs(inside[0] - outside[0]) >= 90


def test_a_picture_decoded_by_its_owner_is_left_as_it_was(ramp: Image) -> None:
    picture = PIL.Image.open(io.BytesIO(_encoded(PIL.Image.fromarray(ramp).quantize(8))))
    load(picture)
    assert picture.mode == "P" and picture.size == (32, 20)
    picture.getpixel((0, 0))  # still open
    picture.close()
    with pytest.raises(ocr.InputError):
        load(PIL.Image.open(io.BytesIO(_encoded(PIL.Image.effect_noise((60, 60), 50))[:900])))


HOSTILE = {
    "empty.png": b"",
    "text.jpg": "这不是图片".encode(),
    "half.png": _encoded(PIL.Image.effect_noise((90, 90), 50))[:3000],
    "locked.pdf": _locked_pdf(),
    "none.pdf": _pdf(),
    "两页 损坏.tif": _encoded(
        PIL.Image.new("L", (30, 30)), "TIFF", save_all=True, append_images=[PIL.Image.new("L", (30, 30))]
    )[:-300],
}  # fmt: skip


def test_command_line_reports_each_bad_input_in_one_line_and_goes_on(tmp_path: Path) -> None:
    """Exit status 1, the good input read, one line for each bad one, and no traceback."""
    for name, content in HOSTILE.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.png").mkdir()
    good = ROOT / "test" / "data" / "sign.png"
    names = [*HOSTILE, "folder.png", "missing.png", "a\nb.png"]
    done = subprocess.run(
        [sys.executable, "demo.py", *(tmp_path / name for name in names), good, "--quiet", "--threads", "1"],
        cwd=ROOT, capture_output=True, env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    errors = done.stderr.decode("utf-8").splitlines()
    assert done.returncode == 1
    assert done.stdout.strip()
    assert "Traceback" not in "\n".join(errors)
    assert len(errors) == len(names)
    assert all("error: " in line for line in errors)
