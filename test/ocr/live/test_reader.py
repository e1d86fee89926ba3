"""Events of rendered pictures: each line once, with its text, from its first frame to its last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from bench.live_clips import Shown, caption_frames, comment_frames, paste
from common.arrays import Image
from common.image import InputError
from common.roles import Detector, Recognizer
from ocr.live.events import Event
from ocr.live.follower import Follower
from ocr.live.frames import FrameRegion, Moment
from ocr.live.reader import LiveReader

from .conftest import Scene, as_frame

RATE = 15
READ = Callable[..., list[Event]]


def _plain(text: str) -> str:
    return "".join(text.lower().replace("：", ":").split())


def _by_text(events: list[Event]) -> dict[str, Event]:
    found = {_plain(event.text): event for event in events}
    assert len(found) == len(events), [event.text for event in events]
    return found


def _check(lines: list[Shown], events: list[Event], off: int = 2) -> None:
    """Each line is one event, within so many frames."""
    found = _by_text(events)
    assert set(found) == {_plain(line.text) for line in lines}
    for line in lines:
        event = found[_plain(line.text)]
        assert abs(event.frames[0] - line.first) <= off, (line, event)
        assert abs(event.frames[1] - line.last) <= off, (line, event)
        assert event.first == pytest.approx(event.frames[0] / RATE)
        assert event.last <= event.until <= event.last + 1.01 / RATE


def test_scrolling_comments_are_told_once_each(scene: Scene, read_pictures: READ) -> None:
    said = [
        ("小明", "大家晚上好"), ("Lily", "hello everyone"), ("老王", "这个多少钱一斤"),
        ("小红", "已经下单了"), ("阿强", "主播声音有点小"), ("Tom", "nice to see you"),
    ]  # fmt: skip
    lines = [Shown(f"{user}：{text}", user, text, "comment") for user, text in said]
    arrivals = [3, 9, 20, 34, 36, 50]
    faces = {lines[2].text: 2}
    frames = comment_frames(
        lines, arrivals, lambda line: scene.stamp(line, faces.get(line.text, 0)), scene.ground,
        (20, 110, 420, 126), 34, 80,
    )  # fmt: skip
    events = read_pictures(frames, RATE, regions=[FrameRegion(10, 100, 440, 160)])
    _check(lines, events)
    assert [event.number for event in events] == list(range(len(events)))
    assert [event.last for event in events] == sorted(event.last for event in events)
    for event in events:
        assert all(10 <= x <= 460 and 95 <= y <= 265 for x, y in event.box)


def test_fades_begin_and_end_at_half_opacity(scene: Scene, read_pictures: READ) -> None:
    lines = [Shown("今天我们来看海", first=9, last=30), Shown("The sea is calm", first=38, last=60)]
    frames = caption_frames(
        lines, scene.stamp, scene.ground, lambda line, layer: (120, 200), 72, fade=12
    )
    _check(lines, read_pictures(frames, RATE))


def test_a_line_of_a_second_is_not_missed_and_comes_back_as_another(
    scene: Scene, read_pictures: READ
) -> None:
    lines = [Shown("欢迎光临", first=20, last=34), Shown("欢迎光临", first=80, last=94)]
    frames = caption_frames(lines, scene.stamp, scene.ground, lambda line, layer: (150, 120), 110)
    events = read_pictures(frames, RATE)
    assert [event.text for event in events] == ["欢迎光临"] * 2
    for line, event in zip(lines, events, strict=True):
        assert abs(event.frames[0] - line.first) <= 1
        assert abs(event.frames[1] - line.last) <= 1


def test_a_line_hidden_for_a_moment_is_one_event(scene: Scene, read_pictures: READ) -> None:
    line = Shown("有人从字幕前面走过", first=0, last=59)

    def frames() -> Iterator[Image]:
        for i, picture in enumerate(
            caption_frames([line], scene.stamp, scene.ground, lambda *_: (120, 150), 60)
        ):
            if 20 <= i < 32:
                picture[100:220] = 90
            yield picture

    _check([line], read_pictures(frames(), RATE))


def test_changed_counter_is_another_event(scene: Scene, read_pictures: READ) -> None:
    lines = [
        Shown("小明 送出 玫瑰 x18", first=0, last=29), Shown("小明 送出 玫瑰 x47", first=30, last=59),
    ]  # fmt: skip
    frames = caption_frames(lines, scene.stamp, scene.ground, lambda *_: (60, 150), 60)
    _check(lines, read_pictures(frames, RATE))


def test_lines_that_fly_across_are_followed(scene: Scene, read_pictures: READ) -> None:
    texts = ["前方高能预警", "哈哈哈哈笑死我了"]
    stamps = [scene.stamp(Shown(text), shade=0.0) for text in texts]

    def frames() -> Iterator[Image]:
        for i in range(75):
            picture = scene.ground(i).copy()
            for k, layer in enumerate(stamps):
                paste(picture, layer, 480 - 12 * (i - 6 * k), 60 + 80 * k, 0, 1.0)
            yield picture

    events = read_pictures(frames(), RATE)
    assert sorted(event.text for event in events) == sorted(texts)


def test_pictures_without_text_give_no_events(scene: Scene, read_pictures: READ) -> None:
    assert read_pictures((scene.ground(i) for i in range(40)), RATE) == []
    assert read_pictures((np.full((90, 160, 3), 7, np.uint8) for _ in range(20)), RATE) == []
    assert read_pictures([], RATE) == []


def test_change_of_picture_size_ends_all_events(scene: Scene, read_pictures: READ) -> None:
    def frames() -> Iterator[Image]:
        for i in range(40):
            picture = scene.ground(i).copy()
            if i >= 20:
                picture = np.ascontiguousarray(picture[:200, :400])
            paste(picture, scene.stamp(Shown("画面大小变了")), 60, 90, 0, 1.0)
            yield picture

    events = read_pictures(frames(), RATE)
    assert [event.text for event in events] == ["画面大小变了"] * 2
    assert [event.frames for event in events] == [(0, 19), (20, 39)]


def test_early_events_come_once_while_the_line_is_there(
    scene: Scene, live_models: tuple[Detector, Recognizer]
) -> None:
    line = Shown("马上就说出来", first=5, last=59)
    pictures = caption_frames([line], scene.stamp, scene.ground, lambda *_: (120, 150), 75)
    reader = LiveReader(*live_models, early=True)
    frames = (as_frame(picture, i, i / RATE) for i, picture in enumerate(pictures))
    told = [(reader.frames, event) for event in reader.follow(frames, threading.Event())]
    ((when, event),) = told
    assert event.text == line.text
    assert when < 45


@pytest.mark.slow
def test_memory_of_the_follower_does_not_grow(
    scene: Scene, live_models: tuple[Detector, Recognizer]
) -> None:
    follower = Follower(*live_models, FrameRegion(0, 0, *scene.size))
    layers = [scene.stamp(Shown(f"第{number}句话")) for number in "一二三四"]
    events, most, kept = 0, 0, set()
    for i in range(150):
        picture = scene.ground(i).copy()
        if i % 30 < 15:
            paste(picture, layers[i // 30 % 4], 60, 150, 0, 1.0)
        # Three frames a second: fifty seconds.
        events += len(follower.see(as_frame(picture, i, i / 3)))
        most = max(most, len(follower._tracks) + len(follower._ended))
        kept.add(len(follower._past.after(Moment(-1, 0.0))))
    assert events >= 4
    assert most <= 3
    assert max(kept) <= 5


def test_a_region_outside_of_the_picture_is_an_error(scene: Scene, read_pictures: READ) -> None:
    with pytest.raises(InputError, match="lies outside of the picture of 480 x 270"):
        read_pictures([scene.ground(0)], RATE, regions=[FrameRegion(500, 0, 50, 50)])
