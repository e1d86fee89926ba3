"""Documents: folders, PDFs, multi-page TIFFs; one damaged page leaves the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from ocr import InputError
from ocr.files import documents
from ocr.files.documents import find_files, pages

COLORS = ("red", "lime", "blue")


@pytest.fixture
def frames() -> list[PIL.Image.Image]:
    return [PIL.Image.new("RGB", (144, 72), color) for color in COLORS]


def _save(frames: list[PIL.Image.Image], path: Path, **options: object) -> Path:
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    return path


def test_picture_is_one_page(tmp_path: Path, frames: list[PIL.Image.Image]) -> None:
    path = tmp_path / "a.png"
    frames[0].save(path)
    ((index, load),) = pages(path)
    assert (index, load().shape) == (0, (72, 144, 3))


def test_animation_has_its_first_frame_as_only_page(
    tmp_path: Path, frames: list[PIL.Image.Image]
) -> None:
    for name in ("a.gif", "a.webp", "a.apng"):
        path = _save(frames, tmp_path / name, **({"format": "PNG"} if name == "a.apng" else {}))
        ((_, load),) = pages(path)
        assert load()[30, 30].argmax() == 0


def test_tiff_pages(tmp_path: Path, frames: list[PIL.Image.Image]) -> None:
    path = _save(frames, tmp_path / "a.tif")
    assert [(index, int(load()[5, 5].argmax())) for index, load in pages(path)] == [
        (0, 0),
        (1, 1),
        (2, 2),
    ]


def test_pdf_pages_at_200_dpi(tmp_path: Path, frames: list[PIL.Image.Image]) -> None:
    path = _save(frames, tmp_path / "a.pdf", resolution=72.0)
    seen = []
    for index, load in pages(path):
        image = load()
        assert image.shape == (200, 400, 3)
        assert image.dtype == np.uint8
        assert image.flags.c_contiguous
        seen.append((index, int(image[50, 50].argmax())))
    assert seen == [(0, 0), (1, 1), (2, 2)]


def test_pdf_is_known_by_content(tmp_path: Path, frames: list[PIL.Image.Image]) -> None:
    path = _save(frames, tmp_path / "a.pdf").rename(tmp_path / "noextension")
    assert len(list(pages(path))) == 3


def test_large_sheets_are_drawn_smaller(tmp_path: Path) -> None:
    path = tmp_path / "sheet.pdf"
    PIL.Image.new("RGB", (300, 600)).save(path, resolution=3.0)
    (shape,) = [load().shape for _, load in pages(path, max_pixels=500_000)]
    height, width = shape[:2]
    assert height * width <= 510_000
    assert height / width == pytest.approx(2, rel=0.01)


def test_large_tiff_page_leaves_the_others(tmp_path: Path) -> None:
    sizes = [(20, 20), (200, 200), (20, 20)]
    path = _save([PIL.Image.new("L", size) for size in sizes], tmp_path / "a.tif")
    readable = []
    for index, load in pages(path, max_pixels=1000):
        try:
            load()
            readable.append(index)
        except InputError as error:
            assert "megapixels" in str(error)
    assert readable == [0, 2]


def test_truncated_tiff_gives_the_pages_before(tmp_path: Path, rng: np.random.Generator) -> None:
    noise = [PIL.Image.fromarray(rng.integers(0, 256, (60, 60, 3), np.uint8)) for _ in range(3)]
    path = _save(noise, tmp_path / "a.tif")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    readable = []
    with pytest.raises(InputError, match=r"a\.tif: "):
        for index, load in pages(path):
            load()
            readable.append(index)
    assert readable == [0]


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7 but nothing more", b"II*\0\xff\xff\xff\x7f", b"text"]
)
def test_broken_documents_are_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        list(pages(path))
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_missing_documents_and_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(pages(tmp_path / "nothing.pdf"))
    with pytest.raises(InputError, match="not a file"):
        list(pages(tmp_path))


def test_path_of_a_missing_file_is_returned_as_it_is(tmp_path: Path) -> None:
    assert find_files(tmp_path / "nothing.png") == [tmp_path / "nothing.png"]


def test_folders_are_searched_in_order(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "sub/c.tif", "sub/deep/d.pdf", "notes.txt", ".hidden.png", "x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in find_files(tmp_path)]
    assert found == ["a.jpg", "b.PNG", "sub/c.tif", "sub/deep/d.pdf"]


def test_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pictures or PDFs"):
        find_files(tmp_path)


def test_extensions_are_lower_case() -> None:
    assert all(name == name.lower() and name[0] == "." for name in documents.EXTENSIONS)
