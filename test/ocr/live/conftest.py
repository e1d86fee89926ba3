"""What tests of live reading share: models, a font, and rendered pictures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from numpy.random import Generator
from PIL import ImageFont

from bench.live_clips import DrawnLine, Moving, Shown, stamp
from common.arrays import Image
from common.roles import Detector, Recognizer
from ocr.live.events import Event
from ocr.live.frames import Frame, FrameRegion
from ocr.live.reader import LiveReader
from ocr.live.settings import COMMENTS, LiveSettings
from ocr.models import build, decoding

WHITE = (255, 255, 255)


@dataclass
class Scene:
    """Pictures with text on them.

    Args:
        font: Of the text.
        size: (width, height) of the pictures.
        ground: Their background, by frame.
    """

    font: ImageFont.FreeTypeFont
    size: tuple[int, int] = (480, 270)
    ground: Callable[[int], Image] = field(init=False)

    def __post_init__(self) -> None:
        self.ground = Moving(_ground(self.size), self.size, period=90).at

    def stamp(self, line: Shown, faces: int = 0, shade: float = 0.35) -> DrawnLine:
        head = line.text[: len(line.user) + (line.kind == "comment")]
        parts = [(head, (255, 214, 102)), (line.text[len(head) :], WHITE)]
        return stamp([part for part in parts if part[0]], self.font, faces=faces, shade=shade)


def _ground(size: tuple[int, int]) -> Image:
    """A soft colored picture, a third larger than the view."""
    rng: Generator = np.random.default_rng(3)
    small = rng.integers(0, 190, (9, 16, 3)).astype(np.uint8)
    whole = (int(size[0] * 1.3), int(size[1] * 1.3))
    return np.asarray(cv2.resize(small, whole, interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="session")
def live_models() -> tuple[Detector, Recognizer]:
    options = decoding() | {"workers": 1}
    detector = build("small", "detector", threads=1)
    return detector, build("small", "recognizer", threads=1, options=options)


@pytest.fixture(scope="session")
def live_font(chinese_font: Callable[[int], ImageFont.FreeTypeFont]) -> ImageFont.FreeTypeFont:
    return chinese_font(22)


@pytest.fixture(scope="session")
def scene(live_font: ImageFont.FreeTypeFont) -> Scene:
    return Scene(live_font)


@pytest.fixture
def read_pictures(live_models: tuple[Detector, Recognizer]) -> Callable[..., list[Event]]:
    """Reads pictures as frames at a rate."""

    def read(
        pictures: Iterable[Image],
        rate: float = 15,
        *,
        regions: Sequence[FrameRegion] = (),
        settings: LiveSettings = COMMENTS,
        early: bool = False,
    ) -> list[Event]:
        reader = LiveReader(*live_models, regions=regions, settings=settings, early=early)
        frames = (as_frame(picture, i, i / rate) for i, picture in enumerate(pictures))
        return list(reader.follow(frames, threading.Event()))

    return read


def as_frame(picture: Image, index: int, seconds: float) -> Frame:
    picture = picture.copy()
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    return Frame(index, seconds, grey, lambda: picture)
