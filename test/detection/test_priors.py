"""Priors: inside every picture, matched to parts of lines, told back by encoding; the parts of a line joined."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from common.arrays import Floats
from common.quads import iou
from detection.dmpnet import DMPNet, in_sequence
from detection.overlap import middles
from detection.parts import joined, rows_of
from detection.prior_method import PriorMethod
from detection.priors import LEVELS, VisibleLine, all_windows
from detection.textboxes import TextBoxes
from detection.textboxes_plus import TextBoxesPlus

PAGE = (512, 640)
METHODS = (TextBoxes, TextBoxesPlus, DMPNet)
methods = pytest.mark.parametrize("kind", METHODS)


def line(x: float, y: float, width: float, height: float, degrees: float = 0) -> Floats:
    a, b = width / 2, height / 2
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) @ rotation
    return (corners + [x, y]).astype(np.float32)


def encoded(method: PriorMethod, *quads: Floats, ignore: bool = False) -> dict[str, Any]:
    page = np.array(quads, np.float32).reshape(-1, 4, 2)
    return method.targets(page, np.full(len(page), ignore), PAGE)


def found(method: PriorMethod, *quads: Floats) -> Floats:
    return method.decode(method.maps_of(encoded(method, *quads))).quads


def positives(targets: dict[str, Any]) -> dict[int, int]:
    return {level: int((targets[f"text{level}"] == 1).sum()) for level in LEVELS}


@methods
@pytest.mark.parametrize("size", [(64, 64), (768, 768), (512, 640), (1088, 192)])
def test_priors_have_their_middles_in_the_picture(
    kind: type[PriorMethod], size: tuple[int, int]
) -> None:
    windows = all_windows(kind.priors, size)
    assert len(windows) == sum(
        size[0] // n * (size[1] // n) * kind.outputs[f"text{n}"].shape[0] for n in LEVELS
    )
    places = middles(windows)
    assert (places > 0).all() and (places < size[::-1]).all()


@methods
def test_offsets_told_are_the_parts(kind: type[PriorMethod]) -> None:
    method, rng = kind(), np.random.default_rng(0)
    windows = all_windows(kind.priors, (128, 128))
    windows = windows[rng.choice(len(windows), 300)]
    degrees = rng.uniform(-180, 180, 300) * (kind.max_degrees > 45)
    parts = np.array([line(*rng.uniform((0, 0, 9, 4), (128, 128, 300, 60)), d) for d in degrees])
    again = method.place(windows, method.encode(windows, parts))
    for part, other in zip(parts, again, strict=True):
        nearest = [np.abs(part - np.roll(other, turn, axis=0)).max() for turn in range(4)]
        assert min(nearest) < 0.01


@methods
@pytest.mark.parametrize(
    ("height", "level"), [(8, 8), (12, 8), (15, 8), (24, 16), (48, 32), (96, 64), (140, 64)]
)
def test_text_is_told_at_the_level_of_its_size(
    kind: type[PriorMethod], height: float, level: int
) -> None:
    count = positives(encoded(kind(), line(320, 256, 4 * height, height)))
    assert count[level] == max(count.values())


@methods
@pytest.mark.parametrize("height", [1.0, 3000.0])
def test_what_is_too_small_or_large_is_unknown(kind: type[PriorMethod], height: float) -> None:
    quad = line(320, 256, 1.2 * height, height)
    targets = encoded(kind(), quad)
    assert not any(positives(targets).values())
    assert (targets["text8"][31:33, 39:41] == -1).any()


@methods
def test_ignored_lines_are_unknown_inside_alone(kind: type[PriorMethod]) -> None:
    targets = encoded(kind(), line(320, 256, 300, 40), ignore=True)
    assert (targets["text8"][30:34, 25:55] == -1).all()
    assert (targets["text8"][:26] == 0).all() and (targets["text8"][38:] == 0).all()


@methods
@pytest.mark.parametrize("ratio", [13, 20, 30, 40])
def test_long_lines_are_told_in_parts_and_joined(kind: type[PriorMethod], ratio: float) -> None:
    method, quad = kind(), line(320, 256, 15 * ratio, 15)
    targets = encoded(method, quad)
    parts = _parts(method, targets)
    assert np.ptp(parts[..., 0], axis=1).max() <= 12 * 15 + 0.1
    (got,) = found(method, quad)
    assert iou(got, quad) > 0.95


@methods
@pytest.mark.parametrize("steep", [False, True])
def test_lines_close_to_each_other_stay_apart(kind: type[PriorMethod], steep: bool) -> None:
    degrees = 35 if steep and kind.max_degrees > 45 else 3
    across = np.array([-np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))])
    quads = [
        line(*(np.array([320, 256]) + k * 21 * across), 300, 14, degrees) for k in range(-4, 5)
    ]
    got = found(kind(), *quads)
    assert len(got) == 9
    for quad in quads:
        assert max(iou(quad, other) for other in got) > 0.85


@pytest.mark.parametrize("kind", [TextBoxesPlus, DMPNet])
@pytest.mark.parametrize("degrees", [-180, -135, -90, -45, 0, 45, 90, 135, 180])
def test_lines_at_the_edges_of_every_convention(kind: type[PriorMethod], degrees: float) -> None:
    for turn in (-1e-3, 0.0, 1e-3):
        quad = line(320, 256, 260, 24, degrees + turn)
        (got,) = found(kind(), quad)
        assert iou(got, quad) > 0.97


@pytest.mark.slow
@methods
def test_a_full_page_is_found_whole(kind: type[PriorMethod]) -> None:
    quads = np.array([line(x, 14 + 30 * i, 580, 20) for i in range(50) for x in (310, 950)])
    method, size = kind(), (1536, 1280)
    targets = method.targets(quads, np.zeros(100, np.bool_), size)
    assert len(method.decode(method.maps_of(targets)).quads) == 100


def test_hulls_of_slanted_parts_are_of_their_own_line() -> None:
    for degrees in (10, 20, 45, 70):
        method = TextBoxesPlus()
        parts = _parts(method, encoded(method, line(320, 256, 400, 20, degrees)))
        assert np.ptp(parts, axis=1).min(axis=1).max() <= 2.2 * 20


@pytest.mark.parametrize("degrees", [-8, -4, -1, 1, 4, 8])
def test_stairs_of_boxes_are_a_slanted_line(degrees: float) -> None:
    for ratio in (3, 8, 25):
        quad = line(320, 256, 20 * ratio, 20, degrees)
        (got,) = found(TextBoxes(), quad)
        assert iou(got, quad) > 0.75


@pytest.mark.parametrize("quad", [line(320, 256, 20, 200), line(320, 256, 300, 24, 40)])
def test_columns_and_steep_lines_are_unknown_to_boxes(quad: Floats) -> None:
    targets = encoded(TextBoxes(), quad)
    assert not any(positives(targets).values())
    row, col = 32, 40
    assert (targets["text8"][row, col] == -1).all()


@methods
def test_what_lines_leave_of_each_other_is_told(kind: type[PriorMethod]) -> None:
    quads = [line(320, 256, 200, 24), line(320, 256, 60, 12)]
    for order in (quads, quads[::-1]):
        counts = positives(encoded(kind(), *order))
        assert counts[16] and counts[8]


@methods
def test_many_noisy_parts_become_one_line(kind: type[PriorMethod]) -> None:
    rng = np.random.default_rng(0)
    method, quad = kind(), line(320, 256, 560, 20)
    maps = method.maps_of(encoded(method, quad))
    spread = 0.3 if kind is not DMPNet else 0.02
    noisy = {
        name: (one + rng.normal(0, spread, one.shape) * name.startswith("offsets")).astype("f4")
        for name, one in maps.items()
    }
    (got,) = method.decode(noisy).quads
    assert iou(got, quad) > 0.85


def test_a_part_that_is_too_long_does_not_move_the_end() -> None:
    quads = [line(100, 50, 120, 20)] * 9 + [line(125, 50, 170, 20)]
    (row,), (count,) = joined(rows_of(np.array(quads), np.full(10, 0.9, np.float32)), 100)
    assert row[0] + row[4] / 2 < 170 and count == 10


def test_parts_that_do_not_touch_stay_two() -> None:
    quads = np.array([line(100, 50, 120, 20), line(230, 50, 120, 20)])
    assert len(joined(rows_of(quads, np.ones(2, np.float32)), 100)[0]) == 2
    assert len(joined(rows_of(quads[:0], np.ones(0, np.float32)), 100)[0]) == 0


@methods
def test_noise_is_bounded(kind: type[PriorMethod]) -> None:
    rng = np.random.default_rng(0)
    maps = {
        name: rng.random((256 // one.stride, 320 // one.stride, *one.shape)).astype(np.float32)
        for name, one in kind.outputs.items()
    }
    lines = kind(max_candidates=500, line_threshold=0).decode(maps)
    assert 0 < len(lines.quads) <= 50 and (lines.scores <= 1).all()


def test_a_line_that_the_picture_cuts_is_its_inside() -> None:
    line_of = VisibleLine.of(line(600, 200, 300, 30, 0), PAGE)
    assert line_of is not None and line_of.seen == pytest.approx((0, 190))
    assert VisibleLine.of(line(320, -8, 300, 30, 0), PAGE) is None  # its axis is outside
    assert (
        VisibleLine.of(line(640 + 140, 200, 300, 30, 0), PAGE) is None
    )  # a third of its height is in
    degrees = 30
    slanted = VisibleLine.of(line(600, 200, 300, 30, degrees), PAGE)
    assert slanted is not None and slanted.seen[1] == pytest.approx(150 + 40 / np.cos(np.pi / 6))


def test_sampled_overlaps_match_as_exact_ones_do() -> None:
    quads = line(320, 150, 300, 24, 20), line(320, 350, 120, 40, -35)
    exact, sampled = encoded(DMPNet(), *quads), encoded(DMPNet(points=1500), *quads)
    differ = [((exact[f"text{n}"] == 1) != (sampled[f"text{n}"] == 1)).sum() for n in LEVELS]
    assert sum(differ) < sum(positives(exact).values()) / 5
    for quad in quads:
        got = found(DMPNet(points=1500), *quads)
        assert max(iou(quad, other) for other in got) > 0.95


def _sequential(quad: Floats) -> Floats:
    """The protocol of Liu and Jin 2017, section 3.3, step by step, y as in pictures."""
    rest = sorted(range(4), key=lambda k: (quad[k, 0], quad[k, 1]))
    first = rest.pop(0)
    rest.sort(key=lambda k: np.arctan2(*(quad[k] - quad[first])[::-1]))
    second, third, fourth = rest  # by slope: above, across, below
    slopes = []
    for start, end in ((first, third), (second, fourth)):
        a, b = sorted((quad[start], quad[end]), key=lambda p: (p[0], p[1]))
        slopes.append(np.arctan2(b[1] - a[1], b[0] - a[0]))
    if slopes[0] < slopes[1]:
        left = min((second, fourth), key=lambda k: (quad[k, 0], quad[k, 1]))
        order = [first, second, third, fourth]
        at = order.index(left)
        return quad[order[at:] + order[:at]]
    return quad[[first, second, third, fourth]]


def test_corners_are_in_the_paper_s_order() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        quad = line(0, 0, *rng.uniform(5, 60, 2), rng.uniform(-180, 180))
        quad = (quad + rng.uniform(-1, 1, (4, 2))).astype(np.float32)
        want = _sequential(quad)
        for turn in range(4):
            np.testing.assert_array_equal(in_sequence(np.roll(quad, turn, axis=0)[None])[0], want)


@pytest.mark.parametrize(("width", "height"), [(60, 20), (20, 60), (30, 30)])
def test_a_small_turn_keeps_the_first_corner(width: float, height: float) -> None:
    for degrees in (-3, -1e-3, 0, 1e-3, 3):
        first = in_sequence(line(0, 0, width, height, degrees)[None])[0, 0]
        assert np.abs(first - [-width / 2, -height / 2]).max() < 4


@pytest.mark.torch
@methods
def test_losses_are_none_for_the_targets_themselves_and_finite_without_text(
    kind: type[PriorMethod],
) -> None:
    torch = pytest.importorskip("torch")
    from detection import METHODS as ROWS

    (row,) = [one for one in ROWS.values() if one.method is kind]
    method = kind()
    quads = line(320, 150, 300, 24, 4), line(320, 350, 100, 60)
    for targets in (encoded(method, *quads), encoded(method, *quads, ignore=True), encoded(method)):
        batch = {name: torch.from_numpy(value)[None] for name, value in targets.items()}
        maps = {
            name: torch.from_numpy(value if name.startswith("offsets") else 40 * value - 20)[None]
            for name, value in method.maps_of(targets).items()
        }
        assert all(0 <= value < 1e-3 for value in row.torch.losses(maps, batch).values())
        flat = {name: torch.zeros_like(value, requires_grad=True) for name, value in maps.items()}
        sum(row.torch.losses(flat, batch).values()).backward()
        gradient = flat["text8"].grad
        assert torch.isfinite(gradient).all() and gradient.any()
        assert not gradient[batch["text8"] == -1].any()


@pytest.mark.torch
def test_smooth_ln_grows_between_square_and_straight() -> None:
    torch = pytest.importorskip("torch")
    from detection.dmpnet_torch import smooth_ln

    zero = torch.zeros(1)
    for apart in (0.0, 0.3, -2.0, 40.0):
        at = torch.tensor([apart], requires_grad=True)
        smooth_ln(at, zero).backward()
        slope = float(np.sign(apart) * np.log(abs(apart) + 1))
        assert at.grad.item() == pytest.approx(slope, abs=1e-5)


def _parts(method: PriorMethod, targets: dict[str, Any]) -> Floats:
    """All parts that targets tell."""
    windows = all_windows(method.priors, PAGE)
    told = np.concatenate([targets[f"text{n}"].ravel() for n in LEVELS]) == 1
    offsets = [targets[f"offsets{n}"].reshape(len(targets[f"text{n}"].ravel()), -1) for n in LEVELS]
    return method.place(windows[told], np.concatenate(offsets)[told])
