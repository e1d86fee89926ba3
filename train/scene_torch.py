"""Train the scene model: which way up a photograph is, whatever is written in it.

    python -m train.scene_torch --run ~/runs/scene --time-budget 30m --backgrounds PHOTOGRAPHS

Every eighth photograph is held out for evaluation; all must be upright. The run's `config.json` gets the temperature
that calibrates the probabilities on those.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from angle.scene import four_turns, turn_chances, views
from angle.scene_torch import SceneNet
from common.arrays import Floats
from train.angle_torch import four_rotations
from train.batches.scenes import SceneBatches, photographs
from train.loop.fit_torch import Loss
from train.loop.recipes import SCENE_FIT, SceneRecipe
from train.loop.run import write_json
from train.loop.setup import TrainingOptions, TrainingSetup, parse
from train.loop.training_torch import Training, run_training


def make_loss(recipe: SceneRecipe) -> Loss:
    """Return the loss of one batch: cross-entropy with the turn of four; a quarter each where nothing has an up."""

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        upright, known = batch["views"], batch["known"]
        scores = network(
            four_rotations(upright).contiguous(memory_format=torch.channels_last)
        ).float()
        scores = scores.view(4, len(upright)).T
        target = torch.full_like(scores, recipe.smoothing / 4)
        target[:, 0] += 1 - recipe.smoothing
        value = F.cross_entropy(scores, torch.where(known[:, None], target, 0.25))
        right = (scores.argmax(1) == 0)[known].float()
        return value, {
            "loss": value.item(),
            "right": right.mean().item() if len(right) else 0.0,
        }

    return loss


def scores_of(network: nn.Module, held: list[Floats]) -> list[NDArray[np.float64]]:
    """Return the scores (M, 1) of each photograph's `four_turns`."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        return [
            network(torch.from_numpy(four_turns(seen)).to(device)).double().cpu().numpy()
            for seen in held
        ]


def negative_log_likelihood(scores: list[NDArray[np.float64]], temperature: float) -> float:
    """Return the mean negative log-likelihood of upright."""
    chances = [turn_chances(each, temperature)[0] for each in scores]
    return float(-np.log(np.maximum(chances, 1e-12)).mean())


def evaluate(network: nn.Module, held: list[Floats], folder: Path) -> dict[str, float]:
    """Return the accuracy on held-out photographs, and write the fitted `config.json`."""
    scores = scores_of(network, held)
    grid = [float(t) for t in np.geomspace(0.3, 10, 50)]
    temperature = min(grid, key=lambda t: negative_log_likelihood(scores, t))
    write_json(folder / "config.json", {"temperature": round(temperature, 3)})
    right = [turn_chances(each, temperature).argmax() == 0 for each in scores]
    return {
        "right": float(np.mean(right)),
        "nll": negative_log_likelihood(scores, temperature),
        "temperature": temperature,
    }


def main() -> None:
    """Read the command line and train."""
    options = TrainingOptions.from_arguments(parse(__doc__))
    recipe = SceneRecipe()

    def prepare(setup: TrainingSetup) -> Training:
        learned, held = photographs(options.backgrounds, recipe.held_out_every)
        seen: list[Floats] = [views(image) for image in held]
        return Training(
            SceneNet(dropout=recipe.dropout),
            SceneBatches(learned, recipe, options.seed),
            make_loss(recipe),
            lambda average: evaluate(average, seen, setup.run.folder),
            best="nll",
            higher_is_better=False,
        )

    run_training(options, "scene", recipe, SCENE_FIT, prepare)


if __name__ == "__main__":
    main()
