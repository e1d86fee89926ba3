"""Line images directly, for speed: text, ground, a detector's crop, damage. Everything in grey.

Sample i of seed s is always the same bytes, in any process.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.characters import is_han, is_wide
from recognition.preprocess import FINE, HEIGHT
from train.data.samples import LineSample
from train.synth.corpus.sentences import Corpus
from train.synth.corpus.variation import recased
from train.synth.line.degrade import compress, damage, scene_damage
from train.synth.line.ink import paint, write
from train.synth.line.perspective import View
from train.synth.line.sign_text import sign_spacing, sign_text
from train.synth.line.strokes import restyle
from train.synth.typesetting.draw_line import TextMask, draw_text
from train.synth.typesetting.fonts import Face, FontLibrary

Grey = NDArray[np.float32]
Rng = np.random.Generator

# Shares of what a line says; the rest of each hundred is what the corpus calls "mixed".
_KINDS = ("zh", "en", "words", "number", "random", "rare", "mixed", "entry", "point", "leaders")
_SHARES = (0.265, 0.20, 0.08, 0.09, 0.09, 0.07, 0.10, 0.04, 0.05, 0.015)
# Small text of menus and games, drawn to the pixel and hardly damaged: smaller than a lens leaves legible.
_SCREEN_SHARE = 0.3
# Screens are often saved smaller than they were, and not always in proportion.
_SHRUNK_SHARE = 0.65
_NARROWEST, _LOWEST = 8.0, 8.5  # pixels of a Han character after that
# Words on walls and boards, seen from aside: slanted in an upright crop, squeezed, badly lit, far away.
_SCENE_SHARE = 0.32
_SCENE_WIDTH = 300  # the widest lines that are such
# Letters with edges, shadows and shades, as shops and posters have them: of scenes, of other lines large enough.
_PAINTED_SCENES, _PAINTED, _PAINTED_FROM = 0.25, 0.35, 24


class LineRenderer:
    """Renders labelled lines.

    Args:
        fonts: faces to draw with.
        corpus: what to write.
        photographs: a folder of JPEG or PNG files to write on, or None for grounds made by rule.
    """

    def __init__(self, fonts: FontLibrary, corpus: Corpus, photographs: Path | None = None) -> None:
        self.fonts = fonts
        self.corpus = corpus
        self._photographs = _load_grey(photographs) if photographs else []

    def line(self, seed: int, index: int, max_width: int) -> LineSample:
        """Return sample `index` of `seed`: about `HEIGHT` or more pixels high, text for up to `max_width` columns.

        `max_width` counts columns at the recognizer's input height; a line may come out a little
        wider.
        """
        rng = np.random.default_rng([seed, index, max_width])
        for _ in range(20):
            screen = rng.random() < _SCREEN_SHARE
            try:
                if not screen and max_width <= _SCENE_WIDTH and rng.random() < _SCENE_SHARE:
                    return self._scene(rng, max_width)
                drawn, vertical = self._draw(rng, max_width, screen)
            except (ValueError, LookupError):
                continue
            return self._compose(rng, drawn, vertical, screen)
        raise RuntimeError(
            f"no line could be drawn for seed {seed}, index {index}; check corpus and fonts"
        )

    def _text(self, rng: Rng, max_width: int) -> str:
        kind = _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))]
        han, latin = max(1, int(max_width / 27)), max(2, int(max_width / 13.5))
        # Half of the lines fill the width, the others end anywhere before it.
        fill = 1.0 if rng.random() < 0.5 else float(rng.uniform(0.2, 1.0))
        if kind == "zh":
            return self.corpus.phrase(rng, "zh", max(1, round(han * fill)))
        if kind in ("en", "words"):
            limit = (
                max(3, round(latin * fill))
                if kind == "en"
                else min(latin, int(rng.integers(3, 16)))
            )
            return recased(rng, self.corpus.phrase(rng, "en", limit))[:limit].strip() or "a"
        if kind == "number":
            return self.corpus.number(rng)[:latin]
        if kind == "entry":
            return self.corpus.entry(rng)[: max(2, round(max_width / 20))].strip()
        if kind == "point":
            return self.corpus.point(rng, max(2, round(max_width / 24 * fill)))
        if kind == "leaders":
            return self.corpus.leaders(rng, max(3, round(latin * 1.5 * fill)))
        if kind == "rare":
            return self.corpus.rare(rng, max(1, round(han * fill)))
        if kind == "random":
            return self.corpus.random_characters(rng, max(1, round(min(han, 14) * fill)))
        return self.corpus.phrase(rng, "mixed", max(2, round(max_width / 20 * fill)))

    def _draw(self, rng: Rng, max_width: int, screen: bool) -> tuple[TextMask, bool]:
        text = self._text(rng, max_width)
        if screen and text.isascii() and rng.random() < 0.6:
            # Small Han characters are what is hard to read there, rare ones most of all.
            length = max(2, round(max_width / 20 * rng.uniform(0.2, 1)))
            rare = rng.random() < 0.5
            text = (
                self.corpus.rare(rng, length) if rare else self.corpus.phrase(rng, "mixed", length)
            )
        style = "mono" if rng.random() < 0.07 else None
        face = self.fonts.choose(rng, text, style=style)
        has_han = any(map(is_han, text))
        # Below these sizes strokes run together and only guessing could be learned.
        small = int(rng.integers(12 if has_han else 9, 19))
        size = small if rng.random() < 0.3 else int(np.exp(rng.uniform(np.log(17), np.log(46))))
        if screen:
            return self._on_screen(rng, text, face, has_han), False
        vertical = has_han and len(text) > 1 and rng.random() < 0.05
        latin = None
        if has_han and not vertical and rng.random() < 0.35:
            latin = self.fonts.choose(
                rng, "Ag0" + "".join(c for c in text if 32 < ord(c) < 128)
            ).at(size)
        spacing = 0.0
        if rng.random() < 0.15:
            spacing = float(rng.uniform(-0.04, 0.5 if rng.random() < 0.3 else 0.15)) * size
        drawn = draw_text(text, face.at(size), latin=latin, spacing=spacing, vertical=vertical)
        return restyle(rng, drawn, vertical=vertical), vertical

    def _on_screen(self, rng: Rng, text: str, face: Face, has_han: bool) -> TextMask:
        """Draw small text to the pixel, then half of the time shrink it."""
        bitmap = self.fonts.choose_bitmap(rng, text) if rng.random() < 0.6 else None
        size = int(rng.integers(10, 16)) if has_han else int(rng.integers(8, 15))
        if bitmap is not None:
            drawn = draw_text(text, bitmap.at(0), crisp=True)
        else:
            drawn = draw_text(text, face.at(size), crisp=bool(rng.random() < 0.6))
        if not has_han or rng.random() >= _SHRUNK_SHARE:
            return drawn
        wide, high = float(drawn.widths.max()), drawn.mask.shape[0]
        # Most are shrunk nearly as far as they can be read: that is what is hard.
        least = min(1.0, _NARROWEST / wide)
        across = least + (1.0 - least) * float(rng.random()) ** 1.7
        least = min(1.0, max(_LOWEST / high, 0.8 * across))
        down = least + (min(1.0, 1.3 * across) - least) * float(rng.random())
        return drawn.resized(across, down)

    def _compose(self, rng: Rng, drawn: TextMask, vertical: bool, screen: bool) -> LineSample:
        mask = np.rot90(drawn.mask) if vertical else drawn.mask
        height, width = mask.shape
        pad = int(0.8 * height) + 2
        alpha = np.zeros((height + 2 * pad, width + 2 * pad), np.float32)
        alpha[pad : pad + height, pad : pad + width] = mask
        _neighbours(rng, alpha, mask, pad, ruled=0.16 if screen else 0.08)
        plain = screen and rng.random() < 0.7
        canvas = _plain(rng, *alpha.shape) if plain else self._ground(rng, *alpha.shape)
        painted = _PAINTED if not screen and height >= _PAINTED_FROM else 0.0
        canvas = _inked(rng, canvas, alpha / 255.0, height, painted)
        if screen:  # saved before anyone cuts lines out of it
            canvas = compress(rng, canvas).astype(np.float32)
        crop, centers, widths = _cut(
            rng,
            canvas,
            drawn,
            (pad, pad, width, height),
            askew=0.2 if plain else 1.0,
            fine=FINE if screen else 0.0,
        )
        if screen:
            crop = np.clip(crop, 0, 255).astype(np.uint8)
        else:
            han = any(map(is_wide, drawn.text))
            crop = damage(rng, crop, finest=13.0 if han else 9.0)
        image = np.repeat(crop[:, :, None], 3, axis=2)
        return LineSample(image, drawn.text, centers, widths)

    def _scene(self, rng: Rng, max_width: int) -> LineSample:
        """A word or two as cameras catch them in the street."""
        text = sign_text(rng, self.corpus, max_width)
        size = int(np.exp(rng.uniform(np.log(22), np.log(48))))
        style = (None, "sans", "display", "hand")[int(rng.choice(4, p=[0.5, 0.3, 0.12, 0.08]))]
        face, spacing = self.fonts.choose(rng, text, style=style), sign_spacing(rng, text, size)
        drawn = draw_text(text, face.at(size), spacing=spacing)
        drawn = restyle(rng, drawn, vertical=False, lettered=True)
        mask = drawn.mask
        fine = text.isascii() or size >= 32  # many strokes run together in less
        if fine and rng.random() < 0.3 and mask.mean() < 75:  # signs are painted boldly
            mask = cv2.dilate(mask, np.ones((3, 3), np.uint8))
        drawn = replace(drawn, mask=np.asarray(mask, np.uint8))
        view = View.draw(rng, *mask.shape)
        alpha = np.pad(mask, view.pad).astype(np.float32)
        _neighbours(rng, alpha, mask, view.pad, near=0.35, ruled=0.05)
        ground = self._ground(rng, *alpha.shape)
        canvas = _inked(rng, ground, alpha / 255.0, mask.shape[0], _PAINTED_SCENES)
        crop, centers, widths = view.cut(canvas, drawn)
        finest = 14.0 if any(map(is_wide, text)) else 9.0
        crop = scene_damage(rng, crop, finest=finest * view.shrink)
        return LineSample(np.repeat(crop[:, :, None], 3, axis=2), text, centers, widths)

    def _ground(self, rng: Rng, height: int, width: int) -> Grey:
        """Return (height, width) grey levels to write on."""
        draw = rng.random()
        if draw < 0.30 and self._photographs:
            return _patch(
                rng, self._photographs[int(rng.integers(len(self._photographs)))], height, width
            )
        levels = (255.0, rng.uniform(180, 255), rng.uniform(0, 90), rng.uniform(0, 255))
        level = float(levels[int(rng.choice(4, p=[0.42, 0.33, 0.15, 0.10]))])
        ground = np.full((height, width), level, np.float32)
        if draw > 0.6:
            coarse = rng.normal(
                0, 12 * rng.random() + 1, (max(2, height // 12), max(2, width // 12))
            )
            ground += cv2.resize(
                coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
            )
        if draw > 0.9:
            ground += np.linspace(0, float(rng.uniform(-90, 90)), width, dtype=np.float32)
        return ground


def _plain(rng: Rng, height: int, width: int) -> Grey:
    """The even ground of a window or a game's panel, dark or light."""
    level = float(rng.uniform(0, 80)) if rng.random() < 0.55 else float(rng.uniform(190, 255))
    slope = float(rng.uniform(-12, 12)) if rng.random() < 0.4 else 0.0
    return np.full((height, width), level, np.float32) + np.linspace(
        0, slope, width, dtype=np.float32
    )


