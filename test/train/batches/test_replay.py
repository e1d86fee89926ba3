"""Mixing labelled lines with rendered ones, and the report of what a fine-tuning brought and cost."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from common.arrays import Image
from recognition.charset import Charset
from train.batches.lines import LineBatches
from train.batches.replay import LabelledLines, Mixture, MixturePart, mixed, parse_parts
from train.data.samples import Line, LineSample, PageSample
from train.data.writers import open_writer
from train.evaluate.finetune_report import (
    ELSEWHERE,
    NEW,
    Change,
    EditCounts,
    compare,
    format_report,
    gather,
    kind_of,
    labelled_lines,
    score,
    write_report,
)
from train.loop.recipes import CrnnRecipe

CHARSET = Charset("abcdefghijklmnopqrstuvwxyz0123456789 国家")
RECIPE = CrnnRecipe(columns=1920, page_share=0.0)
WIDTHS = RECIPE.widths


class Reading(NamedTuple):
    text: str


class Bars:
    """Renders a line as a grey bar, and says "r"."""

    def line(self, seed: int, index: int, width: int) -> LineSample:
        level = np.random.default_rng([seed, index]).integers(40, 90)
        return LineSample(np.full((32, width, 3), level, np.uint8), "r")


def quad(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def striped(width: int, text: str, height: int = 32) -> LineSample:
    """A line of width classes' own making: its left half is black, its right half white."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = 255
    return LineSample(image, text)


def batches(**facts: object) -> LineBatches:
    recipe = CrnnRecipe(**{"columns": 1920, "page_share": 0.0, **facts})  # type: ignore[arg-type]
    return LineBatches(Bars(), CHARSET, recipe, seed=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mine",
        "mine:",
        "mine:x",
        ":1",
        "synth:1",
        "{0}:0",
        "{0}:-1",
        "{0}:nan",
        "{0}:inf",
        "{0}:1,{0}:2",
    ],
)
def test_invalid_parts_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_parts(text.format(tmp_path))


def test_parts_are_parsed_into_shares(tmp_path: Path) -> None:
    other = tmp_path / "a:b"
    other.mkdir()
    parts = parse_parts(f"{tmp_path}:3,synth:1")
    assert parts == (MixturePart(str(tmp_path), 0.75), MixturePart("synth", 0.25))
    assert parse_parts(f"{other}:1") == (MixturePart(str(other), 1.0),)
    with pytest.raises(argparse.ArgumentTypeError, match="does not exist"):
        parse_parts("nowhere/at all:0.7,synth:0.3")


def test_lines_that_cannot_be_trained_on_are_counted() -> None:
    lines = [
        striped(100, "fine"),
        striped(100, "Ａ"),  # folded to a letter that this charset does not have
        striped(100, "囧"),
        striped(20, "much too long for twenty columns"),
    ]
    page = PageSample(
        np.zeros((100, 200, 3), np.uint8),
        (
            Line(quad(0, 0, 90, 20), "ab"),
            Line(quad(0, 30, 90, 50), "ab", True),
            Line(quad(0, 60, 90, 62), "ab"),
        ),
    )
    kept = LabelledLines([*lines, page], CHARSET, WIDTHS)
    assert len(kept) == 2
    assert kept.left_out == {
        "characters outside the charset": 2,
        "more characters than the network has time steps": 1,
    }
    assert len(LabelledLines([], CHARSET, WIDTHS)) == 0


def test_drawn_lines_fit_their_width_class() -> None:
    kept = LabelledLines([striped(w, "ab") for w in (60, 150, 400, 3000)], CHARSET, WIDTHS)
    rng = np.random.default_rng(0)
    assert {kept.width(rng) for _ in range(60)} == {96, 160, 480, 840}
    for width, widest in ((96, 60), (160, 150), (280, 150), (480, 400), (840, 3000)):
        sample = kept.draw(rng, width)
        assert sample is not None
        assert sample.image.ndim == 2
        assert sample.image.shape[1] <= widest * 1.4
    wide = LabelledLines([striped(400, "ab")], CHARSET, WIDTHS)
    assert wide.draw(rng, 280) is None


