"""Render clips with known text: comments that scroll over moving photographs, and subtitles.

Truth is to the frame: a line counts as shown from the first frame to the last in which its opacity times the share of
its height that is in view is at least a half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from common.arrays import Image

Font = ImageFont.FreeTypeFont

PITCH = 1.45
"""Distance between the tops of comments, in sizes of their font."""

SCROLL_FRAMES = 7
"""In which the list moves up by a line."""

FADE_FRAMES = 6
"""In which a comment appears."""

SHADE = 0.35
"""Opacity of the dark ground behind a comment."""


@dataclass
class Shown:
    """A line of a clip: what it says and in which frames it is to be seen, both included; -1 is never."""

    text: str
    user: str = ""
    message: str = ""
    kind: str = "text"
    first: int = -1
    last: int = -1


@dataclass(frozen=True)
class DrawnLine:
    """A drawn line: colors times opacity, and 255 less opacity, both (H, W, 3) uint8."""

    color: Image
    rest: Image

    def faded(self, opacity: float) -> DrawnLine:
        """The line at a lower opacity."""
        if opacity >= 1:
            return self
        rest = 255 - (255 - self.rest) * np.float32(opacity)
        return DrawnLine((self.color * np.float32(opacity)).astype(np.uint8), rest.astype(np.uint8))


@dataclass
class Moving:
    """A photograph larger than the picture, over which the view drifts."""

    photo: Image
    size: tuple[int, int]
    period: float = 240.0
    _grid: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        """Work out how far the view can go."""
        height, width = self.photo.shape[:2]
        self._grid = (width - self.size[0]) / 2, (height - self.size[1]) / 2

    def at(self, frame: int) -> Image:
        """The view at a frame (H, W, 3), not to be written to."""
        turn = 2 * np.pi * frame / self.period
        x = self._grid[0] * (1 + np.sin(turn))
        y = self._grid[1] * (1 + np.sin(turn * 0.7 + 1))
        left, top = int(x), int(y)
        return self.photo[top : top + self.size[1], left : left + self.size[0]]


def mosaic(photos: Sequence[Path], size: tuple[int, int], rng: Generator) -> Image:
    """Photographs side by side, near their own sharpness, (height, width, 3) a sixth larger than `size`."""
    width, height = int(size[0] * 1.17), int(size[1] * 1.17)
    rows = []
    for _ in range(2):
        tiles = [
            cv2.imread(str(photos[int(rng.integers(len(photos)))]), cv2.IMREAD_COLOR_RGB)
            for _ in range(3)
        ]
        rows.append(np.hstack([cv2.resize(t, (width // 3 + 1, height // 2 + 1)) for t in tiles]))
    return np.ascontiguousarray(np.vstack(rows)[:height, :width])


def stamp(
    parts: Sequence[tuple[str, tuple[int, int, int]]],
    font: Font,
    *,
    shade: float = SHADE,
    outline: int = 1,
    faces: int = 0,
) -> DrawnLine:
    """Draw a line of colored parts.

    Args:
        parts: Texts and their colors.
        font: Of the text.
        shade: Opacity of the ground.
        outline: Pixels of black around letters.
        faces: How many emoji stand at its end.
    """
    size = int(font.size)
    pad, height = size // 4, int(size * 1.3)
    lengths = [font.getlength(text) for text, _ in parts]
    width = int(sum(lengths)) + 2 * pad + faces * (size + 4)
    layer = Pillow.new("RGBA", (width, height), (0, 0, 0, int(255 * shade)))
    draw = ImageDraw.Draw(layer)
    x = float(pad)
    for (text, color), length in zip(parts, lengths, strict=True):
        draw.text(
            (x, height / 2), text, (*color, 255), font, "lm",
            stroke_width=outline, stroke_fill=(0, 0, 0, 255),
        )  # fmt: skip
        x += length
    for number in range(faces):
        _face(draw, x + 3 + number * (size + 4), (height - size) / 2, size)
    pixels = np.asarray(layer, np.float32)
    opacity = pixels[:, :, 3:] / 255
    rest = np.repeat(255 * (1 - opacity), 3, axis=2)
    return DrawnLine((pixels[:, :, :3] * opacity).astype(np.uint8), rest.astype(np.uint8))


def _face(draw: ImageDraw.ImageDraw, x: float, y: float, size: int) -> None:
    """A round yellow face."""
    draw.ellipse((x, y, x + size, y + size), (255, 204, 50, 255))
    for eye in (0.32, 0.68):
        draw.ellipse(
            (x + size * (eye - 0.07), y + size * 0.3, x + size * (eye + 0.07), y + size * 0.46),
            (90, 50, 10, 255),
        )
    draw.arc(
        (x + size * 0.25, y + size * 0.35, x + size * 0.75, y + size * 0.8),
        20, 160, (90, 50, 10, 255), max(2, size // 12),
    )  # fmt: skip


def paste(picture: Image, layer: DrawnLine, x: int, y: int, top: int, opacity: float) -> float:
    """Lay a line on a picture in place, nothing of it above `top`; the share of it that is to be seen.

    Args:
        picture: (H, W, 3) uint8, changed.
        layer: The line.
        x: Its left.
        y: Its upper edge.
        top: The list's upper edge.
        opacity: From 0 to 1.
    """
    height, width = layer.rest.shape[:2]
    first, last = max(y, top), min(y + height, picture.shape[0])
    left, right = max(x, 0), min(x + width, picture.shape[1])
    if first >= last or left >= right or opacity <= 0:
        return 0.0
    inside = slice(first - y, last - y), slice(left - x, right - x)
    layer = layer.faded(opacity)
    under = picture[first:last, left:right]
    lit = cv2.multiply(under, np.ascontiguousarray(layer.rest[inside]), scale=1 / 255)
    picture[first:last, left:right] = cv2.add(lit, np.ascontiguousarray(layer.color[inside]))
    return (last - first) / height * (right - left) / width * opacity


def comment_frames(
    lines: Sequence[Shown],
    arrivals: Sequence[int],
    stamps: Callable[[Shown], DrawnLine],
    ground: Callable[[int], Image],
    area: tuple[int, int, int, int],
    pitch: int,
    frames: int,
) -> Iterator[Image]:
    """Frames of a list of comments that scrolls up; `first` and `last` of the lines are filled in meanwhile.

    Args:
        lines: In the order in which they arrive.
        arrivals: Frame at which each does.
        stamps: Draws one.
        ground: The picture behind, by frame.
        area: The list's x, y, width, height.
        pitch: Pixels from line to line.
        frames: How many.
    """
    left, top, _, height = area
    offset, begun = 0.0, 0
    drawn: dict[int, DrawnLine] = {}
    for frame in range(frames):
        while begun < len(arrivals) and arrivals[begun] <= frame:
            drawn[begun] = stamps(lines[begun])
            begun += 1
        target = max(0.0, begun * pitch - height)
        behind = target - offset
        offset += min(behind, max(pitch / SCROLL_FRAMES, behind / SCROLL_FRAMES))
        picture = ground(frame).copy()
        clipped = picture[: top + height]
        for number in list(drawn):
            y = top + round(number * pitch - offset)
            opacity = min(1.0, (frame - arrivals[number] + 1) / FADE_FRAMES)
            share = paste(clipped, drawn[number], left, y, top, opacity)
            if share >= 0.5:
                if lines[number].first < 0:
                    lines[number].first = frame
                lines[number].last = frame
            if y + pitch < top:
                del drawn[number]
        yield picture


def caption_frames(
    lines: Sequence[Shown],
    stamps: Callable[[Shown], DrawnLine],
    ground: Callable[[int], Image],
    places: Callable[[Shown, DrawnLine], tuple[int, int]],
    frames: int,
    fade: int = 0,
) -> Iterator[Image]:
    """Frames with lines at fixed places, from their `first` frame to their `last`.

    Args:
        lines: With their frames.
        stamps: Draws one.
        ground: The picture behind, by frame.
        places: Left and upper edge of a line.
        frames: How many.
        fade: Frames in which they appear and vanish; half opacity is at `first` and after `last`.
    """
    drawn: dict[int, DrawnLine] = {}
    for frame in range(frames):
        picture = ground(frame).copy()
        for number, line in enumerate(lines):
            opacity = 1.0 if line.first <= frame <= line.last else 0.0
            if fade:
                entered = (frame - line.first + fade / 2) / fade
                left = (line.last - frame + fade / 2) / fade
                opacity = float(np.clip(min(entered, left), 0, 1))
            if opacity > 0:
                layer = drawn.setdefault(number, stamps(line))
                paste(picture, layer, *places(line, layer), 0, opacity)
            elif frame > line.last:
                drawn.pop(number, None)
        yield picture


def write(
    path: Path, pictures: Iterable[Image], *, rate: int = 30, bit_rate: int = 1_200_000,
    codec: str = "libx264", preset: str = "ultrafast", threads: int = 1,
) -> None:  # fmt: skip
    """Encode pictures (H, W, 3) uint8 RGB of even sizes."""
    import av  # drawing needs none

    with av.open(str(path), "w") as container:
        stream = None
        for picture in pictures:
            if stream is None:
                stream = container.add_stream(codec, rate=rate)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.bit_rate = bit_rate
                stream.thread_count = threads
                if codec == "libx264":
                    stream.options = {"preset": preset, "g": str(rate * 8)}
            planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        if stream is not None:
            container.mux(stream.encode(None))