def _neighbours(
    rng: Rng, alpha: Grey, mask: NDArray[np.uint8], pad: int, *, ruled: float, near: float = 0.2
) -> None:
    """Put pieces of the lines above and below, or a rule, into the margin, as a loose crop shows them."""
    height, width = mask.shape
    for sign in (-1, 1):
        if rng.random() < near:
            shift = sign * int(height * rng.uniform(1.12, 1.5))
            other = np.roll(mask, int(rng.integers(width)), axis=1)[:, ::-1]
            top = pad + shift
            first, last = max(top, 0), min(top + height, alpha.shape[0])
            if last > first:
                target = alpha[first:last, pad : pad + width]
                np.maximum(target, other[first - top : last - top], out=target)
    if rng.random() < ruled:
        thick = max(1, int(height * 0.06))
        row = pad + height + int(height * rng.uniform(0.03, 0.25))
        # Links and names are underlined alone, tables and forms from end to end.
        first, last = 0, alpha.shape[1]
        if rng.random() < 0.4:
            first, last = pad + np.sort(rng.integers(0, width + 1, 2))
        alpha[row : row + thick, first:last] = 255
    if rng.random() < 0.03:
        thick = max(1, int(height * 0.05))
        for column in (
            pad - int(height * rng.uniform(0.1, 0.5)),
            pad + width + int(height * rng.uniform(0.1, 0.5)),
        ):
            alpha[:, max(column, 0) : column + thick] = 255


