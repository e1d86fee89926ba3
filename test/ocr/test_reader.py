"""The pipeline with fake models: turning, mapping back, order, empty pages, threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import ocr
from common.arrays import Floats, Image, Quads
from common.quads import crop, enlarged
from common.roles import Reading, Spotted
from ocr import Reader
from ocr.line.accept import is_rule
from ocr.reader import STEPS
from ocr.settings import Accept, Crop, Settings

MakeReader = Callable[[int], ocr.Reader]
RED, BLUE = "200,0,0", "0,0,200"


def _blank(height: int, width: int) -> Image:
    return np.full((height, width, 3), 255, np.uint8)


def test_blank_page_is_a_page(bar_reader: MakeReader) -> None:
    page = bar_reader(0).read(_blank(50, 80))
    assert (page.lines, page.text, page.width, page.height) == ((), "", 80, 50)


@pytest.mark.parametrize("shape", [(1, 1), (5000, 1), (1, 5000)])
def test_thin_and_tiny_pictures_are_read(bar_reader: MakeReader, shape: tuple[int, int]) -> None:
    assert bar_reader(90).read(_blank(*shape)).lines == ()
    dark = np.zeros((*shape, 3), np.uint8)
    assert [line.text for line in bar_reader(0).read(dark).lines] == ["0,0,0"]
    assert bar_reader(0).read(dark, single_line=True).text == "0,0,0"


def test_lines_come_in_order_with_boxes(bar_reader: MakeReader, bars: Image) -> None:
    page = bar_reader(0).read(bars)
    assert page.text == f"{RED}\n{BLUE}"
    assert page.lines[0].box == ((20, 10), (120, 10), (120, 30), (20, 30))
    assert page.lines[0].score == 0.5


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_boxes_are_in_the_picture_as_shown(
    bar_reader: MakeReader,
    bars: Image,
    turned: Callable[[Image, int], Image],
    degrees: int,
) -> None:
    shown = turned(bars, degrees)
    page = bar_reader(degrees).read(shown)
    assert page.text == f"{RED}\n{BLUE}"
    assert page.angle == (degrees, 0.9995)
    assert (page.height, page.width) == shown.shape[:2]
    for line, upright in zip(page.lines, bar_reader(0).read(bars).lines, strict=True):
        cut = crop(shown, np.array(line.box, np.float32))
        assert (cut == cut[0, 0]).all()
        assert ",".join(map(str, cut[0, 0].tolist())) == line.text
        # The first corner is the text's own top left: 90 degrees clockwise puts it top right.
        x, y = upright.box[0]
        height, width = bars.shape[:2]
        moved = {0: (x, y), 90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}
        assert line.box[0] == moved[degrees]


class _Mistaken:
    """A classifier whose pieces say one turn, and whose lines say that they lie as they should."""

    def __init__(self, degrees: int, score: float) -> None:
        self._said = degrees, score

    def __call__(self, image: Image) -> tuple[int, float]:
        return self._said

    def classify_lines(self, image: Image, quads: Quads) -> Floats:
        level = image.shape[1] > image.shape[0]
        return np.array([0.9997, 0.0001, 0.0001, 0.0001] if level else [0.25] * 4, np.float32)


@pytest.mark.parametrize(("score", "degrees"), [(0.99, 0), (0.9995, 90)])
def test_a_turned_page_needs_a_higher_score_than_an_upright_one(
    bars: Image, score: float, degrees: int
) -> None:
    reader = ocr.Reader(_found_bars, lambda crops: [], _Mistaken(90, score))
    assert reader.orientation(bars).degrees == degrees
    upright = ocr.Reader(_found_bars, lambda crops: [], _Mistaken(0, score))
    assert upright.orientation(bars) == (0, score)  # nothing is looked for


def _found_bars(image: Image, *, min_side: int = 0) -> tuple[Quads, Floats]:
    height, width = image.shape[:2]
    quad = np.array([[[10, 10], [width - 10, 10], [width - 10, 30], [10, 30]]], np.float32)
    return quad, np.ones(1, np.float32)


def test_detector_gets_min_side_only_where_the_turn_is_in_doubt(bars: Image) -> None:
    class Found:
        def __init__(self) -> None:
            self.sides: list[int] = []

        def __call__(self, image: Image, *, min_side: int = 0) -> tuple[Quads, Floats]:
            self.sides.append(min_side)
            return _found_bars(image)

    doubtful, sure = Found(), Found()
    for found, score in ((doubtful, 0.9), (sure, 0.9995)):
        ocr.Reader(
            found, lambda crops: [Reading("line", 0.99) for _ in crops], _Mistaken(90, score)
        ).read(bars)
    assert set(doubtful.sides) == {800}
    assert set(sure.sides) == {0}


def test_angle_false_skips_the_classifier(bar_reader: MakeReader, bars: Image) -> None:
    page = bar_reader(180).read(bars, angle=False)
    assert page.angle == (0, 1.0)
    assert page.text == f"{RED}\n{BLUE}"
    reader = ocr.Reader(lambda image: (np.zeros((0, 4, 2), np.float32), np.zeros(0)), lambda _: [])
    assert reader.read(bars).angle == (0, 1.0)


def test_single_line_is_read_whole(bars: Image) -> None:
    seen = []

    def refuse(image: Image) -> tuple[int, float]:
        raise AssertionError("neither angle nor detection")

    def recognize(crops: list[Image]) -> list[Reading]:
        seen.extend(crops)
        return [Reading("line", 0.5) for _ in crops]

    page = ocr.Reader(refuse, recognize, refuse).read(bars, single_line=True)  # type: ignore[arg-type]
    assert np.array_equal(seen[0], bars)
    assert page.lines[0].box == ((0, 0), (200, 0), (200, 120), (0, 120))


class Views:
    """Reads two pictures of a line at most, and says how many it was given."""

    views = 2

    def __call__(self, crops: list[Image]) -> list[Reading]:
        raise AssertionError("all views are read together")

    def read_views(self, lines: list[list[Image]]) -> list[Reading]:
        return [Reading(f"{len(crops)} views", 0.5) for crops in lines]


def test_views_are_read_together(bars: Image, tmp_path: Path) -> None:
    def refuse(image: Image) -> tuple[int, float]:
        raise AssertionError("neither angle nor detection")

    reader = ocr.Reader(refuse, Views(), refuse)  # type: ignore[arg-type]
    path = tmp_path / "view.png"
    PIL.Image.fromarray(bars[:40]).save(path)
    page = reader.read_views([path, bars])
    assert page.image == str(path) and (page.width, page.height) == (200, 40)
    assert page.text == "2 views" and page.lines[0].box == ((0, 0), (200, 0), (200, 40), (0, 40))
    with pytest.raises(ValueError, match="found 3 pictures of one line, expected 1 to 2"):
        reader.read_views([bars] * 3)
    with pytest.raises(ValueError, match="expected 1 to 2"):
        reader.read_views([])
    with pytest.raises(ocr.InputError, match=r"gone\.png"):
        reader.read_views([tmp_path / "gone.png"])


def test_readers_of_one_picture_refuse_views(bars: Image) -> None:
    reader = ocr.Reader(None, lambda crops: [])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="choose one that takes several views"):
        reader.read_views([bars])


def test_empty_readings_are_dropped(bars: Image) -> None:
    quads = np.array([[[0, y], [9, y], [9, y + 5], [0, y + 5]] for y in (0, 20, 40)], np.float32)
    reader = ocr.Reader(
        lambda image: (quads, np.ones(3, np.float32)),
        lambda crops: [Reading(text, 0.96) for text in ("", "kept", "  ")],
    )
    page = reader.read(bars)
    assert page.text == "kept"
    assert page.lines[0].box[0] == (0, 20)


@pytest.mark.parametrize(
    ("seen", "read", "kept"), [(0.9, 0.1, True), (0.4, 0.9, True), (0.4, 0.3, False)]
)
def test_unlikely_lines_count_where_they_can_be_read(
    bars: Image, seen: float, read: float, kept: bool
) -> None:
    quad = np.array([[[10, 10], [90, 10], [90, 30], [10, 30]]], np.float32)
    reader = Reader(
        lambda image: (quad, np.array([seen], np.float32)),
        lambda crops: [Reading("text", read) for _ in crops],
    )
    assert len(reader.read(bars).lines) == kept


def test_boxes_stay_inside_the_picture(bars: Image) -> None:
    quads = np.array([[[-5, -5], [900, -5], [900, 20], [-5, 20]]], np.float32)
    reader = ocr.Reader(
        lambda image: (quads, np.ones(1, np.float32)), lambda crops: [Reading("wide", 0.5)]
    )
    assert reader.read(bars).lines[0].box == ((0, 0), (200, 0), (200, 20), (0, 20))


def test_crops_beyond_the_limit_are_read_in_several_goes(
    bar_reader: MakeReader, bars: Image
) -> None:
    whole = bar_reader(0)
    few = Reader(*whole.models, settings=Settings(crop=Crop(batch_bytes=1)))
    assert few.read(bars).lines == whole.read(bars).lines


@pytest.mark.parametrize(
    "quad", [[[0, 0], [40, 0], [40, 10], [0, 10]], [[0, 0], [9, 0], [9, 40], [0, 40]]]
)
def test_enlarging_moves_each_side_out(quad: list[list[float]]) -> None:
    corners = np.array(quad, np.float32)
    grown = enlarged(corners, 0.1)
    short = min(np.ptp(corners[:, 0]), np.ptp(corners[:, 1]))
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    assert np.allclose(grown, corners + signs * short * 0.1, atol=1e-5)
    assert np.isfinite(enlarged(np.zeros((4, 2), np.float32), 0.1)).all()


def test_every_kind_of_source(bar_reader: MakeReader, bars: Image, tmp_path: Path) -> None:
    path = tmp_path / "bars.png"
    PIL.Image.fromarray(bars).save(path)
    sources = {
        str(path): path,
        "<bytes>": path.read_bytes(),
        "<array>": bars,
        "<image>": PIL.Image.open(path),
    }
    for name, source in sources.items():
        page = bar_reader(0).read(source)
        assert (page.text, page.image, page.page) == (f"{RED}\n{BLUE}", name, 0)


def test_pages_of_a_document(bar_reader: MakeReader, bars: Image, tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    frames = [PIL.Image.fromarray(page) for page in (bars, _blank(30, 40), bars)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    pages = list(bar_reader(0).read_pages(path))
    assert [(page.page, len(page.lines)) for page in pages] == [(0, 2), (1, 0), (2, 2)]
    assert bar_reader(0).read(path).page == 0


def test_pixel_limit_applies_to_every_kind_of_source(
    bar_reader: MakeReader, bars: Image, tmp_path: Path
) -> None:
    path = tmp_path / "bars.png"
    PIL.Image.fromarray(bars).save(path)
    for source in (path, bars, path.read_bytes()):
        with pytest.raises(ocr.InputError, match="megapixels"):
            bar_reader(0).read(source, max_pixels=100)


def test_times_of_the_steps_add_up_to_the_total(bar_reader: MakeReader, bars: Image) -> None:
    times = bar_reader(0).read(bars).elapsed_ms
    assert all(ms >= 0 for ms in times)
    assert sum(times[:-1]) == pytest.approx(times.total, abs=0.01)


def test_reading_twice_gives_the_same(bar_reader: MakeReader, bars: Image) -> None:
    reader, before = bar_reader(90), bars.copy()
    assert reader.read(bars).lines == reader.read(bars).lines
    assert np.array_equal(bars, before)


def test_threads_share_a_reader(bar_reader: MakeReader) -> None:
    reader = bar_reader(0)
    start = threading.Barrier(8)

    def read(shade: int) -> bool:
        page = _blank(32, 32)
        page[6:12, 3:28] = (shade, 1, 2)
        start.wait()
        return all(reader.read(page).text == f"{shade},1,2" for _ in range(20))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(100, 108)))


@pytest.mark.parametrize("text", ["....", "-----", "= = = =", "........-.-..", "……——"])
def test_rows_of_dots_or_dashes_are_rules(text: str) -> None:
    assert is_rule(text, Accept())


@pytest.mark.parametrize(
    "text", ["", "...", "——", "1.1 ........ 7", "....7", "a----", "****8", "。。。。"]
)
def test_text_with_dots_or_dashes_is_no_rule(text: str) -> None:
    assert not is_rule(text, Accept())


def test_steps_are_listed_in_their_order() -> None:
    reader = Reader(_found_bars, lambda crops: [], without=("deskew", "retry"))
    assert reader.steps == tuple(step for step in STEPS if step not in ("deskew", "retry"))


@pytest.mark.parametrize("name", ["detect", "recognize", "straighten", ""])
def test_steps_that_are_needed_or_unknown_cannot_be_left_out(name: str) -> None:
    with pytest.raises(ValueError, match="there are: orientation, .*deskew"):
        Reader(_found_bars, lambda crops: [], without=(name,))


@pytest.mark.parametrize("name", [step for step in STEPS if step not in ("detect", "recognize")])
def test_every_step_can_be_left_out(bar_reader: MakeReader, bars: Image, name: str) -> None:
    reader = Reader(*bar_reader(0).models, without=(name,))
    assert sorted(line.text for line in reader.read(bars).lines) == sorted([RED, BLUE])


def test_without_orientation_a_page_is_read_as_it_is(
    bar_reader: MakeReader, bars: Image, turned: Callable[[Image, int], Image]
) -> None:
    reader = Reader(*bar_reader(180).models, without=("orientation", "resolve_orientation"))
    assert reader.read(turned(bars, 180)).angle == (0, 1.0)


def test_without_resolve_orientation_the_classifier_is_believed(bars: Image) -> None:
    reader = Reader(
        _found_bars, lambda crops: [], _Mistaken(90, 0.7), without=("resolve_orientation",)
    )
    assert reader.orientation(bars) == (90, 0.7)


def test_settings_of_another_type_are_refused() -> None:
    with pytest.raises(TypeError, match=r"settings is of dict, expected ocr\.settings\.Settings"):
        ocr.load(settings={"retry": 1})  # type: ignore[arg-type]


def test_single_region_in_place_of_a_list_is_refused() -> None:
    reader = ocr.load(threads=1)
    with pytest.raises(ValueError, match="region 0 is no list of four numbers"):
        reader.read(np.zeros((20, 20, 3), np.uint8), region=(0, 0.4, 1, 0.25))  # type: ignore[arg-type]


class _Spotter:
    """Finds two bars and reads their colors on them, or on whatever is cut out."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, image: Image) -> Spotted:
        self.asked.append("spot")
        quads = np.array([BAR + (0, 40), BAR], np.float32)
        readings = (Reading("below", 0.5, (0.5,) * 5), Reading("above", 0.5, (0.5,) * 5))
        return Spotted(quads, np.array([0.8, 0.9], np.float32), readings)

    def find(self, image: Image, *, min_side: int = 0) -> tuple[Quads, Floats]:
        self.asked.append("find")
        return self(image)[:2]

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        self.asked.append("read")
        return [Reading("cut out", 0.4) for _ in crops]


BAR = np.array([[20, 10], [120, 10], [120, 30], [20, 30]], np.float32)


def test_a_spotter_stands_for_detector_and_recognizer(bars: Image) -> None:
    spotter = _Spotter()
    without = [step for step in STEPS if step in ("vote", "retry", "upside_down", "columns")]
    reader = ocr.Reader(spotter.find, spotter.read, spotter=spotter, without=without)
    page = reader.read(bars)
    assert page.text == "above\nbelow" and spotter.asked == ["spot"]
    assert page.lines[0].box == ((20, 10), (120, 10), (120, 30), (20, 30))
    assert not {"deskew", "small_print"} & set(reader.steps)
    assert reader.read(bars, single_line=True).text == "cut out"


def test_steps_that_look_again_ask_a_spotter(bars: Image) -> None:
    spotter = _Spotter()
    ocr.Reader(spotter.find, spotter.read, spotter=spotter).read(bars)
    assert spotter.asked[0] == "spot" and "read" in spotter.asked
