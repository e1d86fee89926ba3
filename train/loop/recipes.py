"""Every number of every training, with its unit or its reason."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class FitRecipe:
    """What the training loop itself needs; each model's recipe holds one.

    Attributes:
        lr: peak rate of AdamW.
        weight_decay: on weights of two or more dimensions alone.
        warmup_steps: the rate rises linearly for so many steps, then falls as a cosine to a
            hundredth.
        clip: norm of the gradient at most.
        ema_decay: per step; the averaged weights are what is judged and shipped.
        time_budget_s: seconds of training in all, resumed runs counted together; the schedule
            follows it.
        steps: steps in all, where no time budget is given.
        evaluate_every_s: seconds between evaluations.
        checkpoint_every_s: seconds between checkpoints.
        accumulate: batches of each process whose gradients make one step.
        precision: of the network's arithmetic: bfloat16, float16 (for GPUs without bfloat16) or
            float32.
    """

    lr: float = 2e-3
    weight_decay: float = 0.02
    warmup_steps: int = 300
    clip: float = 5.0
    ema_decay: float = 0.999
    time_budget_s: float | None = None
    steps: int | None = None
    evaluate_every_s: float = 600.0
    checkpoint_every_s: float = 180.0
    accumulate: int = 1
    precision: str = "bfloat16"


def learning_rate(recipe: FitRecipe, step: int, progress: float) -> float:
    """Return the rate: 1 linear warm-up by steps, 2 cosine by progress, 3 a hundredth at the end."""
    warm = min(1.0, (step + 1) / max(recipe.warmup_steps, 1))
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return recipe.lr * warm * max(cosine, 0.01)


@dataclass(frozen=True)
class CrnnRecipe:
    """Training of the small recognizer.

    Attributes:
        columns: lines times width of one batch, at the input height of 32.
        widths: a batch's lines are rendered for one of these widths; short lines are learned
            fastest.
        shares: how often each width comes.
        aligned_until: share of the run in which per-step cross-entropy (weight `aligned_weight`)
            stands alone;
            after it CTC joins with weight 1 and cross-entropy keeps weight 1. See README.md for
            what it brings.
        sampled: classes outside the batch that take part in a step; None for all.
        page_share: share of batches whose lines are cut out of rendered pages instead of rendered singly.
        attention_weight: of the attention's cross-entropy, in networks that have one beside CTC.
        drift_weight: of how far attention looks from where a character stands, where attention alone is trained.
        teacher_weight: of the distance to a teacher's features, where there is one.
        pages: pages rendered for such a batch; the width class with most text among them is the batch.
    """

    columns: int = 16384
    widths: tuple[int, ...] = (96, 160, 280, 480, 840)
    shares: tuple[float, ...] = (0.22, 0.25, 0.28, 0.15, 0.10)
    aligned_until: float = 0.35
    aligned_weight: float = 4.0
    sampled: int | None = 1500
    page_share: float = 0.35
    attention_weight: float = 0.5
    drift_weight: float = 1.0
    teacher_weight: float = 4.0
    pages: int = 4