def _inked(rng: Rng, ground: Grey, alpha: Grey, height: int, painted: float) -> Grey:
    """Write or, with a chance of `painted`, paint letters of some height."""
    if rng.random() < painted:
        return paint(rng, ground, alpha, height)
    return write(rng, ground, alpha)


def _cut(
    rng: Rng,
    canvas: Grey,
    drawn: TextMask,
    box: tuple[int, int, int, int],
    *,
    askew: float,
    fine: float,
) -> tuple[Grey, NDArray[np.float32], NDArray[np.float32]]:
    """Cut the line as a detector would: a little loose or tight, a little turned; places of characters follow."""
    left, top, width, height = box
    loose = rng.uniform(-0.02, 0.22, 2) * height
    if rng.random() < 0.2:
        loose = rng.uniform(0.1, 0.45, 2) * height
    ends = rng.uniform(-0.03, 0.35, 2) * height
    x0, x1 = left - ends[0], left + width + ends[1]
    y0, y1 = top - loose[0], top + height + loose[1]
    # A tilt moves the two ends of a long line by a share of the line's height, not of its length.
    tilt = float(np.clip(rng.normal(0, 0.05), -0.14, 0.14)) * height * askew
    wobble = rng.uniform(-0.05, 0.05, (4, 2)) * height * askew
    wobble[:, 0] *= 2 if rng.random() < 0.15 else 1
    quad = np.array([[x0, y0 - tilt], [x1, y0 + tilt], [x1, y1 + tilt], [x0, y1 - tilt]]) + wobble
    stretch = float(rng.uniform(0.75, 1.3)) if rng.random() < 0.3 else 1.0
    # Small lines are enlarged as they are cut, as `common.quads.crop` does.
    scale = 2.0 if y1 - y0 < fine else 1.0
    out_height = round(scale * float(y1 - y0))
    out_width = max(8, round(scale * float(x1 - x0) * stretch))
    target = np.array(
        [[0, 0], [out_width, 0], [out_width, out_height], [0, out_height]], np.float32
    )
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), target)
    crop = cv2.warpPerspective(
        canvas,
        matrix,
        (out_width, out_height),
        flags=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    middles = np.stack([drawn.centers + left, np.full(len(drawn.text), top + height / 2)], 1)
    centers = cv2.perspectiveTransform(middles[None].astype(np.float32), matrix)[0, :, 0]
    return crop, centers, drawn.widths * out_width / float(x1 - x0)


def _patch(rng: Rng, photograph: NDArray[np.uint8], height: int, width: int) -> Grey:
    """Cut a random window with the shape of the line and bring it to size, its contrast lowered at times."""
    rows, columns = photograph.shape
    scale = min(rows / height, columns / width, float(rng.uniform(0.5, 2.0)))
    h, w = max(1, int(height * scale)), max(1, int(width * scale))
    y, x = int(rng.integers(rows - h + 1)), int(rng.integers(columns - w + 1))
    patch = cv2.resize(photograph[y : y + h, x : x + w], (width, height)).astype(np.float32)
    if rng.random() < 0.6:
        mean = float(patch.mean())
        patch = mean + (patch - mean) * float(rng.uniform(0.1, 0.7))
    return patch


def _load_grey(folder: Path) -> list[NDArray[np.uint8]]:
    paths = sorted(
        p for p in Path(folder).iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png"}
    )
    if not paths:
        raise FileNotFoundError(f"no JPEG or PNG photographs in {folder}")
    pictures = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths)
    return [picture for picture in pictures if picture is not None and min(picture.shape) >= HEIGHT]
