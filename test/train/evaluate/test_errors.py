"""Misses and their causes on pages whose errors are made on purpose, and the HTML that shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest

from common.arrays import Image
from common.edit_distance import edit_distance
from common.roles import Reading
from crnn import Recognizer
from recognition.charset import Charset
from train.data.samples import LabelledPage, Line
from train.evaluate import errors
from train.evaluate.error_alignment import align, groups
from train.evaluate.error_report import ErrorPages, marked
from train.evaluate.errors import Miss, compare, contrast, expanded, find_misses, normalized_chars
from train.evaluate.page_metrics import ReadLine, count_page

CHARSET = Charset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:你好世界!")


def quad(x: float, y: float, width: float, height: float) -> np.ndarray:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def page(*lines: tuple[Any, str], **facts: Any) -> LabelledPage:
    labelled = tuple(Line(None if place is None else quad(*place), text) for place, text in lines)
    return LabelledPage(Path("page.png"), "made", lines=labelled, **facts)


def read(*lines: tuple[Any, str]) -> list[ReadLine]:
    return [ReadLine(text, None if place is None else quad(*place)) for place, text in lines]


def paper(low: int = 0) -> Image:
    """Stripes of black (or `low`) on white: every crop of it has contrast."""
    image = np.full((400, 600, 3), 255, np.uint8)
    image[:, ::3] = low
    return image


def diagnose(
    truth: LabelledPage, seen: Sequence[ReadLine], own: Sequence[str] = (), low: int = 0
) -> list[Miss]:
    """Misses of a page; `own` is what the truth's quads read as, in the order they are asked for."""
    answers = iter(own)
    return find_misses(
        truth, seen, paper(low), lambda crops: [next(answers, "?") for _ in crops], CHARSET
    )


LINE = (10, 10, 200, 30)


@pytest.mark.parametrize("seed", range(20))
def test_alignment_costs_the_edit_distance_and_keeps_both_texts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = ("".join(rng.choice(list("abc"), rng.integers(0, 12))) for _ in range(2))
    steps = align(a, b)
    assert "".join(a[s.a] for s in steps if s.a is not None) == a
    assert "".join(b[s.b] for s in steps if s.b is not None) == b
    wrong = sum(s.a is None or s.b is None or a[s.a] != b[s.b] for s in steps)
    assert wrong == edit_distance(a, b)


def test_compared_characters_are_normalized_as_in_the_figures() -> None:
    assert [s.key for s in normalized_chars("Ａ b…")] == ["a", "b", ".", ".", "."]
    assert [s.spaced for s in normalized_chars("Ａ b　c")] == [False, True, True]
    assert "".join(s.key for s in normalized_chars("It's 3.", alnum=True)) == "its3"
    assert normalized_chars(" \n") == []


def test_nothing_read_on_nothing_and_all_read_right() -> None:
    assert diagnose(page(), []) == []
    assert diagnose(page((LINE, "hello")), read((LINE, "hello"))) == []
    assert diagnose(page((None, "hello")), read((LINE, "hello"))) == []


@pytest.mark.parametrize(
    ("place", "low", "cause"),
    [
        (LINE, 0, "line not found (other)"),
        ((10, 10, 200, 12), 0, "line not found (small)"),
        ((10, 10, 30, 200), 0, "line not found (vertical)"),
        (LINE, 220, "line not found (pale)"),
    ],
)
def test_line_that_was_not_found_has_its_cause(
    place: tuple[int, ...], low: int, cause: str
) -> None:
    (miss,) = diagnose(page((place, "hello")), [], ["hello"], low)
    assert (miss.cause, miss.lost, miss.own) == (cause, {cause: 5}, "hello")


@pytest.mark.parametrize(
    ("place", "low", "cause"),
    [
        (LINE, 0, errors.CHARACTERS),
        ((10, 10, 200, 12), 0, errors.SMALL),
        ((10, 10, 30, 200), 0, errors.VERTICAL),
        (LINE, 220, errors.PALE),
    ],
)
def test_wrong_characters_and_what_made_them_hard(
    place: tuple[int, ...], low: int, cause: str
) -> None:
    (miss,) = diagnose(page((place, "hello")), read((place, "hel1o")), ["hel1o"], low)
    assert miss.lost == {cause: 1}
    assert miss.confusions == (("l", "1"),)


