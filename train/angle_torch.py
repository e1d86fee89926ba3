"""Train an angle model, the small one or (`--arch reference`) VGG-16.

    python -m train.angle_torch --run ~/runs/angle --time-budget 20m \
        --corpus CORPUS --backgrounds PHOTOGRAPHS --eval-data PAGES

Rendered pages are cut into patches exactly as in deployment, and every patch is shown in its four
turns. The target of a patch without text is a quarter for each turn: a page is decided by the sum
over its patches, so a patch without evidence must not vote. The run's `config.json` gets the
temperature that calibrates the score of a page, fitted on held-out rendered pages.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from angle.classifier import page_scores
from angle.model_torch import ARCHITECTURES
from angle.preprocess import line_patches, page_patches
from angle.settings import Patches
from common.arrays import Floats
from common.image import InputError, load
from train.batches.page_patches import PatchBatches
from train.data.readers.jsonl import read_pages, select_pages
from train.loop.fit_torch import Loss
from train.loop.recipes import ANGLE_FIT, HELD_OUT_SEED, AngleRecipe
from train.loop.run import log, write_json
from train.loop.setup import TrainingOptions, TrainingSetup, parse
from train.loop.training_torch import Training, run_training
from train.synth.page import PageRenderer

Logits: TypeAlias = NDArray[np.float64]

LINES = 8
"""Lines of a real page whose patches are evaluated: a batch of hundreds would take gigabytes."""


class EvaluatedPage(NamedTuple):
    """One upright page to evaluate on: its patches, (N, 1, S, S)."""

    source: str
    patches: Floats


def four_rotations(upright: Tensor) -> Tensor:
    """Rotate (N, 1, S, S) clockwise by 0, 90, 180 and 270 degrees: (4 N, 1, S, S) in this order."""
    return torch.cat([torch.rot90(upright, -k, (2, 3)) for k in range(4)])


def make_loss(recipe: AngleRecipe) -> Loss:
    """Return the loss of one batch: cross-entropy with the turn.

    Where there is no text the target is a quarter for each turn.
    """

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        upright, known = batch["patches"], batch["known"].repeat(4)
        sign = torch.rand(len(upright), 1, 1, 1, device=upright.device) < recipe.inverted
        logits = network(four_rotations(torch.where(sign, -upright, upright))).float()
        turn = torch.arange(4, device=logits.device).repeat_interleave(len(upright))
        target = F.one_hot(turn, 4) * (1 - recipe.smoothing) + recipe.smoothing / 4
        target = torch.where(known[:, None], target, 0.25)
        value = F.cross_entropy(logits, target)
        right = (logits.argmax(1) == turn)[known].float()
        figures = {"loss": value.item(), "right": right.mean().item() if len(right) else 0.0}
        return value, figures | {"patches": float(len(known))}

    return loss


def logits_of(network: nn.Module, case: EvaluatedPage) -> Logits:
    """Return the logits (4, N, 4) of a page's patches in the four turns of the page."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        logits = (
            network(four_rotations(torch.from_numpy(case.patches).to(device))).float().cpu().numpy()
        )
    return np.asarray(logits, np.float64).reshape(4, -1, 4)


def probabilities(logits: list[Logits], temperature: float) -> Logits:
    """Return, (M, 4, 4), the probabilities of each page in each of its turns."""
    scores = [
        [
            page_scores(
                turn, temperature=temperature, outlier_probability=Patches.outlier_probability
            )
            for turn in page
        ]
        for page in logits
    ]
    return np.array(scores, np.float64).reshape(-1, 4, 4)


def fit_temperature(logits: list[Logits]) -> float:
    """Return the temperature with the least negative log-likelihood on pages in their four turns."""
    grid = np.geomspace(0.5, 30, 50)
    return float(min(grid, key=lambda t: negative_log_likelihood(probabilities(logits, float(t)))))


def negative_log_likelihood(scores: Logits) -> float:
    """Return the mean negative log-likelihood of the right turn, of (M, 4, 4) scores."""
    right = scores[:, np.arange(4), np.arange(4)]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def evaluate(network: nn.Module, cases: list[EvaluatedPage], folder: Path) -> dict[str, float]:
    """Return page accuracy over four turns per source, and write the fitted `config.json`."""
    logits: dict[str, list[Logits]] = defaultdict(list)
    for case in cases:
        found = logits_of(network, case)
        logits[case.source].append(found)
        if case.source != "rendered":
            logits["real"].append(found)
    temperature = fit_temperature(logits["rendered"])
    write_json(
        folder / "config.json",
        {"temperature": round(temperature, 3), "outlier_probability": Patches.outlier_probability},
    )
    figures = {"temperature": temperature}
    for source, pages in sorted(logits.items()):
        scores = probabilities(pages, temperature)
        figures[f"{source}/pages"] = float((scores.argmax(2) == np.arange(4)).mean())
        figures[f"{source}/nll"] = negative_log_likelihood(scores)
    return figures


def rendered_cases(renderer: PageRenderer, seed: int, count: int) -> list[EvaluatedPage]:
    """Cut the patches of the first `count` pages of a seed."""
    return [
        EvaluatedPage("rendered", page_patches(renderer.page(seed, i).image)[0])
        for i in range(count)
    ]


def real_cases(folder: Path, limit: int = 25) -> list[EvaluatedPage]:
    """Cut the patches of the first `limit` labelled pages of each source that can be read.

    Pictures of one line are left out: a single word may look alike in two turns.
    """
    cases = []
    for page in select_pages(read_pages(folder), limit=limit):
        try:
            image = load(page.path)
            quads = [line.quad for line in page.lines if line.quad is not None and not line.ignore]
            cases.append(EvaluatedPage(page.source, page_patches(image)[0]))
            if quads:
                cases.append(
                    EvaluatedPage(
                        f"{page.source} lines", line_patches(image, np.stack(quads[:LINES]))
                    )
                )
        except InputError as error:
            log.warning("left out: %s", error)
    return cases


def main() -> None:
    """Read the command line and train."""
    options = TrainingOptions.from_arguments(parse(__doc__, tuple(ARCHITECTURES)))
    recipe = AngleRecipe()

    def prepare(setup: TrainingSetup) -> Training:
        cases = rendered_cases(setup.pages, HELD_OUT_SEED + options.seed, recipe.held_out)
        if options.eval_data:
            cases += real_cases(options.eval_data)
        cases = [case for case in cases if len(case.patches)]
        return Training(
            ARCHITECTURES[options.arch](),
            PatchBatches.of(setup.pages, setup.backgrounds, recipe, options.seed),
            make_loss(recipe),
            lambda average: evaluate(average, cases, setup.run.folder),
            best="real/nll" if options.eval_data else "rendered/nll",
            higher_is_better=False,
        )

    run_training(options, f"angle-{options.arch}", recipe, ANGLE_FIT, prepare)


if __name__ == "__main__":
    main()
