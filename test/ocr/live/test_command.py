"""The command line: outputs, exit statuses, and what an interruption leaves."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import demo
from bench.live_clips import Shown, caption_frames, write
from ocr.live import command
from ocr.live.command import main
from ocr.live.frames import Frame
from ocr.live.video import Video

from .conftest import Scene

pytest.importorskip("av", reason="requirements-video.txt is not installed")

LINES = [
    Shown("我们去看海吧", first=5, last=29), Shown("Let us go to the sea", first=5, last=29),
    Shown("好的明天见", first=36, last=62), Shown("See you tomorrow then", first=36, last=62),
]  # fmt: skip


@pytest.fixture(scope="module")
def clip(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "film.mp4"
    station = Shown("频道一", first=0, last=74)

    def place(line: Shown, _: object) -> tuple[int, int]:
        return (
            20 if line is station else 110,
            10 if line is station else 190 + 34 * line.text.isascii(),
        )

    pictures = caption_frames(
        [station, *LINES], lambda line: scene.stamp(line, shade=0.0), scene.ground, place, 75
    )
    write(path, pictures, rate=15, bit_rate=700_000)
    return path


@pytest.mark.slow
def test_subtitles_of_two_languages_are_written_as_files(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([str(clip), "-o", str(out), "-f", "srt,vtt,ass,txt", "--quiet"]) == 0
    cues = (out / "film.srt").read_text("utf-8").split("\n\n")
    assert [cue.splitlines()[2:] for cue in cues] == [
        [LINES[0].text, LINES[1].text], [LINES[2].text, LINES[3].text]
    ]  # fmt: skip
    begin, end = cues[1].splitlines()[1].split(" --> ")
    assert abs(_seconds(begin) - 36 / 15) <= 0.15
    assert abs(_seconds(end) - 63 / 15) <= 0.15
    assert {path.suffix for path in out.iterdir()} == {".srt", ".vtt", ".ass", ".txt"}
    # What a run has written is replaced by the next; what was corrected is not, unless that is asked for.
    assert main([str(clip), "-o", str(out), "-f", "txt", "--seconds", "1", "--quiet"]) == 0
    (out / "film.srt").write_text("corrected", "utf-8")
    with pytest.raises(SystemExit) as usage:
        main([str(clip), "-o", str(out), "-f", "srt"])
    assert usage.value.code == 2


def _seconds(text: str) -> float:
    hours, minutes, rest = text.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


@pytest.mark.parametrize("program", [main, pytest.param(demo.main, marks=pytest.mark.slow)])
def test_json_is_one_event_a_line(
    program: Callable[[list[str]], int], clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program([str(clip), "--json", "-", "--comments", "--region", "0,180,480,90"]) == 0
    output = capsys.readouterr()
    events = [json.loads(line) for line in output.out.splitlines()]
    assert sorted(event["text"] for event in events) == sorted(line.text for line in LINES)
    for number, event in enumerate(events):
        assert event["event"] == number
        assert event["source"] == str(clip)
        assert event["kind"] == "text"
        assert event["first"] <= event["last"] < 5.1
        assert event["frames"][0] <= event["frames"][1]
        assert event["seen"] >= 5
        assert 0.6 < event["score"] <= 1
        assert len(event["box"]) == 4
    assert "s a second" in output.err


@pytest.mark.slow
def test_one_source_that_fails_costs_no_other(clip: Path, tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    assert main(["none.mp4", str(clip), "--json", str(log), "--quiet", "--seconds", "2"]) == 1
    texts = {json.loads(line)["text"] for line in log.read_text("utf-8").splitlines()}
    assert {LINES[0].text, LINES[1].text} <= texts


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["none.mp4"], 1),
        (["http://127.0.0.1:9/a.mp4"], 1),
        (["a.mp4", "-f", "srt"], 2),
        (["a.mp4", "-o", "x", "-f", "docx"], 2),
        (["a.mp4", "--region", "1,2"], 2),
        (["a.mp4", "--fps", "0"], 2),
        (["a.mp4", "--comments", "--subtitles"], 2),
    ],
)
def test_failed_sources_exit_with_1_and_bad_usage_with_2(
    arguments: list[str], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        assert main(arguments) == status
    except SystemExit as usage:
        assert usage.code == status


def test_output_that_cannot_be_written_is_an_error(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(clip), "--json", str(tmp_path / "none" / "a.jsonl"), "--seconds", "1"]) == 1
    assert "a.jsonl: No such file or directory" in capsys.readouterr().err


def test_an_input_is_never_overwritten(clip: Path) -> None:
    before = clip.read_bytes()
    with pytest.raises(SystemExit) as usage:
        main([str(clip), "--json", str(clip), "--overwrite"])
    assert usage.value.code == 2
    assert clip.read_bytes() == before


class _Silent:
    """A source that falls silent after some frames and is interrupted then."""

    name, damaged, lost_end, length = "silent", 0, None, None

    def __init__(self, clip: Path, stop: threading.Event) -> None:
        self._clip, self._stop = clip, stop

    def __iter__(self) -> Iterator[Frame]:
        for frame in Video(self._clip, stop=self._stop):
            if frame.index == 25:
                os.kill(os.getpid(), signal.SIGINT)
                assert self._stop.wait(20)
                return
            yield frame


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a process there")
def test_interruption_writes_the_events_so_far(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        command, "open_source", lambda name, *, stop, **options: _Silent(clip, stop)
    )
    before = signal.getsignal(signal.SIGINT)
    assert command.main(["silent", "--json", "-"]) == 130
    assert signal.getsignal(signal.SIGINT) is before
    output = capsys.readouterr()
    texts = {json.loads(line)["text"] for line in output.out.splitlines()}
    assert {LINES[0].text, LINES[1].text} <= texts
    assert "interrupted at" in output.err
