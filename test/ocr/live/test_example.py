"""The clip of `test/data`: every comment once, as it was said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.live import SAID
from ocr.live.command import main

pytest.importorskip("av", reason="requirements-video.txt is not installed")
pytestmark = pytest.mark.slow

CLIP = Path(__file__).resolve().parents[2] / "data" / "live.mp4"


def _plain(text: str) -> str:
    return "".join(text.lower().replace("：", ":").replace("，", ",").split())


def test_example_clip_gives_all_comments_with_their_users(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        main([str(CLIP), "--comments", "--json", "-", "--fps", "3", "--region", "10,160,560,310"])
        == 0
    )
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    events.sort(key=lambda event: event["first"])
    found = [(_plain(e["user"]), _plain(e["message"]), e["kind"]) for e in events]
    assert found == [(_plain(user), _plain(message), kind) for user, _, message, kind in SAID]
    # Each comes 21 frames after the one before, and is half there 3 frames later.
    for i, event in enumerate(events):
        assert abs(event["frames"][0] - (8 + 21 * i + 2)) <= 3
