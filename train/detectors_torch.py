"""Train several detectors at once, on the same pages and one frozen trunk.

python -m train.detectors_torch --methods db east pixellink --run ~/runs/detectors --time-budget 90m \
    --init-trunk weights/ctpn-small.onnx --corpus CORPUS --backgrounds PHOTOGRAPHS --eval-data PAGES

Pages are rendered, and the trunk and context of the small CTPN computed, once for all of them: ten methods take some
three times as long as one. Each leaves a folder RUN/METHOD as `train.detector_torch --freeze trunk context1 context2`
does, which can go on with one of them alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from common.arrays import Quads
from detection import METHODS
from detection.detector import Detector
from detection.method import Bools, CharacterMethod, DetectionMethod
from detection.network_torch import SmallPyramid, as_network
from train.batches.page_crops import PageCrops
from train.detector_torch import evaluate_pages, make_loss, real_pages, rendered_pages
from train.loop.fit_torch import Batch, Loss
from train.loop.loader_torch import rendered_batches
from train.loop.recipes import DETECTOR_FIT, HELD_OUT_SEED, DetectorRecipe
from train.loop.run import TrainingRun, write_json
from train.loop.setup import TrainingOptions, TrainingSetup, parse
from train.loop.setup_torch import load_initial_weights
from train.loop.siblings_torch import Sibling, fit_siblings
from train.loop.training import run
from train.transfer.freeze_torch import freeze

FROZEN = ("trunk", "context1", "context2")
"""Parts that all share."""


class AllTargets:
    """Make the targets of all methods for one crop, as a method whose targets are named METHOD/TARGET.

    Args:
        methods: by name.
    """

    max_degrees: ClassVar[float] = 180.0

    def __init__(self, methods: Mapping[str, DetectionMethod]) -> None:
        self._methods = methods

    def targets(self, quads: Quads, ignore: Bools, size: tuple[int, int]) -> dict[str, Any]:
        """See `DetectionMethod.targets`."""
        return self.character_targets(quads, ignore, size, [None] * len(quads))

    def character_targets(
        self, quads: Quads, ignore: Bools, size: tuple[int, int], characters: Sequence[Quads | None]
    ) -> dict[str, Any]:
        """See `CharacterMethod.character_targets`."""
        every = {}
        for name, method in self._methods.items():
            if isinstance(method, CharacterMethod):
                found = method.character_targets(quads, ignore, size, characters)
            else:
                found = method.targets(quads, ignore, size)
            every |= {f"{name}/{target}": value for target, value in found.items()}
        return every


class SharedLevels:
    """Compute what frozen layers answer once for each batch, in place of `SmallPyramid.levels` of all networks.

    Args:
        network: whose frozen layers are used.
    """

    def __init__(self, network: SmallPyramid) -> None:
        self._network = network
        self._known: tuple[Tensor, Tensor, Tensor] | None = None

    def forget(self) -> None:
        """Forget the last batch."""
        self._known = None

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `SmallPyramid.levels`; after the first time the pictures do not matter."""
        if self._known is None:
            self._known = SmallPyramid.levels(self._network, images)
        return self._known


def with_levels(loss: Loss, levels: SharedLevels) -> Loss:
    """Make a loss whose network is given the shared layers' maps; its copy that is evaluated computes its own."""

    def shared(
        network: nn.Module, batch: Batch, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        vars(network)["levels"] = levels
        try:
            return loss(network, batch, progress)
        finally:
            del vars(network)["levels"]

    return shared


def split(
    batches: Iterator[Batch], names: Sequence[str], levels: SharedLevels
) -> Iterator[dict[str, Batch]]:
    """Give each method its pictures and targets, and make the shared layers forget the batch before."""
    for batch in batches:
        levels.forget()
        images = batch["images"]
        yield {
            name: {"images": images}
            | {
                key.removeprefix(f"{name}/"): v
                for key, v in batch.items()
                if key.startswith(f"{name}/")
            }
            for name in names
        }


@dataclass(frozen=True)
class Siblings:
    """What is trained together.

    Attributes:
        siblings: by name.
        crops: makes batches for all.
        levels: the layers that all share.
    """

    siblings: Mapping[str, Sibling]
    crops: PageCrops
    levels: SharedLevels


def prepare(setup: TrainingSetup, methods: Sequence[str], recipe: DetectorRecipe) -> Siblings:
    """Make the networks, their folders, losses and evaluations."""
    options = setup.options
    rows = {name: METHODS[name] for name in methods}
    every = {name: row.method() for name, row in rows.items()}
    networks = {}
    for name, row in rows.items():
        network = row.torch.NETWORKS[row.network]()
        networks[name] = load_initial_weights(network, options.init, options.init_trunk)
        freeze(network, FROZEN)
    levels = SharedLevels(next(iter(networks.values())))
    held_out = rendered_pages(setup.pages, HELD_OUT_SEED + options.seed, recipe.rendered_pages)
    if options.eval_data:
        held_out += real_pages(options.eval_data, recipe.real_pages)
    best = "real/hmean" if options.eval_data else "rendered/hmean"
    siblings = {}
    for name, row in rows.items():
        folder = setup.run.folder / row.file
        folder.mkdir(exist_ok=True)
        write_json(folder / "recipe.json", {"seed": options.seed, "together with": list(methods)})

        def evaluate(average: Any, row: Any = row, name: str = name) -> dict[str, float]:  # noqa: ANN401
            detector = Detector(as_network(average, row.torch.activate), every[name])
            return evaluate_pages(detector, held_out)

        run = TrainingRun(folder, options.seed)
        loss = with_levels(make_loss(row), levels)
        siblings[name] = Sibling(networks[name], run, loss, evaluate, best)
    crops = PageCrops(setup.pages, recipe.crops, options.seed, AllTargets(every))
    return Siblings(siblings, crops, levels)


def _begin(options: TrainingOptions) -> None:
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)


def _fit(setup: TrainingSetup, together: Siblings) -> None:
    def batches(start: int) -> Iterator[dict[str, Batch]]:
        made = rendered_batches(together.crops, start=start, workers=setup.options.workers)
        return split(made, tuple(together.siblings), together.levels)

    fit_siblings(together.siblings, setup.schedule, batches, setup.options.resume)


def train(options: TrainingOptions, methods: Sequence[str], pages: int | None = None) -> None:
    """Train the detectors of several rows of `detection.METHODS`.

    Args:
        options: of the command line.
        methods: names of rows whose networks are `SmallPyramid`s.
        pages: rendered for one batch, two crops of each; None takes the recipe's.
    """
    recipe = DetectorRecipe(rendered_pages=8, real_pages=12)
    if pages is not None:
        recipe = replace(recipe, crops=replace(recipe.crops, pages=pages))
    make = partial(prepare, methods=methods, recipe=recipe)
    run(options, "detectors", recipe, DETECTOR_FIT, make, begin=_begin, fit=_fit)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this training alone."""
    known = [name for name, row in METHODS.items() if row.package != "ctpn"]
    parser.add_argument(
        "--methods", nargs="+", choices=known, default=known, metavar="METHOD",
        help="trained together, some of %(choices)s (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--pages",
        type=int,
        help="rendered for one batch, two crops of each (default: the recipe's 6)",
    )


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, add_options=add_options)
    train(TrainingOptions.from_arguments(args), args.methods, args.pages)


if __name__ == "__main__":
    main()
