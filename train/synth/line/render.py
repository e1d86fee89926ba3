"""Render line images directly, for speed: text, ground, a detector's crop, damage. Everything in grey.

Sample i of seed s is always the same bytes, in any process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.characters import is_wide
from recognition.preprocess import UPSCALE_BELOW_HEIGHT
from train.data.samples import LineSample
from train.synth.corpus.sentences import Corpus
from train.synth.fonts.stroke_data import read_strokes
from train.synth.line import display, lettering, shares
from train.synth.line.crop import Crop, cut, cut_short
from train.synth.line.curve import curved
from train.synth.line.degrade import (
    compress,
    damage,
    far_damage,
    far_pixels,
    lasting_damage,
    legible,
    scan_damage,
    scene_damage,
)
from train.synth.line.framed import framed_value
from train.synth.line.grounds import Grounds, plain, scanned, sheet
from train.synth.line.handwriting import Handwriting, written
from train.synth.line.ink import paint, print_black, write
from train.synth.line.perspective import View
from train.synth.line.sizes import sized_line
from train.synth.line.surroundings import (
    glare,
    highlighted,
    lines_of_paper,
    marks,
    neighbours,
    sealed,
)
from train.synth.line.texts import line_text
from train.synth.typesetting.draw_line import TextMask
from train.synth.typesetting.fonts import FontLibrary

Grey = NDArray[np.float32]
Rng = np.random.Generator

Damage = Callable[..., NDArray[np.uint8]]

_PAINTED_FROM = 24
"""Height in pixels of print that is painted like the lettering of shops."""


class LineRenderer:
    """Renders labelled lines.

    Args:
        fonts: faces to draw with.
        corpus: what to write.
        photographs: a folder of JPEG or PNG files to write on, or None for grounds made by rule.

    Lines by hand are left out where `python -m train.synth.fonts fetch` did not fetch the strokes.
    """

    def __init__(self, fonts: FontLibrary, corpus: Corpus, photographs: Path | None = None) -> None:
        self.fonts = fonts
        self.corpus = corpus
        self.grounds = Grounds(photographs)
        self._strokes = read_strokes()
        self._makers = {
            "document": self._document,
            "screen": self._screen,
            "scene": self._scene,
            "sizes": self._sizes,
            "curved": self._curved,
            "far": self._far,
            "display": self._display,
            "framed": self._framed,
            "column": self._column,
            "hand": self._hand,
        }

    def line(self, seed: int, index: int, max_width: int) -> LineSample:
        """Return sample `index` of `seed`: about `HEIGHT` or more pixels high, text for up to `max_width` columns.

        `max_width` counts columns at the recognizer's input height; a line may come out a little
        wider.
        """
        kinds = shares.NARROW_KINDS if max_width <= shares.SCENE_WIDTH else shares.WIDE_KINDS
        rng = np.random.default_rng([seed, index, max_width])
        for _ in range(20):
            try:
                return self._makers[shares.draw(rng, kinds)](rng, max_width)
            except (ValueError, LookupError):
                continue
        raise RuntimeError(
            f"no line could be drawn for seed {seed}, index {index}; check corpus and fonts"
        )

    def of_kind(self, kind: str, seed: int, index: int, max_width: int) -> LineSample:
        """Return a sample of one kind of `shares.NARROW_KINDS`, to be looked at.

        Raises:
            RuntimeError: none could be drawn.
        """
        rng = np.random.default_rng([seed, index, max_width])
        for _ in range(50):
            try:
                return self._makers[kind](rng, max_width)
            except (ValueError, LookupError):
                continue
        raise RuntimeError(f"no {kind} line could be drawn for seed {seed}, index {index}")

    def _document(self, rng: Rng, max_width: int) -> LineSample:
        """A line of print: as scanners and PDF files show it, or as phones do."""
        drawn = lettering.printed(rng, self.fonts, self.corpus, max_width)
        if shares.happens(rng, "scanned"):
            return self._flat(
                rng, drawn, letters=0, ground=scanned, ink=print_black, how=scan_damage
            )
        if shares.happens(rng, "photographed"):
            pixels = far_pixels(rng, han=has_han(drawn.text))
            return self._flat(rng, drawn, letters=0, ground=sheet, ink=print_black, pixels=pixels)
        return self._flat(rng, drawn)

    def _column(self, rng: Rng, max_width: int) -> LineSample:
        """A column, turned on its side as `common.quads.crop` turns it."""
        drawn = lettering.column(rng, self.fonts, self.corpus, max_width)
        return self._flat(rng, drawn, np.rot90(drawn.mask))

    def _sizes(self, rng: Rng, max_width: int) -> LineSample:
        """A price, or words of several sizes: on paper or on a wall."""
        drawn, strength = sized_line(rng, self.fonts, self.corpus, max_width)
        letters = drawn.mask.shape[0] // 2  # the small ones bear thin edges
        if max_width > shares.SCENE_WIDTH or rng.random() < 0.55:
            return self._flat(rng, drawn, strength=strength, letters=letters)
        return self._seen(rng, drawn, strength=strength, letters=letters)

    def _hand(self, rng: Rng, max_width: int) -> LineSample:
        """A line that somebody wrote, mostly on paper."""
        if self._strokes is None:
            raise LookupError("no strokes of characters were fetched")
        text = line_text(rng, self.corpus, round(max_width * 0.9))
        squares = shares.happens(rng, "squared_paper")
        drawn = written(rng, self._strokes, text, Handwriting.draw(rng, squared=squares))
        if rng.random() < 0.1:
            return self._seen(rng, drawn)
        lined = squares or shares.happens(rng, "ruled_paper")
        lines = partial(lines_of_paper, drawn=drawn, squares=squares) if lined else None
        ground = sheet if rng.random() < 0.8 else None
        return self._flat(rng, drawn, letters=0, paper=lines, ground=ground)

    def _framed(self, rng: Rng, max_width: int) -> LineSample:
        """A value in a frame: on paper or on a plate."""
        drawn = framed_value(rng, self.fonts)
        return self._flat(rng, drawn) if rng.random() < 0.5 else self._seen(rng, drawn, turned=0.3)

    def _scene(self, rng: Rng, max_width: int) -> LineSample:
        """A word or two as cameras catch them in the street."""
        return self._seen(rng, lettering.sign(rng, self.fonts, self.corpus, max_width))

    def _curved(self, rng: Rng, max_width: int) -> LineSample:
        """A word along an arc or a wave."""
        drawn = lettering.sign(rng, self.fonts, self.corpus, max_width)
        return self._seen(rng, curved(rng, drawn), turned=0.4, letters=drawn.mask.shape[0])

    def _far(self, rng: Rng, max_width: int) -> LineSample:
        """A sign far away, or print in the corner of a photograph."""
        wide = max_width > shares.SCENE_WIDTH
        how = lettering.printed if wide or rng.random() < 0.3 else lettering.sign
        drawn = how(rng, self.fonts, self.corpus, max_width)
        return self._seen(rng, drawn, turned=0.5, pixels=far_pixels(rng, han=has_han(drawn.text)))

    def _display(self, rng: Rng, max_width: int) -> LineSample:
        """Seven segments, a board of lamps, or print made of dots."""
        draw = rng.random()
        if draw < 0.7 and max_width <= shares.SCENE_WIDTH:
            drawn, unlit = display.seven_segments(rng, display.display_text(rng))
        else:
            text = display.matrix_text(rng, self.corpus, max_width)
            drawn, unlit = display.dot_matrix(rng, self.fonts, text)
            if draw > 0.85:  # by a printer
                return self._flat(rng, drawn, letters=0)
        aside = rng.random() < 0.5
        view = View.draw(rng, *drawn.mask.shape, turned=0.4)
        pad = view.pad if aside else _room(drawn.mask)
        lit, off = (with_room(each, pad) / 255.0 for each in (drawn.mask, unlit))
        canvas, finest = display.shine(rng, lit, off), finest_height(drawn.text)
        if aside:
            crop = view.cut(canvas, drawn)
            return self._finished(rng, crop, scene_damage, finest=finest * view.shrink)
        box = (pad[1], pad[0], *drawn.mask.shape[::-1])
        crop = cut(rng, canvas, drawn, box, askew=1.0, fine=0.0)
        # A point between digits is gone with the first blur.
        how = scan_damage if shares.happens(rng, "clear_display") else damage
        return self._finished(rng, crop, how, finest=finest)

    def _screen(self, rng: Rng, max_width: int) -> LineSample:
        """Small text of menus and games: hardly damaged, smaller than a lens leaves legible."""
        drawn = lettering.on_screen(rng, self.fonts, self.corpus, max_width)
        height, width = drawn.mask.shape
        pad = _room(drawn.mask)
        alpha = with_room(drawn.mask, pad)
        neighbours(rng, alpha, drawn.mask, pad, ruled=0.16)
        even = rng.random() < 0.7
        canvas = plain(rng, *alpha.shape) if even else self.grounds.draw(rng, *alpha.shape)
        canvas = write(rng, canvas, alpha / 255.0)
        # Saved before anyone cuts lines out of it.
        canvas = compress(rng, canvas).astype(np.float32)
        box, askew = (pad[1], pad[0], width, height), 0.2 if even else 1.0
        crop = cut(rng, canvas, drawn, box, askew=askew, fine=UPSCALE_BELOW_HEIGHT)
        if shares.happens(rng, "cut_short"):
            crop = cut_short(rng, crop)
        return _sample(crop, np.clip(crop.image, 0, 255).astype(np.uint8))

    def _flat(
        self,
        rng: Rng,
        drawn: TextMask,
        mask: NDArray[np.uint8] | None = None,
        strength: Grey | None = None,
        letters: int | None = None,
        paper: Callable[..., None] | None = None,
        ground: Callable[[Rng, int, int], Grey] | None = None,
        ink: Callable[[Rng, Grey, Grey], Grey] = write,
        how: Damage = damage,
        pixels: float | None = None,
    ) -> LineSample:
        """Put a line on a ground, cut it out as a detector would, damage it as scanners and phones do.

        `letters` is the height of letters that are smaller than the line; low ones are not painted. `paper` prints
        what stood on the ground before; `ground` makes that, in place of photographs, paper and walls. With `pixels`
        the line is that high, as on a page that a phone takes whole.
        """
        mask = drawn.mask if mask is None else mask
        height, width = mask.shape
        pad = _room(mask)
        alpha = with_room(mask, pad)
        neighbours(rng, alpha, mask, pad, ruled=0.08)
        marks(rng, alpha, (height, width), pad)
        if paper:
            paper(rng, alpha, pad=pad)
        canvas = (ground or self.grounds.draw)(rng, *alpha.shape)
        if shares.happens(rng, "highlighted"):
            canvas = highlighted(rng, canvas, (height, width), pad)
        alpha = _strengthened(alpha, strength, pad[1])
        high = height if letters is None else letters
        painted = high >= _PAINTED_FROM and shares.happens(rng, "painted")
        canvas = paint(rng, canvas, alpha, high) if painted else ink(rng, canvas, alpha)
        if shares.happens(rng, "sealed"):
            canvas = sealed(rng, canvas, (height, width), pad)
        crop = cut(rng, canvas, drawn, (pad[1], pad[0], width, height), askew=1.0, fine=0.0)
        if pixels is not None:
            return self._from_afar(rng, crop, pixels)
        return self._finished(rng, crop, how, finest=finest_height(drawn.text))

    def _seen(
        self,
        rng: Rng,
        drawn: TextMask,
        *,
        turned: float = 1.0,
        strength: Grey | None = None,
        pixels: float | None = None,
        letters: int | None = None,
    ) -> LineSample:
        """Put a line on a wall or board and look at it from aside, or, `pixels` high, from afar.

        `letters` is the height of letters that are smaller than the line, as along an arc.
        """
        height = letters or drawn.mask.shape[0]
        view = View.draw(rng, *drawn.mask.shape, turned=turned)
        pad = view.pad
        alpha = with_room(drawn.mask, pad)
        neighbours(rng, alpha, drawn.mask, pad, near=0.35, ruled=0.05)
        canvas = self.grounds.draw(rng, *alpha.shape, board=True)
        alpha = _strengthened(alpha, strength, pad[1])
        painted = height >= _PAINTED_FROM and shares.happens(rng, "painted_scene")
        canvas = paint(rng, canvas, alpha, height) if painted else write(rng, canvas, alpha)
        crop = view.cut(canvas, drawn)
        if pixels is not None:
            return self._from_afar(rng, crop, pixels * view.shrink)
        finest = finest_height(drawn.text, 1.0) * view.shrink * drawn.mask.shape[0] / height
        return self._finished(rng, crop, scene_damage, finest=finest)

    def _finished(self, rng: Rng, crop: Crop, how: Damage, *, finest: float) -> LineSample:
        """Shorten, dazzle and damage a crop."""
        if shares.happens(rng, "cut_short"):
            crop = cut_short(rng, crop)
        if shares.happens(rng, "glare"):
            crop = replace(crop, image=glare(rng, crop.image))
        image, han = lasting_damage(rng, how(rng, crop.image, finest=finest)), has_han(crop.text)
        if not legible(crop.image, image, han=han):
            image = np.clip(crop.image, 0, 255).astype(np.uint8)
            if not legible(crop.image, image, han=han):
                raise ValueError(f"{crop.text!r} does not stand out from its ground")
        return _sample(crop, image)

    def _from_afar(self, rng: Rng, crop: Crop, pixels: float) -> LineSample:
        """Damage a crop as one that is `pixels` high; what nobody could read is taken from nearer."""
        for _ in range(4):
            small = far_damage(rng, crop.image, pixels=pixels)
            if legible(crop.image, small, han=has_han(crop.text)):
                return _sample(crop.widened(small.shape[1] / crop.image.shape[1]), small)
            pixels *= 1.2
        raise ValueError(f"{crop.text!r} is too far away")


def with_room(mask: NDArray[np.generic], pad: tuple[int, int]) -> Grey:
    """Return a mask with room about it: `pad` rows above and below, columns left and right."""
    (height, width), (above, left) = mask.shape, pad
    out = np.zeros((height + 2 * above, width + 2 * left), np.float32)
    out[above : above + height, left : left + width] = mask
    return out


def _room(mask: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the rows and columns about a line that a detector's crop of it may show."""
    room = int(0.8 * mask.shape[0]) + 2
    return room, room


def _strengthened(alpha: Grey, strength: Grey | None, pad: int) -> Grey:
    """Return ink from 0 to 1, weakened in the columns of a line that `strength` says."""
    alpha = alpha / 255.0
    return alpha if strength is None else alpha * np.pad(strength, pad, mode="edge")


def finest_height(text: str, more: float = 0.0) -> float:
    """Return the height in pixels to which a line may be scaled down: Han characters have more strokes."""
    return 13.0 + more if has_han(text) else 9.0


def has_han(text: str) -> bool:
    return any(map(is_wide, text))


def _sample(crop: Crop, image: NDArray[np.uint8]) -> LineSample:
    return LineSample(np.repeat(image[:, :, None], 3, axis=2), crop.text, crop.centers, crop.widths)
