"""Render a stream of comments with truth, read it, and say how well and how fast.

    python -m bench.live render STREAM.mp4 --minutes 10 --corpus TEXT --backgrounds PHOTOS
    python -m bench.live read STREAM.mp4 [--loops N]

The first also writes STREAM.json, the truth. Times are CPU seconds of the process for each second of the clip.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import signal
import threading
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.random import Generator

from bench import live_clips
from bench.live_clips import DrawnLine, Moving, Shown
from ocr.formats.draw import find_font
from ocr.live.events import Event
from ocr.live.frames import Frame, FrameRegion
from ocr.live.reader import LiveReader
from ocr.live.settings import COMMENTS
from ocr.live.sources import Ahead
from ocr.live.video import Video
from ocr.live.voting import similarity
from ocr.models import batching, build, decoding
from train.synth.backgrounds import photograph_paths, scenery
from train.synth.corpus.sentences import Corpus
from train.synth.typesetting.fonts import Face, FontLibrary

SIZE = 1920, 1080
AREA = 60, 420, 900, 600
"""Of the comments: x, y, width, height."""

RATE = 30
SIZES = 28, 36
GIFTS = ("玫瑰", "火箭", "小心心", "棒棒糖", "跑车")
COLORS = ((255, 214, 102), (140, 220, 255), (255, 170, 190), (170, 240, 170))
CLOSE = 0.15
"""Seconds by which a beginning or an end may be off."""

ALIKE = 0.5
"""Similarity of texts from which an event is a line of the truth."""

ENTRY, GIFT, EMOJI = 0.18, 0.08, 0.12
"""Shares of entries, of gifts, and of comments with emoji at the end."""


def _said(rng: Generator, corpus: Corpus, face: Face) -> Shown:
    """A line as comment areas have them."""
    user = ""
    while not 2 <= len(user) <= 10:
        user = "".join(corpus.phrase(rng, "zh" if rng.random() < 0.7 else "en", 8).split())
        user = "".join(c for c in user if c.isalnum() and face.covers(c))
    draw = rng.random()
    if draw < ENTRY:
        return Shown(f"{user} 来了", user, "来了", "enter")
    if draw < ENTRY + GIFT:
        gift = f"{GIFTS[int(rng.integers(len(GIFTS)))]} x{int(rng.integers(1, 100))}"
        return Shown(f"{user} 送出 {gift}", user, gift, "gift")
    message = ""
    while not message:
        lang = "zh" if rng.random() < 0.85 else "en"
        message = corpus.phrase(rng, lang, int(rng.integers(2, 17))).strip()
        message = message if face.covers(message) else ""
    return Shown(f"{user}：{message}", user, message, "comment")


def render(path: Path, *, minutes: float, corpus: Path, photographs: Path, seed: int) -> None:
    """Write a clip, and its truth beside it."""
    rng = np.random.default_rng(seed)
    frames = int(minutes * 60 * RATE)
    texts, library = Corpus.load(corpus), FontLibrary.load()
    photos = photograph_paths(photographs)
    face = library.choose(rng, "的一国中，。：Ag09", style="sans")
    size = int(rng.integers(*SIZES))
    arrivals: list[int] = []
    frame = 10.0
    while frame < frames - RATE:
        arrivals.append(int(frame))
        # Now a lull, now a rush.
        busy = 0.6 + 0.5 * np.sin(frame / 400)
        frame += max(6.0, rng.exponential(RATE / (1.2 * busy + 0.2)))
    lines = [_said(rng, texts, face) for _ in arrivals]
    colors = [COLORS[int(rng.integers(len(COLORS)))] for _ in lines]
    faces = [int(rng.integers(1, 4)) if rng.random() < EMOJI else 0 for _ in lines]
    numbers = {id(line): number for number, line in enumerate(lines)}

    def draw(line: Shown) -> DrawnLine:
        number = numbers[id(line)]
        head = line.text[: len(line.user) + (line.kind == "comment")]
        parts = [(head, colors[number]), (line.text[len(head) :], (255, 255, 255))]
        return live_clips.stamp(parts, face.at(size), faces=faces[number])

    scenes: dict[int, Moving] = {}

    def ground(number: int) -> np.ndarray:
        scene = number // (RATE * 12)
        if scene not in scenes:
            scenes.clear()
            scenes[scene] = Moving(live_clips.mosaic(photos, SIZE, rng), SIZE)
        return scenes[scene].at(number)

    pitch = round(size * live_clips.PITCH)
    pictures = live_clips.comment_frames(lines, arrivals, draw, ground, AREA, pitch, frames)
    live_clips.write(path, pictures, rate=RATE)
    truth = {
        "rate": RATE, "frames": frames, "area": AREA, "face": face.name, "size": size,
        "lines": [asdict(line) for line in lines],
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(truth, ensure_ascii=False, indent=1), "utf-8")


def example(path: Path) -> None:
    """Write a clip of twelve seconds on grounds that are drawn, with a Chinese font of the system."""
    font = find_font(22)
    if font is None:
        raise SystemExit("no Chinese font on this system: apt-get install fonts-noto-cjk")
    rng = np.random.default_rng(11)
    size, area, rate, frames = (854, 480), (20, 170, 520, 290), 25, 300
    grounds = [
        Moving(scenery(rng, int(size[1] * 1.2), int(size[0] * 1.2)), size, period=400)
        for _ in range(2)
    ]
    lines = [
        Shown(f"{user}{mark}{message}", user, message, kind) for user, mark, message, kind in SAID
    ]
    arrivals = [8 + 21 * i for i in range(len(lines))]
    colors = {id(line): COLORS[i % len(COLORS)] for i, line in enumerate(lines)}

    def draw(line: Shown) -> DrawnLine:
        head = line.text[: len(line.user) + (line.kind == "comment")]
        parts = [(head, colors[id(line)]), (line.text[len(head) :], (255, 255, 255))]
        return live_clips.stamp(parts, font, faces=2 if "哈" in line.text else 0)

    pictures = live_clips.comment_frames(
        lines, arrivals, draw, lambda i: grounds[i // 150].at(i), area, 33, frames
    )
    live_clips.write(path, pictures, rate=rate, bit_rate=150_000, preset="slow")


SAID = (
    ("小雨", " ", "来了", "enter"),
    ("山里人", "：", "大家晚上好", "comment"),
    ("Lily", "：", "hello from Berlin", "comment"),
    ("阿强", "：", "主播今天讲什么", "comment"),
    ("老王", " 送出 ", "玫瑰 x9", "gift"),
    ("小雨", "：", "哈哈哈太好笑了", "comment"),
    ("Tom", " ", "joined", "enter"),
    ("豆豆妈", "：", "这个颜色还有货吗", "comment"),
    ("山里人", "：", "已经下单了，包邮吗", "comment"),
    ("Tom", "：", "what is the price", "comment"),
    ("阿强", "：", "声音有点小", "comment"),
    ("Lily", " 送出 ", "火箭 x1", "gift"),
)
"""Of the example: user, what stands between, message, kind."""


class EventScores(NamedTuple):
    """How well a clip was read.

    Args:
        precision: Share of events that are a line of the truth.
        recall: Share of lines that are an event.
        begins: Share of their beginnings within `CLOSE` seconds.
        ends: The same of their ends.
        cer: Edits of their texts by characters of the truth.
        errors: Pairs of (truth, read) that differ; either is empty where there is no such line.
    """

    precision: float
    recall: float
    begins: float
    ends: float
    cer: float
    errors: list[tuple[str, str]]


def score_events(lines: Sequence[Shown], events: Sequence[Event], rate: float) -> EventScores:
    """Compare events with truth, one to one, the most alike first, among those whose times overlap."""
    shown = [line for line in lines if line.first >= 0]
    pairs = []
    for i, line in enumerate(shown):
        for j, event in enumerate(events):
            if event.frames[0] <= line.last and line.first <= event.frames[1]:
                alike = similarity(_plain(line.text), _plain(event.text))
                apart = abs(event.frames[0] - line.first) + abs(event.frames[1] - line.last)
                if alike >= ALIKE:
                    pairs.append((-alike, apart, i, j))
    of: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in sorted(pairs):
        if i not in of and j not in taken:
            of[i] = j
            taken.add(j)
    edits = letters = begins = ends = 0
    # What is there for less than a second need not be found, but may be.
    needed = [i for i, line in enumerate(shown) if line.last - line.first >= rate - 1]
    errors = [(shown[i].text, "") for i in needed if i not in of]
    errors += [("", events[j].text) for j in range(len(events)) if j not in taken]
    for i, j in of.items():
        line, event = shown[i], events[j]
        truth, read = _plain(line.text), _plain(event.text)
        wrong = round((1 - similarity(truth, read)) * max(len(truth), len(read)))
        edits, letters = edits + wrong, letters + len(truth)
        begins += abs(event.first - line.first / rate) <= CLOSE
        ends += abs(event.last - line.last / rate) <= CLOSE
        if wrong:
            errors.append((line.text, event.text))
    found = max(len(of), 1)
    return EventScores(
        len(of) / max(len(events), 1), sum(i in of for i in needed) / max(len(needed), 1),
        begins / found, ends / found, edits / max(letters, 1), errors,
    )  # fmt: skip


def _plain(text: str) -> str:
    """A text as texts are compared everywhere here: NFKC, lower case, no white space."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def _looped(clip: Path, loops: int, start: float, stop: threading.Event) -> Iterator[Frame]:
    """A clip over and over, from a time on."""
    number, begin, seconds = 0, 0.0, 0.0
    for _ in range(loops):
        for frame in Video(clip, stop=stop):
            if frame.seconds < start:
                number += 1
                continue
            seconds = begin + frame.seconds
            yield dataclasses.replace(frame, index=number, seconds=seconds)
            number += 1
        begin = seconds + 1 / RATE


