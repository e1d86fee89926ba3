"""Several pictures of one line, of the same letters on the same ground, by cameras that stand and spoil otherwise.

Of most lines each picture hides or blurs some of the characters; each of these is plain in another picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from train.data.samples import LineSample
from train.synth.line import lettering, shares
from train.synth.line.crop import Crop
from train.synth.line.degrade import legible, scene_damage
from train.synth.line.ink import paint, write
from train.synth.line.perspective import View
from train.synth.line.render import LineRenderer, finest_height, has_han, with_room
from train.synth.line.surroundings import neighbours

Rng = np.random.Generator

_HIDING = 0.75
"""Share of the lines whose pictures hide characters."""

_PAINTED_FROM = 24
"""Height in pixels from which letters are painted like those of shops."""


def _nothing() -> NDArray[np.bool_]:
    return np.zeros(0, bool)


@dataclass(frozen=True)
class ViewSample(LineSample):
    """A picture of a line, and which of its characters (n,) cannot be read in this one."""

    hidden: NDArray[np.bool_] = field(default_factory=_nothing)


def line_views(
    renderer: LineRenderer, seed: int, index: int, max_width: int, count: int
) -> list[ViewSample]:
    """Return so many pictures of line `index` of `seed`, as wide as `LineRenderer.line` makes them.

    Raises:
        RuntimeError: none could be drawn.
    """
    rng = np.random.default_rng([seed, index, max_width, count])
    for _ in range(20):
        try:
            return _views(renderer, rng, max_width, count)
        except (ValueError, LookupError):
            continue
    raise RuntimeError(f"no views could be drawn for seed {seed}, index {index}; check the corpus")


def _views(renderer: LineRenderer, rng: Rng, max_width: int, count: int) -> list[ViewSample]:
    wide = max_width > shares.SCENE_WIDTH or rng.random() < 0.4
    how = lettering.printed if wide else lettering.sign
    drawn = how(rng, renderer.fonts, renderer.corpus, max_width)
    height = drawn.mask.shape[0]
    views = [View.draw(rng, *drawn.mask.shape) for _ in range(count)]
    pad = max(v.pad[0] for v in views), max(v.pad[1] for v in views)
    alpha = with_room(drawn.mask, pad)
    neighbours(rng, alpha, drawn.mask, pad, near=0.35, ruled=0.05)
    canvas = renderer.grounds.draw(rng, *alpha.shape, board=not wide)
    painted = height >= _PAINTED_FROM and shares.happens(rng, "painted_scene")
    ink = alpha / 255.0
    canvas = paint(rng, canvas, ink, height) if painted else write(rng, canvas, ink)
    hidden = hidden_characters(rng, len(drawn.text), count)
    if rng.random() >= _HIDING:
        hidden[:] = False
    return [
        _spoiled(rng, view.padded(pad).cut(canvas, drawn), which, view.shrink)
        for view, which in zip(views, hidden, strict=True)
    ]


def _spoiled(rng: Rng, crop: Crop, hidden: NDArray[np.bool_], shrink: float) -> ViewSample:
    """Damage a picture as a camera does, then hide some of its characters."""
    clean = np.clip(crop.image, 0, 255).astype(np.uint8)
    image = scene_damage(rng, crop.image, finest=finest_height(crop.text, 1.0) * shrink)
    if not legible(crop.image, image, han=has_han(crop.text)):
        image = clean
        if not legible(crop.image, image, han=has_han(crop.text)):
            raise ValueError(f"{crop.text!r} does not stand out from its ground")
    image = hide(rng, image, crop.centers, crop.widths, hidden)
    return ViewSample(
        np.repeat(image[:, :, None], 3, axis=2), crop.text, crop.centers, crop.widths, hidden=hidden
    )


def hidden_characters(rng: Rng, characters: int, views: int) -> NDArray[np.bool_]:
    """Draw which of so many characters are hidden in which of so many pictures, (views, characters).

    A run of them in each; every one is plain in at least one picture.
    """
    hidden = np.zeros((views, characters), bool)
    for row in hidden:
        length = round(characters * float(rng.uniform(0.15, 0.7)))
        first = int(rng.integers(0, characters - length + 1))
        row[first : first + length] = True
    # Neighbours are mostly plain in the same picture.
    parts = np.sort(rng.integers(0, characters + 1, views - 1))
    keepers = rng.permutation(views)[np.searchsorted(parts, np.arange(characters), side="right")]
    hidden[keepers, np.arange(characters)] = False
    return hidden


def hide(
    rng: Rng,
    image: NDArray[np.uint8],
    centers: NDArray[np.float32],
    widths: NDArray[np.float32],
    hidden: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Return a picture (H, W) in which some characters are blurred, dazzled or behind something."""
    if not hidden.any():
        return image
    height, width = image.shape
    kind = rng.random()
    if kind < 0.6:
        sigma = height * float(rng.uniform(0.22, 0.4))
        other = cv2.GaussianBlur(image, (0, 0), sigma)
    else:
        level = 255.0 if kind < 0.75 else float(rng.uniform(0, 255))
        other = np.full_like(image, level)
    columns = np.arange(width) + 0.5
    near = np.abs(columns[:, None] - centers[None, hidden]) <= 0.55 * widths[None, hidden] + 0.5
    # What is plain stays so, where letters lean over each other.
    clear = np.abs(columns[:, None] - centers[None, ~hidden]) <= 0.45 * widths[None, ~hidden]
    covered = near.any(1) & ~clear.any(1)
    return np.where(covered[None], other, image).astype(np.uint8)
