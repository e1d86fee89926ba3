"""A clip sent to the service: its events, and why there may be none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="requirements-web.txt is not installed")
pytest.importorskip("av", reason="requirements-video.txt is not installed")

from fastapi.testclient import TestClient

from bench.live_clips import Shown, paste, stamp, write
from common.arrays import Image
from ocr import Reader, load
from ocr.formats.draw import find_font
from ocr.web import clips
from ocr.web.app import make_app
from ocr.web.errors import STATUSES
from ocr.web.limits import Limits


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = make_app(load(threads=1), limits=Limits())
    with TestClient(app, raise_server_exceptions=False) as started:
        yield started


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    font = find_font(24)
    if font is None:
        pytest.skip("no Chinese font on this system")
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    said = Shown("小明：大家好", "小明", "大家好", "comment")
    layer = stamp([(said.text, (255, 255, 255))], font)

    def pictures() -> Iterator[Image]:
        for i in range(30):
            picture = np.full((180, 320, 3), 60, np.uint8)
            if 5 <= i < 25:
                paste(picture, layer, 40, 80, 0, 1.0)
            yield picture

    write(path, pictures(), rate=10, bit_rate=300_000)
    return path.read_bytes()


def _error(answer: Any, code: str) -> str:
    assert answer.status_code == STATUSES[code], answer.text
    assert answer.json()["error"]["code"] == code
    return str(answer.json()["error"]["message"])


def test_clip_is_answered_with_its_events(client: TestClient, clip: bytes) -> None:
    answer = client.post("/clip?name=a.mp4&comments=true", content=clip)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert (content["width"], content["height"], content["complete"]) == (320, 180, True)
    (event,) = content["events"]
    assert (event["kind"], event["user"], event["message"]) == ("comment", "小明", "大家好")
    assert abs(event["first"] - 0.5) <= 0.11
    assert abs(event["last"] - 2.4) <= 0.11
    assert event["source"] == "a.mp4"
    clips.ClipModel.model_validate(content)
    assert client.get("/about").json()["clips"] is True


def test_files_that_are_no_clips_are_refused(
    client: TestClient, clip: bytes, tmp_path: Path
) -> None:
    message = _error(client.post("/clip?name=a.mp4", content=b"no clip" * 50), "unreadable")
    assert message.startswith("a.mp4: ")
    playlist = b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n"
    _error(client.post("/clip?name=a.m3u8", content=playlist), "unreadable")
    assert "there are: comments, name" in _error(
        client.post("/clip?angle=1", content=clip), "bad_option"
    )


def test_missing_pyav_is_said_in_the_answer(
    client: TestClient, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "are_clips_read", lambda: False)
    _error(client.post("/clip", content=clip), "clips_unavailable")


def test_clip_over_the_time_limit_is_answered_in_part(
    clip: bytes, bar_reader: Callable[..., Reader], tmp_path: Path
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(clip)
    limits = Limits(read_timeout_s=0.0)
    upload = clips.Upload(path, "a.mp4")
    try:
        content = clips.read_clip(bar_reader(), upload, limits, clips.Cancelled(), comments=False)
    except clips.ServiceError as error:
        assert error.code == "unreadable"  # not even a frame
    else:
        assert b'"complete": false' in content
