"""Pictures of pages for output files: order, damage, what headers say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from common.image import InputError, open_picture
from ocr.files import page_images
from ocr.files.page_images import pictures_of
from ocr.files.pdf_resolution import PDF_DPI
from ocr.result import Angle, Elapsed, Page


def page_number(number: int) -> Page:
    return Page("a", number, 1, 1, Angle(0, 1), (), Elapsed(0, 0, 0, 0, 0))


def shades(path: Path, count: int, **options: object) -> Path:
    frames = [PIL.Image.new("RGB", (60, 40), (40 * i, 0, 0)) for i in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    return path


@pytest.mark.parametrize("kind", ["pdf", "tif"])
@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize("numbers", [[0, 1, 2, 3], [1, 3], [3, 0, 2], [2, 2]])
def test_pages_of_a_document_in_any_order(
    tmp_path: Path, kind: str, as_bytes: bool, numbers: list[int]
) -> None:
    path = shades(tmp_path / f"a.{kind}", 4)
    pictures = pictures_of(path.read_bytes() if as_bytes else path)
    for number in numbers:
        image = pictures(page_number(number)).decode()
        assert image[..., 0].mean() == pytest.approx(40 * number, abs=6)


@pytest.mark.parametrize("kind", ["pdf", "tif", "png"])
def test_missing_page_number_is_an_input_error(tmp_path: Path, kind: str) -> None:
    pictures = pictures_of(shades(tmp_path / f"a.{kind}", 1))
    with pytest.raises(InputError, match="no page 5"):
        pictures(page_number(5))
    assert pictures(page_number(0)).decode().shape[2] == 3


def test_a_damaged_second_page_is_a_page(tmp_path: Path) -> None:
    """Counting the pages to find out whether there is one alone failed with what Pillow makes of such a header."""
    path = tmp_path / "a.tif"
    frames = [PIL.Image.new("L", (20, 10), shade) for shade in (10, 20)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    data = bytearray(path.read_bytes())
    first = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[first : first + 2], "little")
    end = first + 2 + 12 * count
    second = int.from_bytes(data[end : end + 4], "little")
    assert data[second + 2 : second + 4] == b"\x00\x01"  # the width, whose tag nothing has now
    data[second + 2 : second + 4] = b"\xff\x00"
    path.write_bytes(data)
    with open_picture(path) as header:
        assert not page_images._is_single(header, "a.tif")


def test_arrays_and_pillow_pictures() -> None:
    image = np.full((4, 5, 3), 7, np.uint8)
    for source in (image, PIL.Image.fromarray(image)):
        picture = pictures_of(source)(page_number(0))
        assert (picture.decode() == image).all()
        assert (picture.jpeg, picture.is_file, picture.dpi) == (None, False, None)


def test_only_plain_jpeg_goes_in_as_it_is(tmp_path: Path) -> None:
    image = PIL.Image.new("RGB", (8, 8))
    for name, mode, expected in (("a.jpg", "RGB", True), ("b.jpg", "L", True),
                                 ("c.jpg", "CMYK", False), ("d.png", "RGB", False)):  # fmt: skip
        path = tmp_path / name
        image.convert(mode).save(path)
        picture = pictures_of(path)(page_number(0))
        assert (picture.jpeg == path) == expected
        assert picture.is_file


@pytest.mark.parametrize(
    ("dpi", "expected"), [((300, 300), 300), ((1, 1), None), ((9999, 9999), None)]
)
def test_implausible_resolution_is_left_out(
    tmp_path: Path, dpi: tuple[int, int], expected: int | None
) -> None:
    path = tmp_path / "a.png"
    PIL.Image.new("L", (8, 8)).save(path, dpi=dpi)
    found = pictures_of(path)(page_number(0)).dpi
    assert found == (None if expected is None else pytest.approx(expected, abs=0.1))


def test_pdf_pages_are_as_they_are_drawn(tmp_path: Path) -> None:
    picture = pictures_of(shades(tmp_path / "a.pdf", 1))(page_number(0))
    assert (picture.dpi, picture.is_file, picture.jpeg) == (PDF_DPI, False, None)


def test_limit_of_pixels_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    PIL.Image.new("L", (80, 80)).save(path)
    with pytest.raises(InputError, match="megapixels"):
        pictures_of(path, max_pixels=100)(page_number(0)).decode()
