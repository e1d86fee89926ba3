"""Clips as files: what is damaged, cut, turned or no clip at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.live_clips import write
from common.arrays import Image
from common.image import InputError
from ocr.live.frames import Frame
from ocr.live.sources import Ahead, open_source, parse_frame_region
from ocr.live.video import Video

av = pytest.importorskip("av", reason="requirements-video.txt is not installed")


def _pictures(count: int, width: int = 128, height: int = 96) -> Iterator[Image]:
    """Each a little brighter than the last."""
    for i in range(count):
        yield np.full((height, width, 3), 40 + 2 * i, np.uint8)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mkv"
    write(path, _pictures(60), rate=20, bit_rate=200_000)
    return path


def _frames(path: Path) -> tuple[list[Frame], Video]:
    video = Video(path, stop=threading.Event())
    return list(video), video


def test_every_frame_comes_with_its_number_and_time(clip: Path) -> None:
    frames, video = _frames(clip)
    assert [frame.index for frame in frames] == list(range(60))
    assert np.allclose([frame.seconds for frame in frames], np.arange(60) / 20, atol=0.002)
    assert video.length == pytest.approx(3.0, abs=0.1)
    for i, frame in enumerate(frames):
        assert frame.size == (96, 128)
        color = frame.color()
        assert color.shape == (96, 128, 3)
        assert abs(float(color.mean()) - (40 + 2 * i)) < 6
        # Grey levels of clips run from 16 to 235.
        assert abs(float(frame.luma.mean()) - (16 + (40 + 2 * i) * 219 / 255)) < 6
    assert (video.damaged, video.lost_end) == (0, None)


def test_truncated_clip_gives_its_frames(clip: Path) -> None:
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) * 2 // 3])
    frames, video = _frames(clip)
    assert 20 <= len(frames) < 40
    assert video.lost_end and "the file is cut: " in video.lost_end
    assert "of 3.0 seconds are there" in video.lost_end


def test_sound_that_goes_on_is_no_cut(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "longer.mkv"
    with av.open(str(clip)) as source, av.open(str(path), "w") as out:
        pictures, sound = out.add_stream_from_template(source.streams.video[0]), None
        sound = out.add_stream("pcm_s16le", rate=8000, layout="mono")
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = pictures
                out.mux(packet)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000 * 6), np.int16), layout="mono")
        silence.sample_rate = 8000
        out.mux([*sound.encode(silence), *sound.encode(None)])
    frames, video = _frames(path)
    assert len(frames) == 60
    assert video.length == pytest.approx(6.0, abs=0.2)
    assert video.lost_end is None


def test_damage_in_the_middle_loses_nothing_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "clip.ts"
    pictures = [rng.integers(0, 255, (96, 128, 3)).astype(np.uint8) for _ in range(60)]
    write(path, pictures, rate=20, bit_rate=2_000_000)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = rng.integers(0, 255, 3000).astype(np.uint8).tobytes()
    path.write_bytes(content)
    frames, _ = _frames(path)
    assert len(frames) >= 40
    seconds = [frame.seconds for frame in frames]
    assert seconds == sorted(set(seconds))
    assert seconds[-1] == pytest.approx(59 / 20, abs=0.3)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.mp4"),
        (b"no clip at all" * 100, "text.mp4"),
        (b"#EXTM3U\n#EXTINF:1,\nclip.mkv\n#EXT-X-ENDLIST\n", "list.m3u8"),
        (b"ffconcat version 1.0\nfile clip.mkv\n", "list.ffconcat"),
    ],
)
def test_files_that_are_no_clips_are_refused(clip: Path, content: bytes, name: str) -> None:
    path = clip.with_name(name)
    path.write_bytes(content)
    with pytest.raises(InputError, match=name):
        _frames(path)


def test_file_of_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="found no moving pictures"):
        _frames(path)


def test_a_name_is_never_taken_as_an_address(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clip.parent)
    odd = clip.rename(clip.with_name("concat:a,b|c.mkv"))
    assert len(_frames(Path(odd.name))[0]) == 60


def test_urls_are_refused_without_allow_network() -> None:
    stop = threading.Event()
    with pytest.raises(InputError, match="only with --allow-network"):
        open_source("http://127.0.0.1:9/clip.mp4", stop=stop)
    for url in ("file:///etc/passwd", "concat://a", "gopher://x/"):
        with pytest.raises(InputError, match="expected one of"):
            open_source(url, stop=stop, allow_network=True)


def test_a_stream_that_is_not_there_fails_in_time() -> None:
    source = open_source(
        "http://127.0.0.1:9/clip.mp4", stop=threading.Event(), allow_network=True, wait=0.0
    )
    with pytest.raises(InputError, match="127.0.0.1:9"):
        list(source)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,x", "-1,0,20,20", "0,0,7,20", "0,0,20,20,3"])
def test_invalid_regions_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected x"):
        parse_frame_region(text)


def test_frames_ahead_end_with_the_reader_and_carry_errors(clip: Path) -> None:
    before = threading.active_count()
    for frame in Ahead(Video(clip, stop=threading.Event()), threading.Event()):
        if frame.index == 3:
            break
    assert threading.active_count() == before
    missing = Video(clip.with_name("none.mkv"), stop=threading.Event())
    with pytest.raises(InputError, match="none.mkv"):
        list(Ahead(missing, threading.Event()))
