"""Whole pages: from a seed and a number to a picture, laid out, printed, damaged, and its lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator

from common.arrays import Image, Quads
from train import effects as fx
from train.data.crops import PlacedLine
from train.data.samples import PageSample
from train.effects import Effect
from train.synth import (
    damage,
    layout_columns,
    layout_document,
    layout_form,
    layout_front,
    layout_game,
    layout_goods,
    layout_poster,
    layout_receipt,
    layout_screen,
    layout_shops,
    layout_sparse,
    layout_street,
    layout_table,
)
from train.synth.backgrounds import Backgrounds
from train.synth.canvas import Canvas
from train.synth.corpus import Corpus
from train.synth.fonts import FontLibrary
from train.synth.studio import Studio, pick_language

Layout = Callable[[Studio, Generator, str], Canvas]

ATTEMPTS = 8
"""A text that leaves no ink in a face spoils a page; the next one is drawn instead."""

CUT_LIMIT = 1.5
"""Pixels by which a line may reach over the edge of the picture and still count as whole."""

MIN_HEIGHT = 7.0
"""Lines lower than this, in pixels, count neither way."""


@dataclass(frozen=True)
class Kind:
    """One kind of page.

    Args:
        share: how often, relative to the others.
        layouts: equally likely; one named twice is twice as likely.
        zh: share of Chinese pages; `en` that of English ones; the rest is mixed.
        damages: names of `damage` recipes, equally likely.
    """

    share: float
    layouts: Sequence[Layout]
    zh: float
    en: float
    damages: Sequence[str]


KINDS: Mapping[str, Kind] = {
    "document": Kind(
        0.162,
        (layout_document.document,),
        0.68,
        0.17,
        (
            "saved",
            "saved",
            "saved",
            "scanned",
            "scanned",
            "scanned",
            "photographed",
            "photographed",
        ),
    ),
    "scan": Kind(
        0.102,
        (layout_document.document, layout_document.document, layout_form.letter),
        0.15,
        0.8,
        ("scanned", "scanned", "scanned", "photographed"),
    ),
    "form": Kind(
        0.056, (layout_form.form,), 0.4, 0.5, ("scanned", "scanned", "photographed", "saved")
    ),
    "receipt": Kind(
        0.074, (layout_receipt.receipt,), 0.38, 0.52, ("scanned", "scanned", "photographed")
    ),
    "table": Kind(
        0.051, (layout_table.table_page,), 0.6, 0.25, ("saved", "scanned", "photographed")
    ),
    "screen": Kind(
        0.093, (layout_screen.screen,), 0.66, 0.2, ("saved",) * 5 + ("photographed_screen",)
    ),
    "game": Kind(
        0.061, (layout_game.panel, layout_game.panel, layout_game.subtitles), 0.8, 0.1, ("saved",)
    ),
    "poster": Kind(
        0.115,
        (layout_poster.poster, layout_goods.goods),
        0.75,
        0.12,
        ("saved", "saved", "posed"),
    ),
    "street": Kind(
        0.222,
        (
            layout_street.street,
            layout_shops.shops,
            layout_shops.shops,
            layout_front.front,
            layout_front.front,
        ),
        0.40,
        0.48,
        ("camera", "camera", "camera", "posed"),
    ),
    "columns": Kind(
        0.05,
        (
            layout_columns.columns,
            layout_columns.columns,
            layout_columns.book,
            layout_columns.couplet,
            layout_columns.newspaper,
        ),
        0.9,
        0.04,
        ("saved", "scanned", "posed", "photographed"),
    ),
    "sparse": Kind(0.014, (layout_sparse.sparse,), 0.55, 0.3, ("saved", "scanned", "posed")),
}


class PageRenderer:
    """Renders labelled pages.

    Args:
        fonts: faces to draw with.
        corpus: what to write.
        backgrounds: what to write on.
        shares: how often each kind comes, by name, others never; None takes those of `KINDS`.

    Raises:
        ValueError: `shares` names an unknown kind, or sums to nothing.
    """

    def __init__(
        self,
        fonts: FontLibrary,
        corpus: Corpus,
        backgrounds: Backgrounds,
        shares: Mapping[str, float] | None = None,
    ) -> None:
        shares = {name: kind.share for name, kind in KINDS.items()} if shares is None else shares
        unknown = sorted(set(shares) - set(KINDS))
        if unknown or sum(shares.values()) <= 0:
            raise ValueError(
                f"shares names {unknown or 'nothing'}, expected some of {', '.join(KINDS)}"
            )
        self._studio = Studio(fonts, corpus, backgrounds)
        self._names = [name for name in KINDS if shares.get(name, 0) > 0]
        weights = np.array([shares[name] for name in self._names], float)
        self._weights = weights / weights.sum()
        grounds = backgrounds
        self._damages: dict[str, list[Effect]] = {
            "saved": damage.saved(),
            "scanned": damage.scanned(),
            "photographed": damage.photographed(grounds),
            "photographed_screen": damage.photographed_screen(),
            "posed": damage.posed(grounds),
            "camera": damage.camera(),
        }

    def page(self, seed: int, index: int, *, kind: str | None = None) -> PageSample:
        """Return page `index` of `seed`, the same bytes in any process, of one kind or of any."""
        rng = np.random.default_rng([seed, index])
        name = str(rng.choice(self._names, p=self._weights)) if kind is None else kind
        if name not in KINDS:
            raise ValueError(f"kind is {kind!r}, expected one of {', '.join(KINDS)}")
        for _ in range(ATTEMPTS):
            try:
                canvas = self.clean(rng, name)
            except (ValueError, LookupError):
                continue
            return self.damaged(rng, name, canvas)
        raise RuntimeError(
            f"no {name} page could be drawn for seed {seed}, index {index}; check corpus and fonts"
        )

    def clean(self, rng: Generator, name: str) -> Canvas:
        """Lay out and print a page of a kind, without damage."""
        kind = KINDS[name]
        lang = pick_language(rng, kind.zh, kind.en)
        layout = kind.layouts[int(rng.integers(len(kind.layouts)))]
        return layout(self._studio, rng, lang)

    def damaged(self, rng: Generator, name: str, canvas: Canvas) -> PageSample:
        """Damage a page as its kind is damaged in life."""
        recipes = KINDS[name].damages
        effects = self._damages[recipes[int(rng.integers(len(recipes)))]]
        quads = np.array([line.quad for line in canvas.lines], np.float32).reshape(-1, 4, 2)
        image, quads = fx.apply(effects, canvas.image, quads, rng)
        return PageSample(np.ascontiguousarray(image), tuple(settled(canvas.lines, quads, image)))


def settled(lines: Sequence[PlacedLine], quads: Quads, image: Image) -> list[PlacedLine]:
    """Give lines their final quads, inside the picture; cut or tiny ones are ignored."""
    height, width = image.shape[:2]
    size = np.array([width, height], np.float32)
    result = []
    for line, quad in zip(lines, quads, strict=True):
        inside = np.clip(quad, 0, size)
        over = float(np.abs(inside - quad).max())
        short = float(np.linalg.norm(inside - np.roll(inside, -1, axis=0), axis=1).min())
        if cv2.contourArea(inside) < 4 or short < 1:
            continue
        ignore = line.ignore or over > CUT_LIMIT or short < MIN_HEIGHT and len(line.text) > 1
        result.append(replace(line, quad=inside.astype(np.float32), ignore=bool(ignore)))
    return result