def read(
    clip: Path, *, loops: int, start: float, seconds: float | None, threads: int, region: bool
) -> None:
    """Read a clip, or so many seconds of it from a start, and print figures; memory once a minute of it."""
    truth = json.loads(clip.with_suffix(".json").read_text("utf-8"))
    lines = [Shown(**line) for line in truth["lines"]]
    batches = batching("cpu", threads)
    detector = build("small", "detector", threads=threads)
    recognizer = build(
        "small", "recognizer", threads=threads // batches["workers"], options=decoding() | batches
    )
    cv2.setNumThreads(threads)
    regions = [FrameRegion(*truth["area"])] if region else []
    reader = LiveReader(detector, recognizer, regions=regions, settings=COMMENTS)
    stop = threading.Event()
    events: list[Event] = []
    began, cpu, minute = time.perf_counter(), time.process_time(), 0
    signal.signal(signal.SIGINT, lambda *_: stop.set())  # figures of what was read
    for frame in Ahead(_looped(clip, loops, start, stop), stop):
        if not reader.frames:
            began, cpu = time.perf_counter(), time.process_time()
        events += reader.see(frame)
        if reader.seconds - start >= 60 * (minute + 1):
            minute += 1
            spent = (time.process_time() - cpu) / (reader.seconds - start)
            print(f"{minute} min: {_memory():.0f} MiB, {spent:.2f} CPU s/s", flush=True)
        if stop.is_set() or (seconds is not None and reader.seconds >= start + seconds):
            break
    events += reader.finish()
    wall, spent = time.perf_counter() - began, time.process_time() - cpu
    first = round(start * truth["rate"])
    cut = min(first + reader.frames, truth["frames"]) - 1
    shown = [
        dataclasses.replace(line, last=min(line.last, cut))
        for line in lines
        if first <= line.first <= cut
    ]
    # Of lines that were there before the start, the beginning was not to be seen.
    inside = [event for event in events if (first + 1 if start else 0) < event.frames[0] + 1 <= cut]
    score = score_events(shown, inside, truth["rate"])
    length = reader.seconds - start
    for one, other in score.errors:
        print(f"  {one!r} -> {other!r}")
    print(
        f"{length:.0f} s of clip: {spent / length:.3f} CPU s/s, {length / wall:.2f} s a second of "
        f"the clock, {reader.looks} looks, {reader.detections} detections, "
        f"{reader.readings} readings, {_memory():.0f} MiB"
    )
    print(
        f"events {len(inside)}: precision {score.precision:.3f}, recall {score.recall:.3f}, begins "
        f"{score.begins:.3f}, ends {score.ends:.3f} within {CLOSE} s, CER {score.cer:.4f}"
    )


