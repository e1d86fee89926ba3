"""Train the papers' detector and angle model together, on one VGG-16 that both share.

    python -m train.shared_vgg16_torch --run ~/runs/vgg16 --time-budget 120m --corpus CORPUS --backgrounds PHOTOGRAPHS \
        --small-detector weights/ctpn-small.onnx --small-angle weights/angle-small.onnx

Two trunks of fifteen million weights would be most of this repository, and each would take days on a CPU; both tasks
look at text, so one trunk serves both. The networks start as the small ones (`net2net_torch`); for the first part of
the run the input of the small detector's LSTM is a target beside the labels (knowledge distillation), to repair what
widening cost. `--init` takes `last.safetensors` of an earlier run instead.
"""

from __future__ import annotations

import argparse
from collections import Counter
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
from train.batches.page_crops import PageCrops
from train.batches.page_patches import PatchBatches
from train.detector_torch import to_input
from train.loop.fit_torch import Loss
from train.loop.recipes import HELD_OUT_SEED, VGG16_FIT, VGG16Recipe
from train.loop.run import log
from train.loop.setup import TrainingOptions, TrainingSetup, parse
from train.loop.training_torch import Training, run_training
from train.transfer import quantized_weights
from train.transfer.net2net_torch import widen


class Shared(nn.Module):
    """The paper's detector, and the head of the angle model on the detector's trunk."""

    def __init__(self, detector: VGG16CTPN, angle: VGG16Angle) -> None:
        super().__init__()
        self.detector = detector
        self.head = angle.head

    def turns(self, patches: Tensor) -> Tensor:
        """Answer as `VGG16Angle`."""
        maps = self.detector.trunk(patches.expand(-1, 3, -1, -1))
        logits: Tensor = self.head(maps.mean((2, 3)))
        return logits

    def angle(self) -> VGG16Angle:
        """Return the angle model, sharing weights with the detector."""
        model = VGG16Angle(normalized=False)
        model.trunk, model.head = self.detector.trunk, self.head
        return model


class TaskBatches:
    """Batch i of both trainings as one."""

    def __init__(self, crops: PageCrops, patches: PatchBatches) -> None:
        self.crops, self.patches = crops, patches

    def __call__(self, index: int) -> dict[str, NDArray[np.generic]]:
        """Return the keys of both."""
        return {**self.crops(index), **self.patches(index)}


class _AngleView(nn.Module):
    """The shared network as the angle's loss expects it."""

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self.shared = shared

    def forward(self, patches: Tensor) -> Tensor:
        return self.shared.turns(patches)


class _DetectorView(nn.Module):
    """The detector as its loss expects it; keeps the input of the LSTM."""

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
        detector = _DetectorView(network.detector)
        total, figures = find(detector, batch, progress)
        turns, more = turn(_AngleView(network), batch, progress)
        total = total + recipe.angle_weight * turns
        figures |= {f"angle_{name}": value for name, value in more.items()}
        if teacher is not None and progress < recipe.teacher_until:
            with torch.no_grad():
                target = teacher.context(to_input(batch["images"])).float()
            features = detector.context[:, : target.shape[1]].float()
            distance = (features - target).square().mean() / target.var().clamp(min=1e-6)
            total = total + recipe.teacher_weight * distance
            figures["teacher"] = distance.item()
        return total, {**figures, "loss": total.item()}

    return loss


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this training alone."""
    for name in ("detector", "angle"):
        parser.add_argument(
            f"--small-{name}", type=Path, help=f"weights of the small {name} to start from"
        )


def load(network: nn.Module, path: Path) -> nn.Module:
    """Load a network's weights, for evaluation."""
    network.load_state_dict(
        {k: torch.from_numpy(v) for k, v in quantized_weights.load(path).items()}
    )
    return network.eval()


def start_network(
    crops: PageCrops, teacher: CTPN | None, small_angle: Path | None, *, widened: bool
) -> Shared:
    """Make the shared network, random or widened from the two small ones."""
    if not (widened and teacher and small_angle):
        return Shared(VGG16CTPN(normalized=False), VGG16Angle(normalized=False))
    # A batch that no training uses shows how large the activations are.
    images = torch.from_numpy(np.asarray(crops(10**7)["images"]))
    return Shared(*widen(teacher, load(AngleNet(), small_angle), to_input(images)))


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, ("reference",), add_options)
    options = TrainingOptions.from_arguments(args)
    recipe = VGG16Recipe()

    def prepare(setup: TrainingSetup) -> Training:
        crops = PageCrops(setup.pages, recipe.detector.crops, options.seed, Method())
        teacher = None
        if args.small_detector:
            teacher = load(CTPN(), args.small_detector).requires_grad_(False)
        network = start_network(crops, teacher, args.small_angle, widened=not options.init)
        seed = HELD_OUT_SEED + options.seed
        pages = detector_torch.rendered_pages(setup.pages, seed, recipe.detector.rendered_pages)
        # Every patch is seen in four turns: real pages are left to `train.evaluate`.
        cases = angle_torch.rendered_cases(setup.pages, seed, recipe.angle.held_out)
        cases = [case for case in cases if len(case.patches)]
        if options.eval_data:
            pages += detector_torch.real_pages(options.eval_data, recipe.detector.real_pages)
        log.info("evaluated on %s", dict(Counter(page.source for page in pages)))
        patches = PatchBatches.of(setup.pages, setup.backgrounds, recipe.angle, options.seed)

        def evaluate(average: nn.Module) -> dict[str, float]:
            assert isinstance(average, Shared)
            found = detector_torch.evaluate_pages(
                Detector(as_network(average.detector, activate)), pages
            )
            return found | angle_torch.evaluate(_AngleView(average), cases, setup.run.folder)

        return Training(
            network,
            TaskBatches(crops, patches),
            make_loss(recipe, teacher),
            evaluate,
            best="real/hmean" if options.eval_data else "rendered/hmean",
            higher_is_better=True,
        )

    run_training(options, "vgg16", recipe, VGG16_FIT, prepare)


if __name__ == "__main__":
    main()
