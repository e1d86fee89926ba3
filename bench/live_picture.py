"""Make the picture of the README: a frame of a clip, and under it a time line of what was read in it.

python -m bench.live_picture test/data/live.mp4 docs/live.jpg
"""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from common.arrays import Image
from ocr.formats.draw import find_font
from ocr.live.comments import parse
from ocr.live.events import Event
from ocr.live.formats import clock
from ocr.live.reader import LiveReader
from ocr.live.settings import COMMENTS
from ocr.live.video import Video
from ocr.models import build, decoding

WIDTH, ROW = 640, 26
KINDS = {
    "comment": (47, 111, 235),
    "enter": (26, 127, 75),
    "gift": (178, 94, 0),
    "text": (90, 90, 90),
}
SECONDS = 7.6
"""Of the frame that is shown."""


def read(clip: Path) -> tuple[list[Event], Image, float]:
    """The events of a clip, the frame that is shown, and the clip's length in seconds."""
    detector = build("small", "detector")
    recognizer = build("small", "recognizer", options=decoding())
    reader = LiveReader(detector, recognizer, settings=COMMENTS)
    events: list[Event] = []
    shown = np.zeros((1, 1, 3), np.uint8)
    for frame in Video(clip, stop=threading.Event()):
        events += reader.see(frame)
        if frame.seconds <= SECONDS:
            shown = frame.color()
    return [*events, *reader.finish()], shown, reader.seconds


def drawn(events: list[Event], frame: Image, length: float) -> Pillow.Image:
    """The picture."""
    top = round(WIDTH * frame.shape[0] / frame.shape[1])
    sheet = Pillow.new("RGB", (2 * WIDTH, max(top, ROW * (len(events) + 1))), "white")
    sheet.paste(Pillow.fromarray(frame).resize((WIDTH, top), Pillow.Resampling.LANCZOS), (0, 0))
    draw, font, small = ImageDraw.Draw(sheet), find_font(15), find_font(12)
    left, right = WIDTH + 300, 2 * WIDTH - 16
    for row, event in enumerate(sorted(events, key=lambda event: event.first)):
        y, color = 12 + row * ROW, KINDS[parse(event.text).kind]
        draw.text(
            (WIDTH + 16, y + 8), f"{clock(event.first)} – {clock(event.last)}", "#777", small, "lm"
        )
        draw.text((WIDTH + 112, y + 8), event.text, "black", font, "lm")
        begin, end = (left + (right - left) * t / length for t in (event.first, event.last))
        draw.rounded_rectangle((begin, y + 1, end, y + 15), 5, color)
    now = left + (right - left) * SECONDS / length
    draw.line((now, 4, now, 12 + ROW * len(events)), "#c4281c", 2)
    return sheet


def main() -> None:
    """Read the command line and write the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    drawn(*read(options.clip)).save(options.out, quality=80, optimize=True)


if __name__ == "__main__":
    main()