def _memory() -> float:
    """Resident memory now in MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("example", help="write the small clip of test/data")
    show.add_argument("clip", type=Path)
    make = commands.add_parser("render", help="write a clip and its truth")
    make.add_argument("clip", type=Path)
    make.add_argument("--minutes", type=float, default=10.0)
    make.add_argument("--corpus", type=Path, required=True)
    make.add_argument("--backgrounds", type=Path, required=True)
    make.add_argument("--seed", type=int, default=1)
    measure = commands.add_parser("read", help="read a clip and compare with its truth")
    measure.add_argument("clip", type=Path)
    measure.add_argument("--loops", type=int, default=1, help="times that it is read on end")
    measure.add_argument("--start", type=float, default=0.0, help="seconds to leave out")
    measure.add_argument("--seconds", type=float, help="stop there")
    measure.add_argument("--threads", type=int, default=2)
    measure.add_argument("--whole", action="store_true", help="the whole picture, not the area")
    options = parser.parse_args()
    if options.command == "example":
        example(options.clip)
        return
    if options.command == "read":
        read(
            options.clip, loops=options.loops, start=options.start, seconds=options.seconds,
            threads=options.threads, region=not options.whole,
        )  # fmt: skip
        return
    render(
        options.clip, minutes=options.minutes, corpus=options.corpus,
        photographs=options.backgrounds, seed=options.seed,
    )  # fmt: skip


if __name__ == "__main__":
    main()
