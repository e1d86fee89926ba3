"""Write cues as files that players and editors of subtitles read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ocr.live.subtitles import Cue

_ASS_HEADER = """[Script Info]
ScriptType: v4.00+
WrapStyle: 0
ScaledBorderAndShadow: yes
PlayResX: {width}
PlayResY: {height}

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,sans-serif,{size},&H00FFFFFF,&H000000FF,&H00000000,&H64000000,0,0,0,0,100,100,0,0,1,2,0,2,20,20,20,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def srt(cues: Sequence[Cue], size: tuple[int, int]) -> str:
    """SubRip: numbered cues with times to the millisecond."""
    parts = [
        f"{number}\n{_time(cue.begin, ',')} --> {_time(cue.end, ',')}\n{_joined(cue)}\n"
        for number, cue in enumerate(cues, 1)
    ]
    return "\n".join(parts)


def vtt(cues: Sequence[Cue], size: tuple[int, int]) -> str:
    """WebVTT (W3C, section 3): cues after a header line."""
    parts = ["WEBVTT\n"]
    for cue in cues:
        text = _joined(cue).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        parts.append(f"{_time(cue.begin, '.')} --> {_time(cue.end, '.')}\n{text}\n")
    return "\n".join(parts)


def ass(cues: Sequence[Cue], size: tuple[int, int]) -> str:
    """Advanced SubStation Alpha, with one style; times to the hundredth of a second."""
    height, width = size
    lines = [_ASS_HEADER.format(width=width, height=height, size=max(12, height // 18))]
    for cue in cues:
        # Braces open commands there, and a backslash is one.
        text = r"\N".join(_plain(line) for line in cue.lines)
        lines.append(
            f"Dialogue: 0,{_ass_time(cue.begin)},{_ass_time(cue.end)},Default,,0,0,0,,{text}\n"
        )
    return "".join(lines)


def txt(cues: Sequence[Cue], size: tuple[int, int]) -> str:
    """The text alone."""
    return "".join(f"{line}\n" for cue in cues for line in cue.lines)


FORMATS: dict[str, Callable[[Sequence[Cue], tuple[int, int]], str]] = {
    "srt": srt,
    "vtt": vtt,
    "ass": ass,
    "txt": txt,
}
"""Suffix to what writes it, from cues and the picture's (height, width)."""


def clock(seconds: float) -> str:
    """A time for people, as 1:02:03.4 or 2:03.4."""
    tenths = round(max(0.0, seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{rest // 10:02d}.{rest % 10}"


def _joined(cue: Cue) -> str:
    # An empty line or an arrow would end a cue.
    return "\n".join(_clean(cue.lines))


def _clean(lines: Iterable[str]) -> list[str]:
    return [" ".join(line.split()).replace("-->", "→") for line in lines]


def _plain(line: str) -> str:
    return " ".join(line.split()).replace("\\", "＼").replace("{", "｛").replace("}", "｝")


def _time(seconds: float, mark: str) -> str:
    whole = round(max(0.0, seconds) * 1000)
    minutes, rest = divmod(whole, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"


def _ass_time(seconds: float) -> str:
    whole = round(max(0.0, seconds) * 100)
    minutes, rest = divmod(whole, 6000)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest // 100:02d}.{rest % 100:02d}"
