"""The searchable PDF: text as pdfium and poppler take it out, nothing drawn, pictures unchanged, turned pages."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pypdfium2
import pytest

import ocr
from common.arrays import Image
from common.image import InputError
from common.quads import rotate_quads
from ocr.files.page_images import Picture, Pictures, pictures_of
from ocr.formats import FORMATS
from ocr.formats.pdf_font import glyphless_truetype
from ocr.line.characters import spread
from ocr.result import Angle, Character, Elapsed, Page, TextLine

CHINESE = "自2026年9月1日起，本馆每周二至周日开放"
ENGLISH = "The library is open Tuesday to Sunday."
MIXED = "他说 hello world 你好 𠀀😀"

needs_poppler = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="needs pdftotext and pdftoppm of poppler-utils"
)


def line_of(text: str, x: float, y: float, width: float, height: float = 30) -> TextLine:
    box = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    return TextLine(text, 0.9, box, spread(text, 0.9))


LINES = (
    line_of(CHINESE, 60, 50, 640),
    line_of(ENGLISH, 60, 110, 600),
    line_of(MIXED, 60, 170, 500),
)


def page_of(*lines: TextLine, size: tuple[int, int] = (400, 800), degrees: int = 0) -> Page:
    """A page of (height, width) as shown."""
    elapsed = Elapsed(0, 0, 0, 0, 0)
    return Page("a", 0, size[1], size[0], Angle(degrees, 1.0), lines, elapsed)


def white(page: Page) -> Picture:
    return Picture(lambda: np.full((page.height, page.width, 3), 255, np.uint8))


def turned_page(degrees: int) -> Page:
    """The page of `LINES` as it is shown when its content is turned clockwise by some degrees."""
    lines = []
    for line in LINES:
        box = rotate_quads(np.array(line.box, np.float32), -degrees % 360, (400, 800))
        corners = tuple((float(x), float(y)) for x, y in box)
        lines.append(TextLine(line.text, line.score, corners, line.characters))
    size = (800, 400) if degrees in (90, 270) else (400, 800)
    return page_of(*lines, size=size, degrees=degrees)


def pdf_of(pages: list[Page], pictures: Pictures = white) -> bytes:
    return FORMATS["pdf"].encode(pages, pictures)


def opened(content: bytes) -> Iterator[pypdfium2.PdfPage]:
    document = pypdfium2.PdfDocument(content)
    try:
        yield from document
    finally:
        document.close()


def texts(content: bytes) -> list[list[str]]:
    return [page.get_textpage().get_text_range().splitlines() for page in opened(content)]


def rendered(content: bytes) -> Image:
    (image,) = (page.render(scale=1).to_numpy()[:, :, :3].copy() for page in opened(content))
    return np.asarray(image, np.uint8)


def by_poppler(content: bytes, folder: Path, *options: str) -> str:
    path = folder / "a.pdf"
    path.write_bytes(content)
    command = ["pdftotext", *options, str(path), "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_pdf_without_pages_or_lines_is_valid() -> None:
    assert texts(pdf_of([page_of()])) == [[]]
    assert FORMATS["pdf"].encode([], white)[:5] == b"%PDF-"


def test_text_is_extracted_as_it_was_written() -> None:
    assert texts(pdf_of([page_of(*LINES)])) == [[CHINESE, ENGLISH, MIXED]]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_turned_pages_come_out_upright_with_their_text(degrees: int) -> None:
    content = pdf_of([turned_page(degrees)])
    assert texts(content) == [[CHINESE, ENGLISH, MIXED]]
    (size,) = (page.get_size() for page in opened(content))
    assert size == pytest.approx((800 * 72 / 150, 400 * 72 / 150))


@needs_poppler
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_poppler_extracts_the_same_text(degrees: int, tmp_path: Path) -> None:
    found = by_poppler(pdf_of([turned_page(degrees)]), tmp_path).split("\n")
    assert [row for row in found if row.strip("\f")] == [CHINESE, ENGLISH, MIXED]


@needs_poppler
def test_a_line_that_falls_is_one_line(tmp_path: Path) -> None:
    text = "开门，晚上8:30闭馆 and closed on Mondays 周一休息"
    box = ((40, 40), (740, 70), (739, 100), (39, 70))
    page = page_of(TextLine(text, 0.9, box, spread(text, 0.9)))
    found = by_poppler(pdf_of([page]), tmp_path)
    assert found.strip() == text
    assert texts(pdf_of([page])) == [[text]]


def test_uneven_character_places_do_not_add_spaces() -> None:
    text = "日期：2026年"
    edges = [0.0, 0.3, 0.35, 0.5, 0.55, 0.6, 0.8, 0.85, 1.0]
    characters = tuple(Character(c, 0.9, edges[i], edges[i + 1]) for i, c in enumerate(text))
    box = ((40, 40), (640, 40), (640, 70), (40, 70))
    assert texts(pdf_of([page_of(TextLine(text, 0.9, box, characters))])) == [[text]]


def test_a_column_is_one_line() -> None:
    text = "春眠不觉晓处处闻啼鸟"
    box = ((700, 30), (730, 30), (730, 360), (700, 360))
    page = page_of(TextLine(text, 0.9, box, spread(text, 0.9), vertical=True))
    assert texts(pdf_of([page])) == [[text]]


def test_each_character_is_where_its_box_is() -> None:
    page = page_of(*LINES)
    (found,) = (
        [text.get_charbox(i, loose=True) for i in range(len(CHINESE))]
        for text in (page.get_textpage() for page in opened(pdf_of([page])))
    )
    points = 72 / 150
    for (left, bottom, right, top), character in zip(found, LINES[0].characters, strict=True):
        assert left == pytest.approx((60 + 640 * character.start) * points, abs=0.6)
        assert right == pytest.approx((60 + 640 * character.stop) * points, abs=0.6)
        assert (top + bottom) / 2 == pytest.approx((400 - 65) * points, abs=1.5)


def test_text_layer_is_invisible() -> None:
    assert (rendered(pdf_of([page_of(*LINES)])) == 255).all()


@needs_poppler
def test_text_layer_is_invisible_in_poppler(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_of([page_of(*LINES)]))
    subprocess.run(["pdftoppm", "-png", str(path), str(tmp_path / "a")], check=True)
    (picture,) = tmp_path.glob("a-*.png")
    assert np.asarray(PIL.Image.open(picture)).min() == 255


def _quadrants(height: int, width: int) -> Image:
    """A picture whose quarters differ, so that turning and mirroring shows."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (250, 20, 20)
    image[: height // 2, width // 2 :] = (20, 250, 20)
    image[height // 2 :, : width // 2] = (20, 20, 250)
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("degrees", [0, 90])
def test_jpeg_files_are_shown_as_viewers_do(tmp_path: Path, orientation: int, degrees: int) -> None:
    path = tmp_path / "a.jpg"
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(_quadrants(80, 120)).save(path, exif=exif, quality=95, dpi=(72, 72))
    picture = pictures_of(path)(page_of())
    shown = picture.decode()
    page = page_of(size=(shown.shape[0], shown.shape[1]), degrees=degrees)
    expected = np.rot90(shown, degrees // 90)
    # pdfium gives BGR.
    found = rendered(pdf_of([page], pictures_of(path)))[:, :, ::-1]
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 6


def test_jpeg_files_go_in_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    PIL.Image.fromarray(_quadrants(80, 120)).save(path, quality=50)
    data = path.read_bytes()
    page = page_of(size=(80, 120))
    assert data in pdf_of([page], pictures_of(path))
    assert data in pdf_of([page], pictures_of(data))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "P", "RGBA", "1"])
def test_pictures_of_any_mode_are_stored(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    PIL.Image.fromarray(_quadrants(80, 120)).convert(mode).save(path, dpi=(72, 72))
    page = page_of(line_of("a", 5, 5, 20), size=(80, 120))
    content = pdf_of([page], pictures_of(path))
    expected = pictures_of(path)(page).decode()
    found = rendered(content)[:, :, ::-1]
    assert found.shape == expected.shape
    # What is dithered differs from pixel to pixel, not in the large.
    coarse = [
        cv2.resize(image, (12, 8), interpolation=cv2.INTER_AREA) for image in (found, expected)
    ]
    assert np.abs(coarse[0].astype(int) - coarse[1]).mean() < 8


def test_a_grey_picture_is_stored_grey(rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (400, 800, 1), np.uint8).repeat(3, axis=2)
    colored = noise.copy()
    colored[0, 0] = (255, 0, 0)
    grey, color = (
        len(pdf_of([page_of()], lambda page, image=image: Picture(lambda: image)))  # type: ignore[misc]
        for image in (noise, colored)
    )
    assert grey < color


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (66_000, 2)])
def test_pages_of_thin_pictures_have_valid_sizes(shape: tuple[int, int]) -> None:
    page = page_of(line_of("a", 0, 0, 1, 1), size=shape)
    ((width, height),) = (p.get_size() for p in opened(pdf_of([page])))
    assert 0 < max(width, height) <= 14400


