"""Render whole pages: from a seed and a number to a picture, laid out, printed, degraded, and its lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator

from common.arrays import Image, Quads
from train.data.samples import PageSample, PlacedLine
from train.synth import degradation
from train.synth.backgrounds import Backgrounds
from train.synth.corpus.sentences import Corpus
from train.synth.drawing.canvas import Canvas
from train.synth.drawing.resources import Resources, pick_language
from train.synth.effects import photometric as fx
from train.synth.effects.photometric import Effect
from train.synth.layouts import (
    columns,
    document,
    form,
    game,
    poster,
    product_ad,
    receipt,
    screen,
    shop_front,
    shopping_street,
    sparse,
    street,
    table,
)
from train.synth.typesetting.fonts import FontLibrary

Layout = Callable[[Resources, Generator, str], Canvas]

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
        (document.document,),
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
        (document.document, document.document, form.letter),
        0.15,
        0.8,
        ("scanned", "scanned", "scanned", "photographed"),
    ),
    "form": Kind(0.056, (form.form,), 0.4, 0.5, ("scanned", "scanned", "photographed", "saved")),
    "receipt": Kind(0.074, (receipt.receipt,), 0.38, 0.52, ("scanned", "scanned", "photographed")),
    "table": Kind(0.051, (table.table_page,), 0.6, 0.25, ("saved", "scanned", "photographed")),
    "screen": Kind(0.093, (screen.screen,), 0.66, 0.2, ("saved",) * 5 + ("photographed_screen",)),
    "game": Kind(0.061, (game.panel, game.panel, game.subtitles), 0.8, 0.1, ("saved",)),
    "poster": Kind(
        0.115,
        (poster.poster, product_ad.goods),
        0.75,
        0.12,
        ("saved", "saved", "photographed object"),
    ),
    "street": Kind(
        0.222,
        (
            street.street,
            shopping_street.shops,
            shopping_street.shops,
            shop_front.front,
            shop_front.front,
        ),
        0.40,
        0.48,
        ("camera", "camera", "camera", "photographed object"),
    ),
    "columns": Kind(
        0.05,
        (
            columns.columns,
            columns.columns,
            columns.book,
            columns.couplet,
            columns.newspaper,
        ),
        0.9,
        0.04,
        ("saved", "scanned", "photographed object", "photographed"),
    ),
    "sparse": Kind(0.014, (sparse.sparse,), 0.55, 0.3, ("saved", "scanned", "photographed object")),
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
        self._resources = Resources(fonts, corpus, backgrounds)
        self._names = [name for name in KINDS if shares.get(name, 0) > 0]
        weights = np.array([shares[name] for name in self._names], float)
        self._weights = weights / weights.sum()
        grounds = backgrounds
        self._damages: dict[str, list[Effect]] = {
            "saved": degradation.saved(),
            "scanned": degradation.scanned(),
            "photographed": degradation.photographed(grounds),
            "photographed_screen": degradation.photographed_screen(),
            "photographed object": degradation.photographed_object(grounds),
            "camera": degradation.camera(),
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
        return layout(self._resources, rng, lang)

    def damaged(self, rng: Generator, name: str, canvas: Canvas) -> PageSample:
        """Damage a page as its kind is damaged in life."""
        recipes = KINDS[name].damages
        effects = self._damages[recipes[int(rng.integers(len(recipes)))]]
        quads = np.array([line.quad for line in canvas.lines], np.float32).reshape(-1, 4, 2)
        image, quads = fx.apply(effects, canvas.image, quads, rng)
        return PageSample(
            np.ascontiguousarray(image), tuple(clip_lines(canvas.lines, quads, image))
        )


def clip_lines(lines: Sequence[PlacedLine], quads: Quads, image: Image) -> list[PlacedLine]:
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
