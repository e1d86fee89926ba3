"""Batches of lines in several views: shapes, views that are not there, no target where a character is hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recognition.charset import Charset
from train.batches import views as module
from train.batches.lines import IGNORE, LineBatches
from train.batches.views import ViewBatches, with_views
from train.data.samples import LineSample
from train.loop.recipes import CrnnRecipe
from train.synth.line.views import ViewSample

CENTERS, WIDTHS = np.array([16, 48, 80], np.float32), np.full(3, 24, np.float32)


def view(*hidden: int, width: int = 96) -> ViewSample:
    image = np.random.default_rng(width).integers(0, 255, (32, width, 3), np.uint8)
    which, scale = np.isin(np.arange(3), hidden), np.float32(width / 96)
    return ViewSample(image, "abc", CENTERS * scale, WIDTHS * scale, hidden=which)


class Renderer:
    def line(self, seed: int, index: int, max_width: int) -> LineSample:
        return view()


@pytest.fixture
def single(monkeypatch: pytest.MonkeyPatch) -> LineBatches:
    def views(renderer: Any, seed: int, index: int, max_width: int, count: int) -> list[ViewSample]:
        return [view(i % 3) for i in range(count)]

    monkeypatch.setattr(module, "line_views", views)
    recipe = replace(CrnnRecipe(), columns=4 * 4 * 96, widths=(96,), shares=(1.0,))
    return LineBatches(Renderer(), Charset("abc"), recipe, seed=1)  # type: ignore[arg-type]


def test_a_batch_has_room_for_all_views(single: LineBatches) -> None:
    batch = ViewBatches(single, 4, share=1.0)(0)
    number, steps = len(batch["lines"]), int(batch["lines"].shape[3]) // 4
    assert batch["lines"].shape[:3] == (number, 4, 32) and number == 4
    assert batch["aligned"].shape == (number, 4 * steps)
    assert batch["labels"].tolist() == [[1, 2, 3]] * number
    there = np.abs(batch["lines"]).max((2, 3)) > 0
    assert there[:, :2].all(), "two views at least"
    assert set(there.sum(1)) <= {2, 3, 4} and len(set(there.sum(1))) > 1


def test_characters_are_targets_where_they_are_plain(single: LineBatches) -> None:
    batch = ViewBatches(single, 3).collate([[view(0), view(1, 2)], [view(), view()]], 112)
    aligned = batch["aligned"].reshape(2, 3, -1)
    told = [[sorted(set(row[row > 0].tolist())) for row in line] for line in aligned]
    assert told == [[[2, 3], [1], []], [[1, 2, 3], [1, 2, 3], []]]
    assert (aligned[:, 2] == IGNORE).all(), "where there is no view, nothing is known"


def test_views_of_a_line_get_the_width_of_the_widest(single: LineBatches) -> None:
    batch = ViewBatches(single, 2).collate([[view(width=64), view(width=128)]], 144)
    assert batch["steps"].tolist() == [32]
    middles = [np.flatnonzero(row == 2)[0] for row in batch["aligned"].reshape(2, -1)]
    assert middles[0] == middles[1]


def test_some_batches_are_of_single_lines(single: LineBatches) -> None:
    shapes = [ViewBatches(single, 4, share=0.5)(i)["lines"].shape[1] for i in range(30)]
    assert set(shapes) == {1, 4} and 5 < shapes.count(1) < 25
    assert with_views(single, 1) is single