def test_a_line_is_cut_out_of_its_page_anew_each_time() -> None:
    image = np.full((200, 400, 3), 255, np.uint8)
    image[80:100, 100:300] = 0
    page = PageSample(image, (Line(quad(100, 80, 300, 100), "ab"),), "here:1")
    kept = LabelledLines([page], CHARSET, WIDTHS)
    rng = np.random.default_rng(1)
    drawn = [kept.draw(rng, 280) or kept.draw(rng, 480) for _ in range(20)]
    assert len({sample.image.shape for sample in drawn if sample}) > 3
    for sample in drawn:
        assert sample is not None
        assert (sample.text, sample.place) == ("ab", "here:1")
        middle = sample.image[sample.image.shape[0] // 2, 20:-20]
        assert middle.mean() < sample.image.max()  # the bar is there, some of the page around it


def test_columns_are_turned_as_in_reading() -> None:
    image = np.zeros((300, 40, 3), np.uint8)
    kept = LabelledLines([PageSample(image, (Line(quad(5, 5, 35, 295), "国家"),))], CHARSET, WIDTHS)
    sample = kept.draw(np.random.default_rng(0), 280)
    assert sample is not None
    assert sample.image.shape[1] > 4 * sample.image.shape[0]


@pytest.mark.parametrize("share", [0.2, 0.7, 1.0])
def test_mixture_draws_each_part_by_its_share(share: float) -> None:
    kept = LabelledLines(
        [striped(w, "mine") for w in (60, 90, 140, 260, 450, 800)], CHARSET, WIDTHS
    )
    mixture = Mixture(batches(), [kept], [share])
    counts: Counter[str] = Counter()
    for index in range(60):
        samples, width = mixture.samples(index)
        assert len(samples) == 1920 // width
        counts.update(sample.text for sample in samples)
    assert counts["mine"] / counts.total() == pytest.approx(share, abs=0.08)


def test_missing_width_class_is_filled_with_rendered_lines() -> None:
    kept = LabelledLines([striped(800, "long")], CHARSET, WIDTHS)
    mixture = Mixture(batches(), [kept], [0.5])
    seen: dict[int, Counter[str]] = {width: Counter() for width in WIDTHS}
    for samples, width in map(mixture.samples, range(60)):
        seen[width].update(sample.text for sample in samples)
    assert seen[840]["long"]
    assert all(set(counts) == {"r"} for width, counts in seen.items() if width < 840)


def test_batch_i_is_always_the_same_and_well_formed() -> None:
    kept = LabelledLines([striped(w, "国家 ab") for w in (60, 90, 140)], CHARSET, WIDTHS)
    one, two = (Mixture(batches(), [kept], [0.6]) for _ in range(2))
    for index in (0, 5):
        a, b = one(index), two(index)
        assert a.keys() == batches()(0).keys()
        assert all((a[key] == b[key]).all() for key in a)
        assert np.isfinite(a["lines"]).all()
        assert (a["steps"] * 4 <= a["lines"].shape[3] + 3).all()
    assert any(
        (one(0)["labels"].shape != one(i)["labels"].shape)
        or (one(0)["lines"] != one(i)["lines"]).any()
        for i in (1, 2)
    )


def test_rendered_pages_give_their_lines_to_the_mixture() -> None:
    def page(index: int) -> PageSample:
        image = np.random.default_rng(index).integers(0, 255, (100, 300, 3), np.uint8)
        return PageSample(image, (Line(quad(10, 10, 120, 30), "page"),))

    replay = LineBatches(Bars(), CHARSET, CrnnRecipe(columns=1920, page_share=1.0), 3, page)  # type: ignore[arg-type]
    kept = LabelledLines([striped(90, "mine")], CHARSET, WIDTHS)
    texts = Counter(s.text for i in range(20) for s in Mixture(replay, [kept], [0.5]).samples(i)[0])
    assert texts["page"]
    assert texts["mine"]
    only = Counter(s.text for i in range(5) for s in Mixture(replay, [kept], [1.0]).samples(i)[0])
    assert set(only) == {"mine"}


def test_sets_are_read_in_any_format(tmp_path: Path) -> None:
    with open_writer("paddle", tmp_path / "a") as writer:
        writer.add(striped(100, "mine"))
    texts = {s.text for s in mixed(parse_parts(f"{tmp_path / 'a'}:1"), batches()).samples(0)[0]}
    assert texts == {"mine"}
    with open_writer("paddle", tmp_path / "b") as writer:
        writer.add(striped(100, "囧"))
    with pytest.raises(ValueError, match="no line to train on"):
        mixed((MixturePart(str(tmp_path / "b"), 1.0),), batches())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("国家", "han"),
        ("𠮷", "han"),
        ("国a", "mixed"),
        ("国1", "mixed"),
        ("ab 1", "latin"),
        ("12:30", "digits"),
        ("!?", "signs"),
    ],
)
def test_kind_of_names_the_script_of_a_text(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def said(*texts: str) -> object:
    return lambda crops: [Reading(text) for text, _ in zip(texts, crops, strict=True)]


def lines(*named: tuple[str, str]) -> list[tuple[str, Image, str]]:
    return [(name, np.zeros((8, 8, 3), np.uint8), text) for name, text in named]


def test_report_equals_figures_computed_by_hand() -> None:
    judged = lines((NEW, "abcd"), (NEW, "国 家"), ("x", "abc"), ("y", "aBc"), ("y", " "))
    before = score(said("abxx", "国", "abc", "abc", "z"), judged)  # type: ignore[arg-type]
    after = score(said("abcd", "国家", "abc", "abd", ""), judged)  # type: ignore[arg-type]
    assert before == {
        NEW: EditCounts(2, 6, 3, 0),
        "x": EditCounts(1, 3, 0, 1),
        "y": EditCounts(1, 3, 0, 1),
    }
    changes = compare(before, after)
    assert list(changes) == ["x", "y", ELSEWHERE, NEW]
    assert changes[NEW].gained == 100
    assert changes[NEW].lost == -50
    assert changes[ELSEWHERE] == Change(EditCounts(2, 6, 0, 2), EditCounts(2, 6, 1, 1))
    assert changes[ELSEWHERE].lost == 50
    text = format_report(changes)
    assert "gained on the new data: +100.00 points" in text
    assert "lost elsewhere: +50.00 points, MORE than" in text
    assert "within" in format_report(compare(before, before))


def test_report_without_lines_or_of_one_side_is_defined() -> None:
    assert compare({}, {}) == {}
    assert format_report({}).count("\n") == 0
    only = {NEW: EditCounts(1, 2, 0, 1)}
    assert list(compare(only, only)) == [NEW]
    rest = {"x": EditCounts(1, 2, 0, 1)}
    assert list(compare(rest, rest)) == ["x", ELSEWHERE]
    assert (EditCounts().cer, EditCounts().accuracy) == (0, 0)


def test_report_is_written_whole(tmp_path: Path) -> None:
    changes = compare({"x": EditCounts(4, 9, 1, 3)}, {"x": EditCounts(4, 9, 0, 4)})
    text = write_report(tmp_path, changes)
    assert (tmp_path / "finetune.txt").read_text("utf-8") == text + "\n"
    assert json.loads((tmp_path / "finetune.json").read_bytes())["x"]["after"]["exact"] == 4


def test_gather_collects_rendered_labelled_and_new_lines(tmp_path: Path) -> None:
    for name in ("eval", "new"):
        with open_writer("jsonl", tmp_path / name) as writer:
            writer.add(striped(100, name))
    rendered = gather(Bars(), count=4)  # type: ignore[arg-type]
    assert [name for name, _, _ in rendered] == ["rendered latin"] * 4
    both = gather(None, eval_data=tmp_path / "eval", new_data=tmp_path / "new")
    assert [(name, text) for name, _, text in both] == [("labelled", "eval"), (NEW, "new")]
    assert gather(None, eval_data=tmp_path / "eval", without=["labelled"]) == []
    assert labelled_lines(tmp_path / "new", "b")[0][0] == "b"


def _glyphs(text: str, rng: np.random.Generator) -> Image:
    """A picture in which every character is a column of bits of its own."""
    columns = []
    for char in text:
        bits = np.random.default_rng(ord(char)).integers(0, 2, (4, 2)) * 200.0
        columns.append(np.kron(bits, np.ones((8, 6))))
    image = np.concatenate([np.full((32, 4), 100.0), *columns, np.full((32, 4), 100.0)], 1)
    noisy = image + rng.normal(0, 6, image.shape)
    return np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def _made(rng: np.random.Generator, letters: Sequence[str], count: int) -> list[LineSample]:
    texts = ["".join(rng.choice(list(letters), rng.integers(3, 7))) for _ in range(count)]
    return [LineSample(_glyphs(text, rng), text) for text in texts]


@pytest.mark.torch
@pytest.mark.slow
def test_fine_tuning_learns_the_new_and_replay_keeps_the_old() -> None:
    """A tiny network that reads a-d learns u-x; only with replay it still reads a-d, and the report tells."""
    torch = pytest.importorskip("torch")
    from crnn.model_torch import SmallCRNN, as_recognizer
    from recognition import METHODS
    from train.recognizer_torch import make_loss

    torch.manual_seed(0)
    rng, charset = np.random.default_rng(0), Charset("abcduvwx")
    recipe = CrnnRecipe(
        columns=480, widths=(60,), shares=(1.0,), aligned_until=0, sampled=None, page_share=0
    )
    replay = LineBatches(Bars(), charset, recipe, seed=1)  # type: ignore[arg-type]
    old, new = (LabelledLines(_made(rng, s, 60), charset, (60,)) for s in ("abcd", "uvwx"))
    held_out = [
        (name, sample.image, sample.text)
        for name, letters in (("old", "abcd"), (NEW, "uvwx"))
        for sample in _made(rng, letters, 30)
    ]
    network = SmallCRNN(charset.classes, widths=(8, 12, 16, 24), hidden=12)

    def trained(*parts: tuple[LabelledLines, float]) -> dict[str, EditCounts]:
        mixture = Mixture(replay, [part for part, _ in parts], [share for _, share in parts])
        optimizer, loss, losses = (
            torch.optim.AdamW(network.parameters(), 5e-3),
            make_loss(METHODS["crnn"], recipe),
            [],
        )
        for index in range(60):
            network.train()
            batch = {key: torch.from_numpy(value) for key, value in mixture(index).items()}
            value, _ = loss(network, batch, index / 60)
            optimizer.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            losses.append(float(value.detach()))
        assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])
        return score(as_recognizer(network, charset), held_out)

    before = trained((old, 1.0))
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    alone = compare(before, trained((new, 1.0)))
    network.load_state_dict(weights)
    mixed_in = compare(before, trained((new, 0.6), (old, 0.4)))
    assert before["old"].cer < 20
    for changes in (alone, mixed_in):
        assert changes[NEW].before.cer - changes[NEW].after.cer > 30
    assert alone["old"].after.cer > 60
    assert mixed_in["old"].after.cer < 45
    assert "MORE than" in format_report(alone)
