"""Files of subtitles, as players and editors read them."""

from __future__ import annotations

from ocr.live.events import Event
from ocr.live.formats import ass, clock, srt, txt, vtt
from ocr.live.subtitles import Cue, band, cues

SIZE = (1080, 1920)
CUES = [Cue(0.5, 2.04, ("你好", "Hello <you>")), Cue(3661.9996, 3662.5, ("a --> b\n\nc {x}\\N",))]


def test_srt_has_numbered_cues() -> None:
    assert srt(CUES, SIZE) == (
        "1\n00:00:00,500 --> 00:00:02,040\n你好\nHello <you>\n\n"
        "2\n01:01:02,000 --> 01:01:02,500\na → b c {x}\\N\n"
    )


def test_vtt_escapes_what_would_be_markup() -> None:
    text = vtt(CUES, SIZE)
    assert text.startswith("WEBVTT\n\n00:00:00.500 --> 00:00:02.040\n你好\nHello &lt;you&gt;\n\n")


def test_ass_escapes_braces_and_backslashes() -> None:
    text = ass(CUES, SIZE)
    assert "PlayResX: 1920\nPlayResY: 1080\n" in text
    assert "Dialogue: 0,0:00:00.50,0:00:02.04,Default,,0,0,0,,你好\\NHello <you>\n" in text
    last = text.splitlines()[-1].partition(",,0,0,0,,")[2]
    assert "{" not in last
    assert "\\" not in last


def test_files_without_cues_are_valid() -> None:
    assert srt([], SIZE) == "" == txt([], SIZE)
    assert vtt([], SIZE) == "WEBVTT\n"


def test_clock_times_are_rounded_to_tenths() -> None:
    assert [clock(s) for s in (0, 59.96, 3600.04)] == ["0:00.0", "1:00.0", "1:00:00.0"]


def _event(text: str, first: float, until: float, y: float, number: int = 0) -> Event:
    box = ((100.0, y), (500.0, y), (500.0, y + 40), (100.0, y + 40))
    frames = round(first * 25), round(until * 25) - 1
    return Event(text, 0.9, box, first, until - 0.04, until, frames, 5, number)


def test_subtitle_band_leaves_out_logos_and_text_of_the_scene() -> None:
    spoken = [_event(f"句子{i}", 3.0 * i, 3.0 * i + 2.5, 900) for i in range(8)]
    english = [_event(f"line {i}", 3.0 * i, 3.0 * i + 2.5, 950) for i in range(8)]
    station = _event("TV", 0, 24, 60)
    signs = [_event("EXIT", 5, 7, 500), _event("商店", 11, 16, 400)]
    found = band([station, *signs, *spoken, *english], 1080)
    assert {event.text for event in found} == {e.text for e in [*spoken, *english]}
    made = cues(found)
    assert [cue.lines for cue in made] == [(f"句子{i}", f"line {i}") for i in range(8)]
    assert made[1].begin == 3.0
    assert made[1].end == 5.5


def test_a_cue_does_not_overlap_the_next_by_a_frame() -> None:
    made = cues([_event("一", 0, 2.04, 900), _event("二", 2, 4, 900)])
    assert [(cue.begin, cue.end) for cue in made] == [(0, 2), (2, 4)]


def test_no_events_give_no_subtitle_band() -> None:
    assert band([], 1080) == []
    assert band([_event("TV", 0, 100, 60)], 1080) == []
    assert cues([]) == []
