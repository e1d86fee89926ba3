"""Train the scene model: which way up a photograph is, whatever is written in it.

    python -m train.scene_torch --run ~/runs/scene --time-budget 30m --backgrounds PHOTOGRAPHS

Of photographs taken upright every eighth is judged on. The run's `config.json` gets the temperature that makes the
chances of a turn true on those.
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
from train.angle_torch import turned
from train.batches.scenes import SceneBatches, SceneRecipe, photographs
from train.loop.fit_torch import Loss, fit
from train.loop.loader_torch import rendered_batches
from train.loop.recipes import FitRecipe
from train.loop.run import write_json
from train.loop.setup_torch import parse, prepared, schedule_of, start


def make_loss(recipe: SceneRecipe) -> Loss:
    """Return the loss of one batch: cross-entropy with the turn of four; a quarter each where nothing has an up."""

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        upright, known = batch["views"], batch["known"]
        scores = network(turned(upright).contiguous(memory_format=torch.channels_last)).float()
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


def surprise(scores: list[NDArray[np.float64]], temperature: float) -> float:
    """Return the mean negative log-probability of upright."""
    chances = [turn_chances(each, temperature)[0] for each in scores]
    return float(-np.log(np.maximum(chances, 1e-12)).mean())


def judge(network: nn.Module, held: list[Floats], folder: Path) -> dict[str, float]:
    """Return the share of held-out photographs told right, and write the fitted `config.json`."""
    scores = scores_of(network, held)
    grid = [float(t) for t in np.geomspace(0.3, 10, 50)]
    temperature = min(grid, key=lambda t: surprise(scores, t))
    write_json(folder / "config.json", {"temperature": round(temperature, 3)})
    right = [turn_chances(each, temperature).argmax() == 0 for each in scores]
    return {
        "right": float(np.mean(right)),
        "surprise": surprise(scores, temperature),
        "temperature": temperature,
    }


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__)
    recipe = SceneRecipe()
    schedule = schedule_of(args, FitRecipe(warmup_steps=100, weight_decay=0.05))
    run = start(args, "scene", recipe, schedule).run
    learned, held = photographs(args.backgrounds)
    batches = SceneBatches(learned, recipe, args.seed)
    seen: list[Floats] = [views(image) for image in held]
    fit(
        prepared(SceneNet(dropout=recipe.dropout), args),
        schedule,
        run,
        lambda first: rendered_batches(batches, start=first, workers=args.workers),
        make_loss(recipe),
        lambda average: judge(average, seen, run.folder),
        best="surprise",
        higher_is_better=False,
        resume=args.resume,
        device=args.device,
    )


if __name__ == "__main__":
    main()