def test_boxes_without_extent_or_far_outside() -> None:
    flat = TextLine("平", 1.0, ((5, 5), (5, 5), (5, 5), (5, 5)), spread("平", 1.0))
    page = page_of(flat, line_of("far", 5000, 5000, 100))
    assert len(texts(pdf_of([page]))) == 1


def test_resolution_gives_the_size_of_the_page(tmp_path: Path) -> None:
    for dpi, width in ((300, 192.0), (None, 384.0), (7, 384.0)):
        path = tmp_path / "a.png"
        options = {} if dpi is None else {"dpi": (dpi, dpi)}
        PIL.Image.fromarray(np.zeros((400, 800, 3), np.uint8)).save(path, **options)
        ((found, _),) = (page.get_size() for page in opened(pdf_of([page_of()], pictures_of(path))))
        assert found == pytest.approx(width, abs=0.1)


def test_pages_of_a_pdf_keep_their_size_and_order(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    frames = [PIL.Image.new("RGB", (300, 200), color) for color in ("red", "green", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:], resolution=100)
    pictures = pictures_of(path)
    pages = []
    for number in (0, 2):
        page = Page("a", number, 600, 400, Angle(0, 1), (), Elapsed(0, 0, 0, 0, 0))
        pages.append(page)
    content = FORMATS["pdf"].encode(pages, pictures)
    sizes = [page.get_size() for page in opened(content)]
    assert sizes == [pytest.approx((216, 144), abs=0.5)] * 2
    colors = [tuple(page.render(scale=1).to_numpy()[50, 50, :3] > 100) for page in opened(content)]
    assert colors == [(False, False, True), (True, False, False)]


def test_many_pages_hold_one_picture_at_a_time(tmp_path: Path) -> None:
    alive = peak = 0

    class Watched(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= self.base is None

    def decode() -> Image:
        nonlocal alive, peak
        alive += 1
        peak = max(peak, alive)
        image = np.ndarray.__new__(Watched, (60, 90, 3), np.uint8)
        image[:] = 200
        return image

    pages = [page_of(line_of(f"第{i}页", 5, 5, 60), size=(60, 90)) for i in range(12)]
    stream = io.BytesIO()
    FORMATS["pdf"].write(pages, stream, lambda page: Picture(decode))
    assert texts(stream.getvalue()) == [[f"第{i}页"] for i in range(12)]
    assert peak <= 2


def test_more_kinds_of_characters_than_one_section_of_the_map_holds() -> None:
    text = "".join(chr(0x4E00 + i) for i in range(450))
    lines = [line_of(text[i : i + 30], 20, 20 + i, 700, 20) for i in range(0, 450, 30)]
    page = page_of(*lines, size=(600, 800))
    assert "".join(texts(pdf_of([page]))[0]) == text


def test_a_picture_that_is_gone_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        pdf_of([page_of()], pictures_of(tmp_path / "gone.png"))


@pytest.mark.slow
def test_text_of_a_real_reading_is_extracted_whole(read_page: Callable[[str], Page]) -> None:
    page = read_page("page.png")
    content = FORMATS["pdf"].encode([page], pictures_of(page.image))
    found = "".join(texts(content)[0]).replace(" ", "")
    assert sorted(found) == sorted(page.text.replace("\n", "").replace(" ", ""))


@pytest.fixture
def read_page() -> Callable[[str], Page]:
    folder = Path(__file__).resolve().parents[2] / "data"
    return lambda name: ocr.load(threads=1).read(folder / name)


def test_the_font_has_one_glyph_that_covers_its_square_and_draws_nothing() -> None:
    tt = pytest.importorskip("fontTools.ttLib")
    font = tt.TTFont(io.BytesIO(glyphless_truetype()))
    assert font.getGlyphOrder() == [".notdef"]
    assert font["hmtx"][".notdef"] == (1000, 0)
    points, _, _ = font["glyf"][".notdef"].getCoordinates(font["glyf"])
    assert list(points) == [(0, -200), (1000, 800)]
    assert font["head"].unitsPerEm == 1000
