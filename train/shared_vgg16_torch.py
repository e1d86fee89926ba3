"""Train the papers' detector and angle model together, on one VGG-16 that both share.

    python -m train.shared_vgg16_torch --run ~/runs/vgg16 --time-budget 120m --corpus CORPUS --backgrounds PHOTOGRAPHS \
        --small-detector weights/ctpn-small.onnx --small-angle weights/angle-small.onnx

Two trunks of fifteen million weights would be most of this repository, and each would take its own days on a CPU.
Text that is found and text whose turn is told have much in common. The networks begin as the small ones
(`net2net_torch`); what the small detector hands to its LSTM is a target beside the labels for the first part of
the run, to repair what growing cost. `--init` takes `last.safetensors` of an earlier run instead.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from angle.model_torch import AngleNet, VGG16Angle
from ctpn import Detector, Method
from ctpn.model_torch import CTPN, VGG16CTPN, activate
from detection import METHODS
from detection.network_torch import as_network
from train import angle_torch, detector_torch
from train.batches.page_crops import CropRecipe, PageCrops
from train.batches.page_patches import AngleRecipe, PieceBatches
from train.detector_torch import DetectorRecipe, to_input
from train.loop.fit_torch import Loss, fit
from train.loop.loader_torch import rendered_batches
from train.loop.recipes import FitRecipe
from train.loop.run import log
from train.loop.setup_torch import parse, prepared, schedule_of, start
from train.transfer import quantized_weights
from train.transfer.net2net_torch import grow


@dataclass(frozen=True)
class VGG16Recipe:
    """Training of both.

    Attributes:
        detector: a batch's crops.
        angle: a batch's pieces, few because each is seen in four turns.
        angle_weight: of the angle's loss beside the detector's.
        taught_until: share of the run in which the small detector's features are targets too.
        taught_weight: of their distance, as a share of their spread.
    """

    detector: DetectorRecipe = field(
        # Few pages are judged: one takes seconds.
        default_factory=lambda: DetectorRecipe(
            crops=CropRecipe(size=448, pages=2, crops=2), rendered_pages=8, real_pages=12
        )
    )
    angle: AngleRecipe = field(
        default_factory=lambda: AngleRecipe(pages=1, pieces=3, line_pieces=4, held_out=32)
    )
    angle_weight: float = 1.0
    taught_until: float = 0.5
    taught_weight: float = 1.0


class Shared(nn.Module):
    """The paper's detector, and the head of the angle model on the detector's trunk."""

    def __init__(self, detector: VGG16CTPN, angle: VGG16Angle) -> None:
        super().__init__()
        self.detector = detector
        self.head = angle.head

    def turns(self, pieces: Tensor) -> Tensor:
        """Answer as `VGG16Angle`."""
        maps = self.detector.trunk(pieces.expand(-1, 3, -1, -1))
        logits: Tensor = self.head(maps.mean((2, 3)))
        return logits

    def angle(self) -> VGG16Angle:
        """Return the angle model, sharing weights with the detector."""
        model = VGG16Angle(normalized=False)
        model.trunk, model.head = self.detector.trunk, self.head
        return model


class Batches:
    """Batch i of both trainings as one."""

    def __init__(self, crops: PageCrops, pieces: PieceBatches) -> None:
        self.crops, self.pieces = crops, pieces

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return the keys of both."""
        return {**self.crops(index), **self.pieces(index)}


class _Turns(nn.Module):
    """What the angle's loss takes for a network."""

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self.shared = shared

    def forward(self, pieces: Tensor) -> Tensor:
        return self.shared.turns(pieces)


class _Remembered(nn.Module):
    """What the detector's loss takes for a network: keeps what the LSTM read."""

    def __init__(self, detector: VGG16CTPN) -> None:
        super().__init__()
        self.detector, self.context = detector, torch.empty(0)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.context = self.detector.context(images)
        return self.detector.answers(self.context)


def make_loss(recipe: VGG16Recipe, teacher: CTPN | None) -> Loss:
    """Return the loss of one batch: the detector's, the angle's, the distance to the small detector."""
    find = detector_torch.make_loss(METHODS["ctpn-reference"])
    turn = angle_torch.make_loss(recipe.angle)

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        assert isinstance(network, Shared)
        detector = _Remembered(network.detector)
        total, figures = find(detector, batch, progress)
        turns, more = turn(_Turns(network), batch, progress)
        total = total + recipe.angle_weight * turns
        figures |= {f"angle_{name}": value for name, value in more.items()}
        if teacher is not None and progress < recipe.taught_until:
            with torch.no_grad():
                taught = teacher.context(to_input(batch["images"])).float()
            near = detector.context[:, : taught.shape[1]].float()
            distance = (near - taught).square().mean() / taught.var().clamp(min=1e-6)
            total = total + recipe.taught_weight * distance
            figures["taught"] = distance.item()
        return total, {**figures, "loss": total.item()}

    return loss


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this training alone."""
    for name in ("detector", "angle"):
        parser.add_argument(
            f"--small-{name}", type=Path, help=f"weights of the small {name} to begin as"
        )


def load(network: nn.Module, path: Path) -> nn.Module:
    """Give a network its weights, in evaluation mode."""
    network.load_state_dict(
        {k: torch.from_numpy(v) for k, v in quantized_weights.load(path).items()}
    )
    return network.eval()


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, ("reference",), add_options)
    recipe = VGG16Recipe()
    schedule = schedule_of(args, FitRecipe(lr=3e-4, warmup_steps=100))
    started = start(args, "vgg16", recipe, schedule)
    renderer, run = started.pages, started.run
    crops = PageCrops(renderer, recipe.detector.crops, args.seed, Method())
    teacher = None
    if args.small_detector:
        teacher = load(CTPN(), args.small_detector).requires_grad_(False)
    if args.init or not (teacher and args.small_angle):
        pair = VGG16CTPN(normalized=False), VGG16Angle(normalized=False)
    else:
        # Batches of no training tell how large the values are.
        images = torch.from_numpy(np.asarray(crops(10**7)["images"]))
        pair = grow(teacher, load(AngleNet(), args.small_angle), to_input(images))
    network = prepared(Shared(*pair), args)
    seed = detector_torch.EVALUATION_SEED + args.seed
    pages = detector_torch.rendered_pages(renderer, seed, recipe.detector.rendered_pages)
    # Every piece is looked at in four turns: real pages are left to `train.evaluate`.
    cases = angle_torch.rendered_cases(
        renderer, angle_torch.HELD_OUT + args.seed, recipe.angle.held_out
    )
    if args.eval_data:
        pages += detector_torch.real_pages(args.eval_data, recipe.detector.real_pages)
    log.info("judged on %s", dict(Counter(page.source for page in pages)))
    cases = [case for case in cases if len(case.pieces)]
    pieces = PieceBatches.of(renderer, started.backgrounds, recipe.angle, args.seed)

    def judge(average: nn.Module) -> dict[str, float]:
        assert isinstance(average, Shared)
        found = detector_torch.judge(Detector(as_network(average.detector, activate)), pages)
        turns = angle_torch.judge(_Turns(average), cases, run.folder)
        return found | turns

    fit(
        network,
        schedule,
        run,
        lambda start: rendered_batches(Batches(crops, pieces), start=start, workers=args.workers),
        make_loss(recipe, teacher),
        judge,
        best="real/hmean" if args.eval_data else "rendered/hmean",
        higher_is_better=True,
        resume=args.resume,
        device=args.device,
    )


if __name__ == "__main__":
    main()