@pytest.mark.parametrize(
    ("place", "detail"),
    [((10, 14, 200, 20), "tight"), ((0, 0, 240, 50), "loose"), ((20, 12, 200, 30), "shifted")],
)
def test_line_read_right_in_its_true_box_is_a_box_error(
    place: tuple[int, ...], detail: str
) -> None:
    (miss,) = diagnose(page((LINE, "hello")), read((place, "he")), ["hello"])
    assert miss.lost == {errors.BOX: 3}
    assert miss.detail.startswith(detail)
    (both,) = diagnose(page((LINE, "hello")), read((place, "he")), ["hel1o"])
    assert both.lost == {errors.BOX: 2, errors.CHARACTERS: 1}
    assert both.confusions == (("l", "1"),)


def test_split_and_merged_lines_are_misses_even_where_no_character_is_lost() -> None:
    halves = read(((110, 10, 100, 30), "world"), ((10, 10, 95, 30), "hello"))
    (split,) = diagnose(page((LINE, "hello world")), halves, ["hello world"])
    assert split.lost == {errors.SPLIT: 0}
    assert [line.text for line in split.group.read] == ["hello", "world"]
    two = page(((120, 10, 90, 30), "world"), ((10, 10, 90, 30), "hello"))
    (merged,) = diagnose(two, read((LINE, "hello world")), ["hello", "world"])
    assert merged.lost == {errors.MERGED: 0}
    (worse,) = diagnose(two, read((LINE, "hell")), ["hello", "wor1d"])
    assert worse.lost == {errors.MERGED: 5, errors.CHARACTERS: 1}


def test_rows_merged_in_one_box_are_read_from_the_top() -> None:
    stack = page(((10, 50, 200, 30), "world"), ((10, 10, 200, 30), "hello"))
    (miss,) = diagnose(stack, read(((10, 10, 200, 70), "hello world")), ["hello", "world"])
    assert [line.text for line in miss.group.truth] == ["hello", "world"]
    assert miss.lost == {errors.MERGED: 0}


def test_words_in_one_read_line_are_no_error_where_the_truth_is_words() -> None:
    words = page(((10, 10, 90, 30), "hello"), ((120, 10, 90, 30), "world"), word_level=True)
    assert diagnose(words, read((LINE, "hello world"))) == []
    (miss,) = diagnose(words, read((LINE, "hello w0rld")), ["hello", "w0rld"])
    assert miss.lost == {errors.CHARACTERS: 1}


def test_read_where_nothing_is_unless_the_truth_is_partial_or_ignores_it() -> None:
    far = read(((10, 300, 100, 30), "ghost"))
    (miss,) = diagnose(page(), far)
    assert miss.lost == {errors.EXTRA: 5}
    assert diagnose(page(partial=True), far) == []
    ignored = LabelledPage(
        Path("page.png"), "made", lines=(Line(quad(0, 290, 200, 60), "x", ignore=True),)
    )
    assert diagnose(ignored, far) == []


def test_character_outside_the_charset_is_its_own_cause() -> None:
    (miss,) = diagnose(page((LINE, "h鬱l")), read((LINE, "hxl")), ["hxl"])
    assert miss.lost == {errors.CHARSET: 1}
    assert miss.confusions == ()
    # A full-width letter is folded into one that has a class.
    (folded,) = diagnose(page((LINE, "ｈello")), read((LINE, "xello")), ["xello"])
    assert folded.lost == {errors.CHARACTERS: 1}


def test_leader_dots_are_a_cause_of_their_own() -> None:
    truth, seen = page((LINE, "hello.......7")), read((LINE, "hel1o...7"))
    (miss,) = diagnose(truth, seen, ["hel1o...7"])
    assert miss.lost == {errors.LEADERS: 4, errors.CHARACTERS: 1}
    assert miss.confusions == (("l", "1"),)


def test_what_the_figures_leave_out_is_counted_beside_them() -> None:
    truth, seen = page((LINE, "Hello, world!")), read((LINE, "hello,world！"))
    (miss,) = diagnose(truth, seen)
    assert miss.lost == {errors.CASE: 1, errors.SPACE: 1, errors.WIDTH: 1}
    assert count_page(truth, seen).exact == 1
    # Spaces between Chinese characters say nothing.
    assert diagnose(page((LINE, "你 好")), read((LINE, "你好"))) == []


