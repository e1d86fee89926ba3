"""Combine effects into the degradation of scans, photographs of paper, screens and signs, and saved files."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.random import Generator

from common.arrays import Image, Quads
from train.synth import backgrounds
from train.synth.backgrounds import Backgrounds
from train.synth.effects import geometric as geometry
from train.synth.effects import paper as ink
from train.synth.effects import photometric as fx
from train.synth.effects.photometric import Effect, one_of, sometimes

BLURS = one_of(fx.gaussian_blur, fx.gaussian_blur, fx.defocus, fx.motion_blur)


def saved() -> list[Effect]:
    """A picture that never met a lens: resized and compressed at the most."""
    return [
        sometimes(0.25, resized),
        sometimes(0.2, fx.low_resolution),
        sometimes(0.1, fx.gaussian_blur),
        sometimes(0.06, fx.gaussian_noise),
        sometimes(0.06, fx.contrast),
        sometimes(0.45, fx.jpeg),
    ]


def scanned() -> list[Effect]:
    """Paper on a flatbed scanner, a copier or a fax machine."""
    return [
        sometimes(0.16, one_of(ink.thicken_ink, ink.thin_ink)),
        sometimes(0.14, ink.break_strokes),
        sometimes(0.15, ink.bleed_through),
        sometimes(0.25, ink.yellowing),
        sometimes(0.25, ink.paper_texture),
        sometimes(0.05, ink.stains),
        sometimes(0.06, ink.fold),
        sometimes(0.05, ink.halftone),
        sometimes(0.7, flatbed_skew),
        sometimes(0.06, geometry.curl),
        sometimes(0.25, resized),
        sometimes(0.3, ink.scanner_dirt),
        sometimes(0.15, fx.uneven_light),
        sometimes(0.3, fx.gaussian_blur),
        sometimes(0.2, fx.contrast),
        sometimes(0.15, fx.low_resolution),
        sometimes(0.2, one_of(fx.gaussian_noise, fx.speckle_noise, fx.salt_noise)),
        sometimes(0.28, ink.binarize),
        sometimes(0.45, fx.jpeg),
    ]


def photographed(grounds: Backgrounds) -> list[Effect]:
    """Paper in the hand or on a table, seen through a telephone."""
    return [
        sometimes(0.12, ink.bleed_through),
        sometimes(0.3, ink.yellowing),
        sometimes(0.3, ink.paper_texture),
        sometimes(0.08, ink.stains),
        sometimes(0.15, ink.fold),
        sometimes(0.18, ink.creases),
        sometimes(0.1, geometry.curl),
        sometimes(0.15, zoomed),
        one_of(partial(on_table, grounds=grounds), partial(on_table, grounds=grounds), seen_aside),
        sometimes(0.7, fx.uneven_light),
        sometimes(0.3, fx.shadow),
        *camera(),
    ]


def photographed_screen() -> list[Effect]:
    """A screen through a telephone: bands, mirrored lamps."""
    return [
        sometimes(0.3, zoomed),
        seen_aside,
        sometimes(0.6, fx.moire),
        sometimes(0.35, fx.glare),
        sometimes(0.4, fx.uneven_light),
        *camera(),
    ]


def photographed_object(grounds: Backgrounds) -> list[Effect]:
    """A poster, pack or sign before a camera, now and then far from level."""
    return [
        sometimes(0.12, partial(tilted, grounds=grounds)),
        sometimes(0.5, seen_aside),
        sometimes(0.4, fx.uneven_light),
        sometimes(0.2, fx.glare),
        sometimes(0.15, fx.shadow),
        *camera(),
    ]


def camera() -> list[Effect]:
    """Lens, sensor and file."""
    return [
        sometimes(0.3, resized),
        sometimes(0.45, BLURS),
        sometimes(0.35, fx.contrast),
        sometimes(0.35, fx.color_cast),
        sometimes(0.2, fx.low_resolution),
        sometimes(0.35, one_of(fx.gaussian_noise, fx.gaussian_noise, fx.speckle_noise)),
        sometimes(0.7, fx.jpeg),
    ]


def flatbed_skew(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Lie a little askew on a scanner: white, dark or the paper itself beyond the edge."""
    fills: tuple[tuple[int, int, int] | None, ...] = (None, None, (255, 255, 255), (20, 20, 20))
    limit = 3.0 if rng.random() < 0.85 else 0.4
    return geometry.skew(
        image, quads, rng, limit_deg=limit, fill=fills[int(rng.integers(len(fills)))]
    )


def on_table(
    image: Image, quads: Quads, rng: Generator, *, grounds: Backgrounds
) -> tuple[Image, Quads]:
    """Lay the page on a photographed or made-up table and look at it from aside."""
    height, width = image.shape[:2]
    table = (
        grounds.photo(rng, height, width)
        if rng.random() < 0.5
        else backgrounds.texture(rng, height, width)
    )
    margin = float(rng.choice([0.0, 0.02, 0.06]))
    turn = 4.0 if rng.random() < 0.85 else 15.0
    return geometry.perspective(
        image, quads, rng, strength=0.07, margin=margin, turn_deg=turn, fill=table
    )


def seen_aside(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """A mild perspective with the page's own edge drawn out."""
    return geometry.perspective(image, quads, rng, strength=0.05, turn_deg=3.0)


def tilted(
    image: Image, quads: Quads, rng: Generator, *, grounds: Backgrounds
) -> tuple[Image, Quads]:
    """Turn the whole picture by up to 30 degrees over something else."""
    limit = 30.0 if rng.random() < 0.4 else 15.0
    fill = grounds.photo(rng, *image.shape[:2])
    return geometry.skew(image, quads, rng, limit_deg=limit, fill=fill)


def zoomed(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Show a part of the page: a window of 55 to 90 % of both sides."""
    height, width = image.shape[:2]
    rows, columns = np.ceil(rng.uniform(0.55, 0.9, 2) * (height, width)).astype(int).tolist()
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    part = image[top : top + rows, left : left + columns]
    return part.copy(), quads - np.array([left, top], np.float32)


def resized(image: Image, quads: Quads, rng: Generator) -> tuple[Image, Quads]:
    """Another resolution: 65 to 130 %, with text still readable and no side over 1400."""
    least = min(1.0, fx.MIN_READABLE_HEIGHT / max(geometry.text_height(quads), 1.0))
    most = min(1.3, 1400 / max(image.shape[:2]))
    factor = float(rng.uniform(min(max(0.65, least), most), most))
    return geometry.scale(image, quads, factor)
