"""Affine maps and thin-plate splines: they leave lines as they are, straighten known bends, and can be learned."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from recognition.rectification import ALONG, COLUMNS, ROWS, affine, control_points, mesh, thin_plate

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from recognition.rare_torch import RARE
from recognition.rectify_torch import Rectifier, text_widths, thumbnails, warp_lines
from recognition.stn_crnn_torch import STNCRNN

WARPS = {"affine": affine(), "thin plate": thin_plate()}
warps = pytest.mark.parametrize("name", WARPS)

HALF = 16
"""Half of a line's height in pixels, the unit of all moves."""


def text_line(width: int) -> np.ndarray:
    """A line (32, W): a bar of ink along its middle third, notched so that places along it are told apart."""
    line = np.zeros((32, width), np.float32)
    line[11:21] = 1
    line[11:21, ::16] = -1
    return cv2.GaussianBlur(line, (5, 5), 1)


def batch(*lines: np.ndarray) -> Any:
    out = np.zeros((len(lines), 1, 32, max(line.shape[1] for line in lines) + 16), np.float32)
    for row, line in zip(out, lines, strict=True):
        row[0, :, : line.shape[1]] = line
    return torch.from_numpy(out)


def test_points_that_stay_move_nothing() -> None:
    assert np.allclose(thin_plate().fields.sum(0), 1)  # all moved alike: everything is
    assert len(control_points()) == 2 * ALONG
    assert mesh().shape == (ROWS * COLUMNS, 2) and np.abs(mesh()).max() == 1


def test_spline_goes_through_its_points() -> None:
    """Every ninth column of the mesh that a control point stands on is moved as that point is."""
    fields = thin_plate().fields
    ends = fields[[0, ALONG - 1, ALONG, 2 * ALONG - 1]][:, [0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(ends, np.eye(4), atol=1e-9)


def test_spline_reproduces_every_affine_map() -> None:
    points, places = control_points(), mesh()
    values = 0.3 * points[:, 0] - 0.2 * points[:, 1] + 0.1
    expected = 0.3 * places[:, 0] - 0.2 * places[:, 1] + 0.1
    found = np.tensordot(values, thin_plate().fields, 1).ravel()
    np.testing.assert_allclose(found, expected, atol=1e-9)


@warps
def test_new_rectifier_leaves_every_line_as_it_is(name: str) -> None:
    lines = torch.randn(3, 1, 32, 200)
    lines[1, :, :, 90:], lines[2, :, :, 17:] = 0, 0
    with torch.inference_mode():
        torch.testing.assert_close(Rectifier(WARPS[name]).eval()(lines), lines, atol=1e-4, rtol=0)


@pytest.mark.parametrize("make", [STNCRNN, RARE])
def test_new_network_reads_as_the_plain_one(make: Any) -> None:
    torch.manual_seed(1)
    network = make(7, widths=(4, 6, 8, 10), hidden=6).eval()
    lines = torch.randn(2, 1, 32, 96)
    with torch.inference_mode():
        torch.testing.assert_close(
            network.features(lines), network.encode(lines), atol=1e-4, rtol=0
        )


def test_widths_are_told_from_the_padding() -> None:
    lines = batch(text_line(64), text_line(200))
    lines = torch.cat([lines, torch.zeros_like(lines[:1])])
    assert text_widths(lines).tolist() == [64, 200, 1]


@warps
def test_what_becomes_of_a_line_does_not_depend_on_those_beside_it(name: str) -> None:
    torch.manual_seed(2)
    rectifier = Rectifier(WARPS[name]).eval()
    torch.nn.init.normal_(rectifier.localizer.last.weight, std=0.5)
    short, long = text_line(80), text_line(300)
    with torch.inference_mode():
        alone, both = rectifier(batch(short)), rectifier(batch(short, long))
    assert (alone - batch(short)).abs().max() > 0.1  # it does change the line
    torch.testing.assert_close(both[:1, :, :, :80], alone[:, :, :, :80], atol=1e-3, rtol=0)
    assert not both[0, :, :, 80:].any() and not both[1, :, :, 300:].any()


def test_thumbnails_show_the_line_without_its_padding() -> None:
    lines = batch(np.ones((32, 64), np.float32), np.ones((32, 500), np.float32))
    shown = thumbnails(lines, text_widths(lines))
    assert shown.shape == (2, 1, 16, 64)
    torch.testing.assert_close(shown[..., 1:-1], torch.ones(2, 1, 16, 62), atol=1e-4, rtol=0)


def moved(line: np.ndarray, down: np.ndarray) -> np.ndarray:
    """A line whose columns are moved down by so many pixels."""
    rows = np.arange(32, dtype=np.float32)[:, None] - down[None].astype(np.float32)
    columns = np.broadcast_to(np.arange(line.shape[1], dtype=np.float32)[None], rows.shape)
    return cv2.remap(line, columns.copy(), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def bend_of(shape: str, u: np.ndarray) -> np.ndarray:
    """By how many half heights each place along a line is moved down."""
    return {"slanted": 0.5 * u, "curved": 0.5 * u**2}[shape]


@pytest.mark.parametrize("width", [64, 320])
@pytest.mark.parametrize(
    ("name", "shape"), [("thin plate", "curved"), ("thin plate", "slanted"), ("affine", "slanted")]
)
def test_known_points_straighten_a_line(name: str, shape: str, width: int) -> None:
    straight = text_line(width)
    u = (2 * np.arange(width) + 1) / width - 1
    bent = moved(straight, HALF * bend_of(shape, u))
    moves = torch.zeros(1, 2, len(WARPS[name].fields))
    if name == "affine":
        moves[0, 1, 0] = 0.5
    else:
        moves[0, 1] = torch.from_numpy(bend_of(shape, control_points()[:, 0]))
    rectifier, lines = Rectifier(WARPS[name]), batch(bent)
    found = warp_lines(lines, text_widths(lines), rectifier.displacements(moves))
    before = np.abs(bent - straight).mean()
    after = np.abs(found[0, 0, :, :width].numpy() - straight).mean()
    assert after < 0.2 * before  # sampled twice, edges are a little softer


@warps
def test_gradients_reach_the_parameters(name: str) -> None:
    """The parameters of a bent line are found by descent on what the line should look like."""
    u = (2 * np.arange(128) + 1) / 128 - 1
    straight = text_line(128)
    lines, wanted = batch(moved(straight, 6 * u)), batch(straight)
    rectifier = Rectifier(WARPS[name])
    moves = torch.zeros(1, 2, len(WARPS[name].fields), requires_grad=True)
    optimizer, losses = torch.optim.Adam([moves], lr=0.03), []
    for _ in range(40):
        warped = warp_lines(lines, text_widths(lines), rectifier.displacements(moves))
        losses.append((warped - wanted).square().mean())
        optimizer.zero_grad()
        losses[-1].backward()
        assert moves.grad is not None and moves.grad.abs().max() > 0
        optimizer.step()
    assert losses[-1].item() < 0.15 * losses[0].item()


@pytest.mark.parametrize("make", [STNCRNN, RARE])
def test_recognition_drives_the_localizer(make: Any) -> None:
    """With all else frozen, what a line says has a gradient on where to look for its pixels."""
    torch.manual_seed(3)
    network = make(7, widths=(4, 6, 8, 10), hidden=6)
    network.requires_grad_(False)
    network.rectifier.requires_grad_(True)
    network(torch.randn(2, 1, 32, 96)).square().sum().backward()
    last = network.rectifier.localizer.last
    assert last.weight.grad is not None and last.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in network.stem.parameters())
