"""Fonts, corpus, drawn text and rendered lines: what is said is what is drawn, where it is said to be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recognition.charset import Charset, normalize
from train.batches.lines import LineBatches
from train.loop.recipes import CrnnRecipe
from train.synth.corpus.sentences import Corpus
from train.synth.fonts.stroke_data import strokes_path, write_strokes
from train.synth.line import shares
from train.synth.line.lettering import with_wide_gap
from train.synth.line.perspective import MAX_HEIGHT, View
from train.synth.line.render import LineRenderer
from train.synth.typesetting import pcf
from train.synth.typesetting.draw_line import TextMask, TextRun, draw_runs, draw_text
from train.synth.typesetting.fonts import FontLibrary

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="session")
def fonts() -> FontLibrary:
    return FontLibrary.load()


@pytest.fixture(scope="session")
def lines(fonts: FontLibrary) -> LineRenderer:
    return LineRenderer(fonts, Corpus.load())


def test_there_are_faces_enough_of_every_kind(fonts: FontLibrary) -> None:
    assert len(fonts.han) >= 15
    assert len(fonts.latin) >= 30
    assert {face.style for face in fonts.han} >= {"sans", "serif", "hand"}
    assert {face.style for face in fonts.latin} >= {"sans", "serif", "mono", "hand", "display"}


def test_every_character_of_the_charset_can_be_drawn(fonts: FontLibrary) -> None:
    undrawable = [c for c in Charset.load().characters if not any(f.covers(c) for f in fonts.faces)]
    assert not undrawable


def test_chosen_faces_have_the_glyphs(fonts: FontLibrary) -> None:
    rng = np.random.default_rng(3)
    for text in ("国家", "abc", "混合 text 123", "鬯齄", "℃√①"):
        for _ in range(20):
            face = fonts.choose(rng, text)
            assert face.covers(text)
            for character in text.replace(" ", ""):
                assert face.at(24).getmask(character).getbbox() is not None
    with pytest.raises(LookupError, match="no face"):
        fonts.choose(rng, "\ufffe")  # no character


def test_missing_fonts_are_an_error_with_the_command_to_get_them(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    with pytest.raises(FileNotFoundError, match="apt-get install"):
        FontLibrary.load(tmp_path)


def test_drawn_characters_stand_where_they_are_said_to(fonts: FontLibrary) -> None:
    rng = np.random.default_rng(5)
    for spacing in (0.0, 7.0):
        font = fonts.choose(rng, "国国国国", style="sans").at(40)
        drawn = draw_text("国国国国", font, spacing=spacing)
        columns = np.flatnonzero(drawn.mask.any(0))
        assert columns[0] == 0
        assert columns[-1] == drawn.mask.shape[1] - 1
        np.testing.assert_allclose(np.diff(drawn.centers), 40 + spacing, atol=1.5)
        for center in drawn.centers:
            near = drawn.mask[:, max(0, int(center) - 12) : int(center) + 12]
            assert near.any()
    column = draw_text("国家", fonts.choose(rng, "国家").at(30), vertical=True)
    assert column.mask.shape[0] > column.mask.shape[1]
    assert 0 < column.centers[0] < column.centers[1] < column.mask.shape[0]


def test_corpus_uses_only_characters_of_its_charset(tmp_path: Path) -> None:
    (tmp_path / "zh_a.txt").write_text(
        "這是繁體字很多的一行\n简体字的一行，都认识。\n\n", encoding="utf8"
    )
    (tmp_path / "en_a.txt").write_text(
        "Ünïcödé everywhere ﬁne\nplain words here\n", encoding="utf8"
    )
    corpus, charset = Corpus.load(tmp_path), Charset.load()
    rng = np.random.default_rng(1)
    for lang in ("zh", "en", "mixed"):
        for _ in range(60):
            text = corpus.phrase(rng, lang, 9)
            assert text
            assert text == text.strip()
            assert not charset.missing(text)
            assert len(text) <= 9 or lang == "mixed"
    for _ in range(200):
        assert not charset.missing(corpus.number(rng))
        assert not charset.missing(corpus.random_characters(rng, 5))
    with pytest.raises(FileNotFoundError, match="one sentence a line"):
        Corpus.load(tmp_path / "nothing")


def test_lines_are_labelled_with_places_inside_the_picture(lines: LineRenderer) -> None:
    charset = Charset.load()
    for index in range(60):
        sample = lines.line(1, index, 280)
        height, width = sample.image.shape[:2]
        assert sample.image.dtype == np.uint8
        assert sample.text
        assert not charset.missing(sample.text)
        assert len(sample.centers) == len(sample.widths) == len(sample.text)
        assert (np.diff(sample.centers) > 0).all()
        assert sample.centers[0] > -0.3 * height
        assert sample.centers[-1] < width + 0.3 * height
        assert sample.image.std() > 1


def test_a_sample_is_the_same_in_any_process(lines: LineRenderer) -> None:
    code = (
        "from train.synth.typesetting.fonts import FontLibrary as F; "
        "from train.synth.corpus.sentences import Corpus as C; "
        "from train.synth.line.render import LineRenderer as L; import hashlib; "
        "print(hashlib.sha256(L(F.load(), C.load()).line(4, 9, 160).image.tobytes()).hexdigest())"
    )
    import hashlib

    lines.line(4, 8, 160)
    here = hashlib.sha256(lines.line(4, 9, 160).image.tobytes()).hexdigest()
    there = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    ).stdout
    assert there.strip() == here


def test_batches_hold_what_training_needs(lines: LineRenderer) -> None:
    recipe = CrnnRecipe(columns=1200)
    make = LineBatches(lines, Charset.load(), recipe, seed=2)
    for index in range(4):
        batch = make(index)
        n, _, height, width = batch["lines"].shape
        assert height == 32
        assert n * min(recipe.widths) <= recipe.columns
        assert batch["labels"].shape[0] == batch["lengths"].shape[0] == n
        assert batch["aligned"].shape == (n, width // 4)
        assert (batch["steps"] * 4 <= width + 3).all()
        for row, length in zip(batch["aligned"], batch["lengths"], strict=True):
            assert row.max() <= length
        again = make(index)
        assert all((batch[key] == again[key]).all() for key in batch)


def test_bitmap_faces_have_one_size_and_list_what_they_draw(fonts: FontLibrary) -> None:
    assert fonts.bitmap
    for face in fonts.bitmap:
        assert face.pixels is not None
        assert face.at(40).size == face.pixels
        assert face.covers("国家Ag09，。")
        missing = next(chr(c) for c in range(0x4E00, 0xA000) if c not in face.codes)
        assert not face.covers(missing)
        ink = np.unique(draw_text("国家abc", face.at(0), crisp=True).mask)
        assert set(ink.tolist()) <= {0, 255}


@pytest.mark.parametrize(
    "content", [b"", b"\x01fcp", b"not a font at all", b"\x01fcp\x01\x00\x00\x00"]
)
def test_what_is_no_pcf_font_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.pcf"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="PCF"):
        pcf.code_points(path)


def test_leaders_and_entries_are_of_the_charset_and_as_long_as_asked() -> None:
    corpus, rng = Corpus.load(), np.random.default_rng(5)
    for _ in range(300):
        text = corpus.leaders(rng, 60)
        assert not corpus.charset.missing(text)
        assert 40 <= len(text) <= 70
        entry = corpus.entry(rng)
        assert entry == entry.strip()
        assert len(entry) >= 2


def test_a_view_keeps_the_word_inside_and_its_characters_in_place() -> None:
    rng = np.random.default_rng(1)
    height, width = 30, 150
    mask = np.full((height, width), 255, np.uint8)
    centers = np.linspace(15, 135, 5, dtype=np.float32)
    for _ in range(100):
        drawn = TextMask(mask, "words", centers, np.full(5, 30, np.float32))
        view = View.draw(rng, height, width)
        seen = view.cut(np.pad(mask, [(side, side) for side in view.pad]).astype(np.float32), drawn)
        crop, places, widths = seen.image, seen.centers, seen.widths
        assert crop.shape == view.size
        assert crop.shape[0] <= MAX_HEIGHT
        assert (np.diff(places) > 0).all()
        assert places[0] > 0
        assert places[-1] < crop.shape[1]
        rows = np.clip(np.full(5, crop.shape[0] // 2), 0, None)
        ink = crop[rows.astype(int), places.astype(int)]
        assert (ink > 0).mean() >= 0.4  # a slanted word leaves the middle row towards its ends
        assert widths.min() > 0


@pytest.mark.parametrize("kind", sorted(set(shares.NARROW_KINDS) - {"hand"}))
def test_every_kind_of_line_is_labelled_and_legible(lines: LineRenderer, kind: str) -> None:
    charset = Charset.load()
    for index in range(12):
        sample = lines.of_kind(kind, 2, index, 160)
        assert sample.text == sample.text.strip()
        assert normalize(sample.text) == sample.text
        assert not charset.missing(sample.text)
        assert len(sample.centers) == len(sample.widths) == len(sample.text)
        assert (np.diff(sample.centers) > 0).all()
        assert sample.centers[-1] < sample.image.shape[1] + 0.5 * sample.image.shape[0]
        assert sample.image.std() > 1


def test_runs_of_several_sizes_stand_on_one_line(fonts: FontLibrary) -> None:
    face = fonts.choose(np.random.default_rng(1), "10起", style="sans")
    for rise in (0.0, 0.5, 1.0):
        drawn = draw_runs([TextRun("10", face.at(60)), TextRun("起", face.at(30), 4.0)], rise)
        assert drawn.text == "10起"
        assert (np.diff(drawn.centers) > 0).all()
        small = drawn.mask[:, int(drawn.centers[2]) - 12 : int(drawn.centers[2]) + 12]
        rows = np.flatnonzero(small.any(1))
        middle = (rows[0] + rows[-1]) / 2 / drawn.mask.shape[0]
        assert abs(middle - (0.75 - 0.5 * rise)) < 0.15, rise
    with pytest.raises(ValueError, match="no ink"):
        draw_runs([TextRun("  ", face.at(30))])


def test_scans_are_black_on_white_and_clean(
    lines: LineRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    contrasts = []
    for share in (0.0, 1.0):
        monkeypatch.setattr(shares, "EFFECTS", {**shares.EFFECTS, "scanned": share})
        pictures = [lines.of_kind("document", 5, index, 300).image[..., 0] for index in range(60)]
        levels = np.array([np.percentile(picture, [3, 50, 97]) for picture in pictures])
        contrasts.append(float(np.median(levels[:, 2] - levels[:, 0])))
    assert contrasts[1] > contrasts[0] + 20, contrasts  # fewer faces, none fetched: 35 apart
    low, middle, high = levels.T
    assert (high - middle < middle - low).mean() > 0.9  # dark on light, never the other way round


def test_print_that_a_phone_takes_whole_is_low_and_dark_on_light(
    lines: LineRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = {"scanned": 0.0, "photographed": 1.0}
    monkeypatch.setattr(shares, "EFFECTS", {**shares.EFFECTS, **only})
    pictures = [lines.of_kind("document", 5, index, 480).image[..., 0] for index in range(40)]
    heights = np.array([picture.shape[0] for picture in pictures])
    # Half of them are enlarged up to three times afterwards.
    assert (heights < 30).mean() > 0.3
    low, middle, high = np.array([np.percentile(p, [3, 50, 97]) for p in pictures]).T
    assert (high - middle < middle - low).mean() > 0.9


def test_a_wide_gap_moves_what_follows_and_adds_no_ink(fonts: FontLibrary) -> None:
    drawn = draw_text("Total 12.50", fonts.choose(np.random.default_rng(1), "Total 12.50").at(32))
    wide = with_wide_gap(np.random.default_rng(2), drawn, 200.0)
    by = wide.mask.shape[1] - drawn.mask.shape[1]
    assert 40 <= by <= 210
    assert wide.text == drawn.text
    np.testing.assert_array_equal(wide.centers - drawn.centers, [0] * 6 + [by] * 5)
    assert wide.mask.sum() == drawn.mask.sum()
    first, last = np.split(wide.mask, [round(float(drawn.centers[5]))], axis=1)
    assert not last[:, :by].any()
    np.testing.assert_array_equal(np.hstack([first, last[:, by:]]), drawn.mask)


def test_a_wide_gap_needs_a_space_without_ink(fonts: FontLibrary) -> None:
    face = fonts.choose(np.random.default_rng(1), "Total").at(32)
    drawn = draw_text("Total", face)
    assert with_wide_gap(np.random.default_rng(2), drawn, 200.0) is drawn
    with pytest.raises(ValueError, match="ink in its middle"):
        drawn.parted(4, 10)


def test_lines_by_hand_need_fetched_strokes(
    fonts: FontLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_FONTS_CACHE", str(tmp_path))
    corpus = Corpus({"zh_a": ["十一十一"], "en_a": ["11 + 11"]}, Charset.load())
    with pytest.raises(RuntimeError, match="no hand line"):
        LineRenderer(fonts, corpus).of_kind("hand", 1, 1, 160)
    strokes_path().parent.mkdir()
    cross = [[[100, 400], [900, 400]], [[500, 850], [500, -80]]]
    write_strokes(strokes_path(), {"十": cross, "一": cross[:1]})
    lines = LineRenderer(fonts, corpus)
    texts = [lines.of_kind("hand", 1, index, 160).text for index in range(12)]
    assert any("十" in text for text in texts)
