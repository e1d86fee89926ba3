"""Preprocessing, CTC decoding and the recognizer around a network that is known."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest

from common.arrays import Floats
from crnn import Recognizer
from recognition import ctc
from recognition.decoding.lexicon import Lexicon
from recognition.preprocess import HEIGHT, MAX_WIDTH, STRIDE, batch, to_input, width_at_height


def log_probs(classes: list[int], count: int = 5) -> Floats:
    """Steps that are 90 % sure of these classes."""
    out = np.full((len(classes), count), 0.1 / (count - 1), np.float32)
    out[np.arange(len(classes)), classes] = 0.9
    return np.log(out)


@pytest.mark.parametrize(
    ("steps", "read"),
    [
        ([], []),
        ([0, 0, 0], []),
        ([1, 1, 1], [1]),
        ([1, 0, 1], [1, 1]),
        ([1, 2, 2, 0, 2, 0], [1, 2, 2]),
        ([0, 3, 0, 0, 3, 3, 4], [3, 3, 4]),
    ],
)
def test_greedy_merges_repeats_and_drops_blanks(steps: list[int], read: list[int]) -> None:
    runs = ctc.greedy(log_probs(steps) if steps else np.zeros((0, 5), np.float32))
    assert [run.label for run in runs] == read
    assert all(run.start < run.stop for run in runs)
    assert all(steps[run.start : run.stop] == [run.label] * (run.stop - run.start) for run in runs)
    assert all(run.probability == pytest.approx(0.9, abs=1e-5) for run in runs)


def test_network_input_ignores_brightness_and_contrast() -> None:
    rng = np.random.default_rng(1)
    crop = rng.integers(0, 120, (40, 90, 3)).astype(np.uint8)
    brighter = (crop * 1.5 + 40).astype(np.uint8)
    width = width_at_height(40, 90)
    assert width == 72
    np.testing.assert_allclose(to_input(crop, width), to_input(brighter, width), atol=0.1)


def test_noise_of_a_blank_crop_is_not_amplified() -> None:
    noise = np.random.default_rng(2).integers(127, 130, (32, 64, 3)).astype(np.uint8)
    assert np.abs(to_input(noise, 64)).max() < 0.3


def test_batch_pads_with_the_mean() -> None:
    crops = [np.full((32, w, 3), 255 * (w > 20), np.uint8) for w in (16, 50)]
    out = batch(crops, [16, 50])
    assert out.shape == (2, 1, HEIGHT, 68)  # 50 and 16 beyond, in whole steps
    assert not out[0, 0, :, 16:].any()


def coloured_network(lines: Floats) -> tuple[Floats]:
    """Say class 1 where a step is bright, class 2 where it is dark, blank elsewhere."""
    level = lines[:, 0].mean(1).reshape(len(lines), -1, STRIDE).mean(2)
    classes = np.where(level > 0.5, 1, np.where(level < -0.5, 2, 0))
    return (np.stack([log_probs(list(row), 3) for row in classes]),)


def bar(width: int, pattern: str) -> np.ndarray:
    """A crop whose columns are bright (a), dark (b) or grey."""
    levels = {"a": 255, "b": 0, ".": 128}
    row = np.repeat([levels[c] for c in pattern], width // len(pattern))
    return np.repeat(np.tile(row, (32, 1))[:, :, None], 3, axis=2).astype(np.uint8)


def test_readings_come_in_the_order_of_the_crops_whatever_the_batches() -> None:
    patterns = ["a.b", "bb.a", "a..b.a", "b.a.b.a.b", "a.b"] * 3
    crops = [bar(32 * len(p) * (1 + i % 3), p) for i, p in enumerate(patterns)]
    expected = [p.replace(".", "").replace("bb", "b") for p in patterns]
    for columns, workers in itertools.product((1, 300, 100_000), (1, 2, 5)):
        reader = Recognizer(coloured_network, charset="ab", batch_columns=columns, workers=workers)
        readings = reader(crops)
        assert [r.text for r in readings] == expected
    for reading in readings:
        assert len(reading.char_scores) == len(reading.char_spans) == len(reading.text)
        assert all(0 <= a < b <= 1 for a, b in reading.char_spans)
        assert reading.score == pytest.approx(0.9, abs=1e-4)


def test_workers_read_batches_at_the_same_time() -> None:
    together = threading.Barrier(3)

    def network(lines: Floats) -> tuple[Floats]:
        together.wait(10)  # three threads, or none goes on
        return coloured_network(lines)

    crops = [bar(160, "a.b.a") for _ in range(6)]
    reader = Recognizer(network, charset="ab", batch_columns=160, workers=3)
    assert [reading.text for reading in reader(crops)] == ["aba"] * 6


def test_an_error_in_one_batch_is_not_lost() -> None:
    def network(lines: Floats) -> tuple[Floats]:
        if lines.shape[3] > 200:
            raise RuntimeError("out of memory")
        return coloured_network(lines)

    before = threading.active_count()
    reader = Recognizer(network, charset="ab", batch_columns=160, workers=2)
    with pytest.raises(RuntimeError, match="out of memory"):
        reader([bar(160, "a.b.a"), bar(320, "a.b.a"), bar(160, "a.b.a")])
    assert threading.active_count() == before


def test_lines_with_and_without_gated_classes_share_a_batch() -> None:
    def network(lines: Floats, alarm: Floats | None = None) -> tuple[Floats, ...]:
        """Class 1 is on the list, class 2, of dark steps, beyond it; with an alarm of -inf every line is asked."""
        (whole,) = coloured_network(lines)
        rows = np.flatnonzero((whole[..., 2].max(1) > np.log(0.5)) | (alarm is not None))
        assert alarm is None or alarm == -np.inf
        return whole[..., :2], rows, whole[rows]

    crops = [bar(32 * len(p), p) for p in ("....", "a..b", "bb.a", "....", "b.a.b")]
    expected = ["", "ab", "ba", "", "bab"]
    recognize = Recognizer(network, charset="ab", shortlist=True)
    assert [reading.text for reading in recognize(crops)] == expected
    assert [reading.text for reading in recognize([crops[0], crops[3]])] == ["", ""]
    allowing = Recognizer(network, charset="ab", shortlist=True, allowed="ab")
    assert [reading.text for reading in allowing(crops)] == expected
    knowing = Recognizer(network, charset="ab", shortlist=True, lexicon=Lexicon(["ab"]))
    assert [reading.text for reading in knowing(crops)] == expected


def test_no_crops_and_empty_crops_give_no_text() -> None:
    reader = Recognizer(coloured_network, charset="ab")
    assert reader([]) == []
    empty, text = reader([np.zeros((0, 5, 3), np.uint8), bar(96, "a.b")])
    assert empty.text == ""
    assert empty.score == 0.0
    assert text.text == "ab"


def test_spaces_at_the_ends_are_cut_with_their_scores() -> None:
    reader = Recognizer(coloured_network, charset=" b")
    (reading,) = reader([bar(160, "a.b.a")])
    assert reading.text == "b"
    assert len(reading.char_scores) == len(reading.char_spans) == 1


def test_width_is_bounded_for_any_crop() -> None:
    assert width_at_height(3, 5000) == MAX_WIDTH
    assert width_at_height(5000, 3) >= STRIDE


def test_lines_of_one_call_agree_on_a_script() -> None:
    charset = "測试試测驗论論 "
    sure = {c: i + 1 for i, c in enumerate(charset)}

    def network(lines: Floats) -> tuple[Floats]:
        """Wide lines read 測試驗論, narrow ones 测 or perhaps 測."""
        out = np.full((len(lines), lines.shape[3] // STRIDE, len(charset) + 1), 1e-4, np.float32)
        out[..., 0] = 1
        for row, line in enumerate(lines):
            if line[0, :, 60:].any():
                out[row, [2, 5, 8, 11], [sure[c] for c in "測試驗論"]] = 50
            else:
                out[row, 2, [sure["测"], sure["測"]]] = 50, 20
        return (np.asarray(np.log(out / out.sum(2, keepdims=True)), np.float32),)

    def noise(width: int) -> np.ndarray:
        return np.random.default_rng(0).integers(0, 256, (HEIGHT, width, 3)).astype(np.uint8)

    recognize = Recognizer(network, charset=charset)
    wide, narrow = noise(80), noise(40)
    assert [r.text for r in recognize([narrow])] == ["测"]
    assert [r.text for r in recognize([wide, narrow, wide, wide])] == [
        "測試驗論",
        "測",
        "測試驗論",
        "測試驗論",
    ]
