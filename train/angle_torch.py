"""Train an angle model, the small one or (`--arch reference`) VGG-16.

    python -m train.angle_torch --run ~/runs/angle --time-budget 20m \
        --corpus CORPUS --backgrounds PHOTOGRAPHS --eval-data PAGES

Rendered pages are cut into pieces exactly as in deployment, and every piece is shown in its four
turns. Pieces without text are to be answered with a quarter for each turn: a page is decided by the
sum over its pieces, so one that knows nothing must say nothing. The run's `config.json` gets the
temperature that makes the score of a page the share of such pages that are right, fitted on
rendered pages held out.
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
from angle.preprocess import line_pieces, pieces
from common.arrays import Floats
from common.image import InputError, load
from train.batches.page_patches import AngleRecipe, PieceBatches
from train.data.readers.jsonl import read_pages, select_pages
from train.loop.fit_torch import Loss, fit
from train.loop.loader_torch import rendered_batches
from train.loop.recipes import FitRecipe
from train.loop.run import log, write_json
from train.loop.setup_torch import parse, prepared, schedule_of, start
from train.synth.page import PageRenderer

Logits: TypeAlias = NDArray[np.float64]

LINES = 8  # of a real page, looked along to judge that: a batch of hundreds would take gigabytes

HELD_OUT = 20_000_003  # seed offset of pages that no training renders


class Case(NamedTuple):
    """One upright page to judge on: its pieces, (N, 1, S, S)."""

    source: str
    pieces: Floats


def turned(upright: Tensor) -> Tensor:
    """Turn (N, 1, S, S) clockwise by 0, 90, 180 and 270 degrees: (4 N, 1, S, S) in this order."""
    return torch.cat([torch.rot90(upright, -k, (2, 3)) for k in range(4)])


def make_loss(recipe: AngleRecipe) -> Loss:
    """Return the loss of one batch: cross-entropy with the turn.

    Where there is no text the target is a quarter for each turn.
    """

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        upright, known = batch["pieces"], batch["known"].repeat(4)
        sign = torch.rand(len(upright), 1, 1, 1, device=upright.device) < recipe.inverted
        logits = network(turned(torch.where(sign, -upright, upright))).float()
        turn = torch.arange(4, device=logits.device).repeat_interleave(len(upright))
        target = F.one_hot(turn, 4) * (1 - recipe.smoothing) + recipe.smoothing / 4
        target = torch.where(known[:, None], target, 0.25)
        value = F.cross_entropy(logits, target)
        right = (logits.argmax(1) == turn)[known].float()
        figures = {"loss": value.item(), "right": right.mean().item() if len(right) else 0.0}
        return value, figures | {"pieces": float(len(known))}

    return loss


def logits_of(network: nn.Module, case: Case) -> Logits:
    """Return the logits (4, N, 4) of a page's pieces in the four turns of the page."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        logits = network(turned(torch.from_numpy(case.pieces).to(device))).float().cpu().numpy()
    return np.asarray(logits, np.float64).reshape(4, -1, 4)


def chances(logits: list[Logits], temperature: float, doubt: float) -> Logits:
    """Return, (M, 4, 4), the probabilities of each page in each of its turns."""
    scores = [
        [page_scores(turn, temperature=temperature, doubt=doubt) for turn in page]
        for page in logits
    ]
    return np.array(scores, np.float64).reshape(-1, 4, 4)


def fit_temperature(logits: list[Logits], doubt: float) -> float:
    """Return the temperature that makes held-out pages, in their four turns, most likely."""
    grid = np.geomspace(0.5, 30, 50)
    return float(min(grid, key=lambda t: surprise(chances(logits, float(t), doubt))))


def surprise(scores: Logits) -> float:
    """Return the mean negative log-probability of the right turn, of (M, 4, 4) scores."""
    right = scores[:, np.arange(4), np.arange(4)]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def judge(network: nn.Module, cases: list[Case], folder: Path) -> dict[str, float]:
    """Return page accuracy over four turns per source, and write the fitted `config.json`."""
    doubt = 0.02
    logits: dict[str, list[Logits]] = defaultdict(list)
    for case in cases:
        found = logits_of(network, case)
        logits[case.source].append(found)
        if case.source != "rendered":
            logits["real"].append(found)
    temperature = fit_temperature(logits["rendered"], doubt)
    write_json(folder / "config.json", {"temperature": round(temperature, 3), "doubt": doubt})
    figures = {"temperature": temperature}
    for source, pages in sorted(logits.items()):
        scores = chances(pages, temperature, doubt)
        figures[f"{source}/pages"] = float((scores.argmax(2) == np.arange(4)).mean())
        figures[f"{source}/surprise"] = surprise(scores)
    return figures


def rendered_cases(renderer: PageRenderer, seed: int, count: int) -> list[Case]:
    """Cut the pieces of the first `count` pages of a seed."""
    return [Case("rendered", pieces(renderer.page(seed, i).image)[0]) for i in range(count)]


def real_cases(folder: Path, limit: int = 25) -> list[Case]:
    """Cut the pieces of the first `limit` labelled pages of each source that can be read.

    Pictures of one line are left out: a single word may look alike in two turns.
    """
    cases = []
    for page in select_pages(read_pages(folder), limit=limit):
        try:
            image = load(page.path)
            quads = [line.quad for line in page.lines if line.quad is not None and not line.ignore]
            cases.append(Case(page.source, pieces(image)[0]))
            if quads:
                cases.append(
                    Case(f"{page.source} lines", line_pieces(image, np.stack(quads[:LINES])))
                )
        except InputError as error:
            log.warning("left out: %s", error)
    return cases


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, tuple(ARCHITECTURES))
    recipe = AngleRecipe()
    schedule = schedule_of(args, FitRecipe(warmup_steps=100))
    started = start(args, f"angle-{args.arch}", recipe, schedule)
    renderer, run = started.pages, started.run
    cases = rendered_cases(renderer, HELD_OUT + args.seed, recipe.held_out)
    if args.eval_data:
        cases += real_cases(args.eval_data)
    cases = [case for case in cases if len(case.pieces)]
    network = prepared(ARCHITECTURES[args.arch](), args)
    make = PieceBatches.of(renderer, started.backgrounds, recipe, args.seed)
    fit(
        network,
        schedule,
        run,
        lambda start: rendered_batches(make, start=start, workers=args.workers),
        make_loss(recipe),
        lambda average: judge(average, cases, run.folder),
        best="real/surprise" if args.eval_data else "rendered/surprise",
        higher_is_better=False,
        resume=args.resume,
        device=args.device,
    )


if __name__ == "__main__":
    main()
