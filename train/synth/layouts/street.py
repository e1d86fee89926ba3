"""Lay out street photographs: boards and words on things, in perspective, small or large, few."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from train.synth import backgrounds
from train.synth.corpus import vocabulary
from train.synth.drawing import shapes
from train.synth.drawing.canvas import Canvas, Ink, blend
from train.synth.drawing.display_text import (
    decorated,
    display_type,
    fitted,
    ground_under,
    letter_at,
)
from train.synth.drawing.resources import Resources, readable_on
from train.synth.effects.geometric import move_points
from train.synth.typesetting.typeset import Stamp, Type


def street(resources: Resources, rng: Generator, lang: str) -> Canvas:
    """A photograph with one to eight boards or words, most of them small."""
    width, height = int(rng.integers(640, 1280)), int(rng.integers(480, 900))
    canvas = Canvas(resources.grounds.photo(rng, height, width))
    if rng.random() < 0.5:
        _walls(canvas, rng)
    front = rng.random() < 0.35
    if front:
        # A shop's front: one board across most of the picture, the others smaller.
        wide = width * float(rng.uniform(0.5, 0.95))
        board(canvas, resources, rng, lang, wide, wide * float(rng.uniform(0.16, 0.4)), steep=0.12)
    for _ in range(int(rng.integers(0 if front else 1, 8))):
        if rng.random() < 0.7:
            wide = width * float(np.exp(rng.uniform(np.log(0.06), np.log(0.4))))
            board(
                canvas, resources, rng, lang, wide, wide * float(rng.uniform(0.2, 1.1)), steep=0.35
            )
        elif rng.random() < 0.75:
            bare_words(canvas, resources, rng, lang)
        else:
            column_board(canvas, resources, rng)
    return canvas


def _walls(canvas: Canvas, rng: Generator) -> None:
    """Flat surfaces before the photograph: shutters, walls, windows."""
    for _ in range(int(rng.integers(1, 4))):
        wide, tall = (int(v) for v in rng.uniform(0.2, 0.7, 2) * (canvas.width, canvas.height))
        maker = (backgrounds.stripes, backgrounds.texture)[int(rng.integers(2))]
        x, y = rng.uniform(-0.1, 0.9, 2) * (canvas.width, canvas.height)
        canvas.paste(maker(rng, max(8, tall), max(8, wide)), float(x), float(y))


def board(
    canvas: Canvas,
    resources: Resources,
    rng: Generator,
    lang: str,
    wide: float,
    tall: float,
    *,
    steep: float,
) -> None:
    """Paint a board with one to four lines and set it into the picture in perspective.

    Args:
        canvas: gets the board, where there is room.
        resources: gives faces and texts.
        rng: draws everything.
        lang: "zh", "en" or "mixed".
        wide: of the board in pixels, as seen from the front.
        tall: likewise.
        steep: how far from the front it may be seen, 0 to 1.
    """
    # Painted at the size at which it will be seen: no detail that a camera would not have.
    sign = Canvas(board_ground(resources, rng, max(24, int(tall)), max(40, int(wide))))
    count = 1 + int(rng.random() < 0.55) + int(rng.random() < 0.3) + int(rng.random() < 0.15)
    heights = rng.uniform(0.4, 1.0, count)
    heights[int(rng.integers(count))] = 1.6
    heights = heights / heights.sum() * sign.height * 0.86
    y = sign.height * 0.07
    for room in heights:
        size = float(room) * float(rng.uniform(0.6, 0.85))
        kind = display_type(resources, rng, lang, max(9, size))
        text = _sign_text(resources, rng, lang, kind)
        stamp = fitted(kind, text, sign.width * 0.9) if text and size >= 9 else None
        if stamp is not None:
            x = (sign.width - stamp.width) / 2 if rng.random() < 0.8 else sign.width * 0.05
            ground, spread = ground_under(sign, x, y, x + stamp.width, y + stamp.height)
            sign.put(
                stamp,
                x,
                y + max(0.0, (float(room) - stamp.height) / 2),
                decorated(rng, ground, spread, kind.size),
            )
        y += float(room)
    matrix, box = somewhere(canvas, rng, sign.width, sign.height, steep)
    if canvas.is_free(*box):
        mount(canvas, sign, matrix, box)


def board_ground(
    resources: Resources, rng: Generator, height: int, width: int
) -> NDArray[np.uint8]:
    """What a board is painted on: one color, a fade or a grain, framed or with an icon at times."""
    draw = rng.random()
    fill = backgrounds.color(rng, vivid=bool(rng.random() < 0.6))
    image = backgrounds.plain(height, width, fill)
    if draw < 0.25:
        image = backgrounds.gradient(
            height, width, fill, backgrounds.color(rng), float(rng.uniform(0, 6.3))
        )
    elif draw < 0.35:
        image = backgrounds.texture(rng, height, width)
    canvas = Canvas(image)
    if rng.random() < 0.4:
        frame = readable_on(rng, fill, contrast=50)
        canvas.box(1, 1, width - 1, height - 1, frame, thick=max(1, height // 30))
    if rng.random() < 0.2 and width > 3 * height:
        shapes.icon(
            canvas,
            rng,
            0.1 * height,
            0.2 * height,
            0.6 * height,
            backgrounds.color(rng, vivid=True),
        )
    return canvas.image


def _sign_text(resources: Resources, rng: Generator, lang: str, kind: Type) -> str:
    draw = rng.random()
    if draw < 0.35:
        return resources.pick(rng, kind, vocabulary.SIGNS, lang)
    if draw < 0.5:
        return resources.number(rng, kind)
    text = resources.title(rng, kind, lang, int(rng.integers(2, 22 if lang == "en" else 10)))
    return text.upper() if lang == "en" and rng.random() < 0.5 else text


def somewhere(
    canvas: Canvas, rng: Generator, wide: float, tall: float, steep: float
) -> tuple[NDArray[np.float64], tuple[float, float, float, float]]:
    """A place for a board: the matrix that sets it there, and the box that it will take."""
    corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float64)
    # Seen from aside one end is lower than the other, and the whole is narrower.
    shorter = float(rng.uniform(0, steep)) * tall / 2
    moved = corners.copy()
    end = [1, 2] if rng.random() < 0.5 else [0, 3]
    moved[end, 1] += np.array([shorter, -shorter])
    moved[:, 0] *= 1 - float(rng.uniform(0, steep))
    angle = float(rng.normal(0, 5 + 12 * steep)) * np.pi / 180
    moved = moved @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    low, high = moved.min(axis=0), moved.max(axis=0)
    free = np.array([canvas.width, canvas.height]) - (high - low)
    shift = rng.uniform(0, 1, 2) * np.maximum(free, 0) - low
    moved += shift
    low, high = moved.min(axis=0), moved.max(axis=0)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    return matrix, (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def mount(
    canvas: Canvas,
    sign: Canvas,
    matrix: NDArray[np.float64],
    box: tuple[float, float, float, float],
) -> None:
    """Set one picture into another by a projective matrix, with its lines."""
    x0, y0, x1, y1 = int(box[0]), int(box[1]), int(np.ceil(box[2])), int(np.ceil(box[3]))
    local = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1.0]]) @ matrix
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centers = np.linalg.inv(half) @ local @ half
    size = (x1 - x0, y1 - y0)
    painted = cv2.warpPerspective(sign.image, centers, size, borderMode=cv2.BORDER_REPLICATE)
    whole = np.full(sign.image.shape[:2], 255, np.uint8)
    mask = cv2.warpPerspective(whole, centers, size)
    blend(canvas.image, mask, x0, y0, painted)
    canvas.reserve(*box)
    canvas.lines += [replace(line, quad=move_points(line.quad, matrix)) for line in sign.lines]


def bare_words(
    canvas: Canvas,
    resources: Resources,
    rng: Generator,
    lang: str,
    *,
    sizes: tuple[float, float] = (14.0, 90.0),
    steep: float = 0.3,
) -> None:
    """Letters fixed or painted directly on what is there, in perspective.

    Args:
        canvas: gets the words, where there is room.
        resources: gives faces and texts.
        rng: draws everything.
        lang: "zh", "en" or "mixed".
        sizes: from and to, in pixels per em, evenly by octave.
        steep: how far from the front they may be seen, 0 to 1.
    """
    size = float(np.exp(rng.uniform(*np.log(sizes))))
    kind = display_type(resources, rng, lang, size)
    text = _sign_text(resources, rng, lang, kind)
    stamp = fitted(kind, text, canvas.width * 0.6) if text else None
    if stamp is None or stamp.height < 8:
        return
    matrix, box = somewhere(canvas, rng, stamp.width, stamp.height, steep)
    if not canvas.is_free(*box):
        return
    x0, y0 = int(box[0]), int(box[1])
    moved = _projected(
        stamp,
        np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1.0]]) @ matrix,
        (int(np.ceil(box[3])) - y0, int(np.ceil(box[2])) - x0),
    )
    letter_at(canvas, rng, moved, x0, y0, plate=False)


def _projected(stamp: Stamp, matrix: NDArray[np.float64], size: tuple[int, int]) -> Stamp:
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    mask = cv2.warpPerspective(stamp.mask, np.linalg.inv(half) @ matrix @ half, (size[1], size[0]))
    return replace(stamp, mask=mask, quad=move_points(stamp.quad, matrix))


def column_board(canvas: Canvas, resources: Resources, rng: Generator) -> None:
    """Set up a tall board with one or two columns of characters."""
    size = float(np.exp(rng.uniform(np.log(16), np.log(64))))
    kind = replace(
        display_type(resources, rng, "zh", size), slant=0.0, latin=None, spacing=0.1 * size
    )
    texts = []
    for _ in range(1 + int(rng.random() < 0.3)):
        texts.append(resources.han(rng, kind, int(rng.integers(2, 9))))
    stamps = [kind.draw(text, vertical=True) for text in texts if len(text) > 1]
    if not stamps:
        return
    fill = backgrounds.color(rng, vivid=True)
    tall = max(stamp.height for stamp in stamps) + int(0.8 * size)
    sign = Canvas(backgrounds.plain(tall, int(len(stamps) * 1.4 * size + 0.4 * size), fill))
    ink = Ink(readable_on(rng, fill, contrast=90))
    for number, stamp in enumerate(stamps):
        x = sign.width - (number + 1) * 1.4 * size
        sign.put(stamp, x, 0.4 * size, ink)
    matrix, box = somewhere(canvas, rng, sign.width, sign.height, 0.15)
    if canvas.is_free(*box):
        mount(canvas, sign, matrix, box)
