"""A folder that is being filled, and a screen that may not be there."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from common.image import InputError
from ocr.live.folder import Folder
from ocr.live.sources import open_source


def _write(path: Path, level: int, when: float | None = None) -> None:
    Pillow.fromarray(np.full((20, 30, 3), level, np.uint8)).save(path)
    if when is not None:
        os.utime(path, (when, when))


def test_pictures_come_in_order_with_the_times_of_their_files(tmp_path: Path) -> None:
    for i, name in enumerate(["b.png", "a.png", "c.jpg"]):
        _write(tmp_path / name, 50 * i, 1000.0 + (0.05, 0, 7.5)[i])
    (tmp_path / "notes.txt").write_text("no picture", "utf-8")
    frames = list(Folder(tmp_path, stop=threading.Event()))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.seconds for frame in frames] == pytest.approx([0.0, 0.05, 7.5])
    assert [int(frame.color()[0, 0, 0]) for frame in frames][:2] == [50, 0]


def test_files_of_equal_times_get_different_seconds(tmp_path: Path) -> None:
    for i in range(3):
        _write(tmp_path / f"{i}.png", i, 1000.0)
    seconds = [frame.seconds for frame in Folder(tmp_path, stop=threading.Event())]
    assert seconds == pytest.approx([0.0, 0.2, 0.4])


def test_a_damaged_picture_loses_no_other(tmp_path: Path) -> None:
    for i in range(3):
        _write(tmp_path / f"{i}.png", 10 * i)
    (tmp_path / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    folder = Folder(tmp_path, stop=threading.Event())
    assert len(list(folder)) == 2
    assert folder.damaged == 1


def test_pictures_added_later_are_read(tmp_path: Path) -> None:
    _write(tmp_path / "0.png", 0)

    def fill() -> None:
        for i in range(1, 4):
            time.sleep(0.15)
            part = tmp_path / f"{i}.part"
            Pillow.fromarray(np.full((20, 30, 3), i, np.uint8)).save(part, "PNG")
            part.rename(tmp_path / f"{i}.png")

    thread = threading.Thread(target=fill)
    thread.start()
    frames = list(Folder(tmp_path, stop=threading.Event(), wait=3.0))
    thread.join()
    assert len(frames) == 4


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found no picture"):
        list(open_source(str(tmp_path), stop=threading.Event()))
    with pytest.raises(InputError, match="no such file"):
        open_source(str(tmp_path / "none"), stop=threading.Event())


def test_missing_screen_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mss", reason="requirements-video.txt is not installed")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(InputError, match="screen: "):
        list(open_source("screen", stop=threading.Event()))