def test_without_quads_lines_are_matched_by_what_they_say() -> None:
    truth = page((None, "hello world"), (None, "second line"), (None, "lost one"), (None, "tiny"))
    seen = read((LINE, "hel1o world"), ((10, 60, 200, 30), "second line tiny"))
    misses = diagnose(truth, seen)
    causes = Counter(miss.cause for miss in misses)
    assert causes == {
        errors.CHARACTERS: 1,
        errors.MERGED: 1,
        "line not found (other)": 1,
    }
    (merged,) = (miss for miss in misses if miss.cause == errors.MERGED)
    assert [line.text for line in merged.group.truth] == ["second line", "tiny"]
    assert merged.lost == {errors.MERGED: 0}


def test_partial_truth_is_found_inside_a_longer_line() -> None:
    truth = page((None, "hello"), partial=True)
    assert diagnose(truth, read((LINE, "so hello world"))) == []
    assert len(groups(truth, read((LINE, "zzz"), (LINE, "hello")))) == 1


def test_a_cropped_word_is_one_group_whatever_was_read() -> None:
    truth = page((None, "It's"), cropped=True, alnum=True)
    assert diagnose(truth, read((None, "IT"), (None, "S!"))) == []
    (miss,) = diagnose(truth, [])
    assert sum(miss.lost.values()) == 3


@pytest.mark.parametrize("seed", range(10))
def test_lost_characters_are_the_edits_of_their_lines(seed: int) -> None:
    """Where lines correspond one to one, causes share out exactly the line's edits."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abcdxyz鬱"), 6)) for _ in range(12)]
    places = [(10, 10 + 30 * i, 150, 24) for i in range(6)]
    truth = page(*zip(places, words[:6], strict=True))
    seen = read(*zip(places, words[6:], strict=True))
    own = ["".join(rng.choice(list("abcdxyz"), 6)) for _ in range(6)]
    misses = diagnose(truth, seen, own)
    edits = sum(edit_distance(a, b) for a, b in zip(words[:6], words[6:], strict=True))
    assert sum(sum(miss.lost.values()) for miss in misses) == edits


def test_contrast_and_expanded_quad_are_measured() -> None:
    assert contrast(paper(), quad(*LINE)) > 200
    assert contrast(paper(220), quad(*LINE)) < 60
    np.testing.assert_allclose(expanded(quad(10, 10, 100, 20), 0.1), quad(8, 8, 104, 24), atol=1e-4)


def test_marked_text_shows_substitutions_and_insertions() -> None:
    pairs = compare("a<bc", "a<xcd")
    assert marked(pairs, lambda pair: pair.true) == 'a&lt;<span class="sub">b</span>c'
    assert '<span class="ins">d</span>' in marked(pairs, lambda pair: pair.read)


class FakeRecognizer:
    charset = CHARSET

    def __call__(self, crops: Sequence[Image]) -> list[Reading]:
        return [Reading("hello", 1.0, (), ()) for _ in crops]


def collect(folder: Path, source: str, picture: Path, count: int) -> ErrorPages:
    book = ErrorPages(folder, cast(Recognizer, FakeRecognizer()))
    truth = LabelledPage(picture, source, lines=(Line(quad(*LINE), "<hello>"),))
    for _ in range(count):
        book.add(truth, read((LINE, "he<b>")))
    return book


def test_pages_hold_every_miss_and_only_links_that_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.evaluate.error_report.PER_PAGE", 2)
    picture = tmp_path / "page.png"
    cv2.imwrite(str(picture), paper())
    book = collect(tmp_path / "out", "a/../source <1>", picture, 3)
    index = book.write()
    assert index == tmp_path / "out" / "index.html"
    pages = sorted((tmp_path / "out").glob("*.html"))
    assert len(pages) == 3
    html = "".join(path.read_text("utf-8") for path in pages)
    assert html.count('class="miss"') == 3
    assert "<b>" not in html
    links = set(re.findall(r'(?:href|src)="([^"]+)"', html))
    assert len(links) == 1 + 2 + 3
    for link in links:
        target = (tmp_path / "out" / link).resolve()
        assert target.is_file()
        assert (tmp_path / "out") in target.parents
    sums = book.sums()["a/../source <1>"]
    assert sums == {errors.BOX: 6, errors.CHARSET: 6}  # 4 edits each, 2 of them < and >
    assert "6 · 28.6% · 3" in index.read_text("utf-8")


def test_pages_of_nothing_and_of_a_picture_that_is_gone(tmp_path: Path) -> None:
    book = ErrorPages(tmp_path, cast(Recognizer, FakeRecognizer()))
    assert book.write().is_file()
    book.add(LabelledPage(tmp_path / "none.png", "gone"), [])
    assert book.sums() == {}
