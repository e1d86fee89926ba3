"""Train a detector by any method of `detection`.

python -m train.detector_torch --method ctpn --run ~/runs/ctpn --time-budget 40m --corpus CORPUS \
    --backgrounds PHOTOGRAPHS --eval-data PAGES
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from common import image as pictures
from common.arrays import Image, Quads
from detection import METHODS, Row
from detection.detector import Detector
from detection.network_torch import as_network
from detection.preprocess import MEAN, STD
from train.batches.page_crops import PageCrops, Pages
from train.data.readers.jsonl import read_pages
from train.evaluate.box_metrics import BoxCounts
from train.evaluate.page_metrics import match_boxes
from train.loop.fit_torch import Loss
from train.loop.recipes import DETECTOR_FIT, HELD_OUT_SEED, DetectorRecipe
from train.loop.run import log
from train.loop.setup import TrainingOptions, TrainingSetup, parse
from train.loop.training_torch import Training, run_training
from train.transfer.freeze_torch import freeze


@dataclass(frozen=True)
class EvaluationPage:
    """A page and its lines, to be found by the detector."""

    source: str
    image: Image
    quads: Quads
    ignore: NDArray[np.bool_]


def to_input(images: Tensor) -> Tensor:
    """Turn (N, H, W, 3) uint8 into (N, 3, H, W): `detection.preprocess.normalize` for a batch."""
    mean = torch.tensor(MEAN, device=images.device) * 255
    std = torch.tensor(STD, device=images.device) * 255
    # The permuted view is already channels-last in memory, which is what convolutions want.
    return ((images.float() - mean) / std).permute(0, 3, 1, 2)


def make_loss(row: Row) -> Loss:
    """Return the loss of one batch: the sum of the method's losses, each logged by its name."""
    names, losses = tuple(row.method.outputs), row.torch.losses

    def loss(
        network: nn.Module, batch: dict[str, Tensor], _: float
    ) -> tuple[Tensor, dict[str, float]]:
        answers = (answer.float() for answer in network(to_input(batch["images"])))
        parts = losses(dict(zip(names, answers, strict=True)), batch)
        total = sum(parts.values())
        return total, {name: part.item() for name, part in {"loss": total, **parts}.items()}

    return loss


def rendered_pages(pages: Pages, seed: int, count: int) -> list[EvaluationPage]:
    """Render held-out pages."""
    found = []
    for index in range(count):
        sample = pages.page(seed, index)
        quads = np.array([line.quad for line in sample.lines], np.float32).reshape(-1, 4, 2)
        ignore = np.array([line.ignore for line in sample.lines], np.bool_)
        found.append(EvaluationPage("rendered", sample.image, quads, ignore))
    return found


def real_pages(folder: Path, count: int) -> list[EvaluationPage]:
    """Read labelled pages whose truth is whole lines with quads, equally many of each source."""
    found = [
        page
        for page in read_pages(folder)
        if not (page.word_level or page.partial or page.cropped)
        and page.lines
        and all(line.quad is not None for line in page.lines)
    ]
    sources = Counter(page.source for page in found)
    share = -(-count // max(len(sources), 1))
    seen: Counter[str] = Counter()
    chosen = []
    for page in found:
        seen[page.source] += 1
        if seen[page.source] <= share:
            quads = np.array([line.quad for line in page.lines], np.float32)
            ignore = np.array([line.ignore for line in page.lines], np.bool_)
            chosen.append(EvaluationPage(page.source, pictures.load(page.path), quads, ignore))
    return chosen


def evaluate_pages(detector: Detector, pages: Sequence[EvaluationPage]) -> dict[str, float]:
    """Return H-mean at IoU 0.5 for each source, and `real/hmean`, the mean of the real ones."""
    counts: dict[str, BoxCounts] = defaultdict(BoxCounts)
    for page in pages:
        quads, _ = detector(page.image)
        counts[page.source] += match_boxes(list(quads), list(page.quads), list(page.ignore))
    figures = {
        f"{source}/hmean": found.hmean if found.n_true + found.n_pred else 0.0
        for source, found in sorted(counts.items())
    }
    real = [value for name, value in figures.items() if not name.startswith("rendered/")]
    if real:
        figures["real/hmean"] = sum(real) / len(real)
    return figures


def share(text: str) -> float:
    """Read a share from 0 to 1, as a type of argparse."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"is {text}, expected a share from 0 to 1")
    return value


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this training alone."""
    parser.add_argument(
        "--freeze", nargs="+", default=[], metavar="PART",
        help="parts of the network that stay as --init or --init-trunk has them, for example trunk context1 context2",
    )  # fmt: skip
    parser.add_argument(
        "--pages",
        type=int,
        help="rendered for one batch, two crops of each (default: the recipe's 6)",
    )
    parser.add_argument(
        "--hidden", type=share, metavar="SHARE",
        help="of the lines whose characters --method wordsup is not told, 0 to 1 (default: the recipe's 0.5)",
    )  # fmt: skip


def train(
    options: TrainingOptions,
    row: Row,
    frozen: Sequence[str] = (),
    crops: Mapping[str, Any] | None = None,
) -> None:
    """Train the network of one row of `detection.METHODS`.

    Args:
        options: of the command line.
        row: what is trained.
        frozen: parts of the network that stay as they are.
        crops: fields of `CropRecipe` in place of the recipe's.
    """
    recipe, method = DetectorRecipe(), row.method()
    recipe = replace(recipe, crops=replace(recipe.crops, **(crops or {})))

    def prepare(setup: TrainingSetup) -> Training:
        network = row.torch.NETWORKS[row.network]()
        freeze(network, frozen)
        held_out = rendered_pages(setup.pages, HELD_OUT_SEED + options.seed, recipe.rendered_pages)
        if options.eval_data:
            held_out += real_pages(options.eval_data, recipe.real_pages)
        log.info("evaluated on %s", dict(Counter(page.source for page in held_out)))
        return Training(
            network,
            PageCrops(setup.pages, recipe.crops, options.seed, method),
            make_loss(row),
            lambda average: evaluate_pages(
                Detector(as_network(average, row.torch.activate), method), held_out
            ),
            best="real/hmean" if options.eval_data else "rendered/hmean",
            higher_is_better=True,
        )

    options = replace(options, arch=row.network)
    run_training(options, row.file, recipe, DETECTOR_FIT, prepare)


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, tuple(METHODS), add_options, option="--method")
    own = {"pages": args.pages, "hidden": args.hidden}
    crops = {name: value for name, value in own.items() if value is not None}
    train(TrainingOptions.from_arguments(args), METHODS[args.arch], args.freeze, crops)


if __name__ == "__main__":
    main()
