"""Hold the hyperparameters of every training, each with its unit or its reason.

Two kinds stand elsewhere: what weighs a detector's losses is with its method, and how lines, crops and patches are cut
is in `train.batches`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

HELD_OUT_SEED = 10_000_019
"""Added to a run's seed for the pages and lines that it is evaluated on; training counts up from its own seed and
never gets here."""

REGRESSION_SEED = 20_000_003
"""Seed of the rendered lines of fine-tuning reports; never changed, so that reports compare."""

WARM_START_LR = 1e-4
"""Peak rate of a VGG-16 that starts from weights, unless --lr says otherwise: the shipped one has no batch norm, and
at the usual rate one step spoils it."""


@dataclass(frozen=True)
class FitRecipe:
    """What the training loop itself needs; each training has its own (`CRNN_FIT` and so on).

    Attributes:
        lr: peak rate of AdamW.
        weight_decay: on weights of two or more dimensions alone.
        warmup_steps: the rate rises linearly for so many steps, then falls as a cosine to a
            hundredth.
        clip: norm of the gradient at most.
        ema_decay: per step; the averaged weights are evaluated and shipped.
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


CRNN_FIT = FitRecipe(warmup_steps=200)
BASE_FIT = {"lr": 8e-4, "ema_decay": 0.998}
"""What the larger recognizer changes of it: it starts from weights, and takes fewer steps."""
FINETUNE_FIT = FitRecipe(lr=5e-4, warmup_steps=50)
"""Weights that must keep what they know move slowly."""
DETECTOR_FIT = FitRecipe(lr=1.5e-3, warmup_steps=200)
ANGLE_FIT = FitRecipe(warmup_steps=100)
SCENE_FIT = FitRecipe(warmup_steps=100, weight_decay=0.05)
VGG16_FIT = FitRecipe(lr=3e-4, warmup_steps=100)
CRNN_KERAS_FIT = FitRecipe(lr=1e-3, warmup_steps=200)
CTPN_KERAS_FIT = FitRecipe(lr=1e-3, warmup_steps=200)
ANGLE_KERAS_FIT = FitRecipe(lr=1e-3, warmup_steps=100)


def learning_rate(recipe: FitRecipe, step: int, progress: float) -> float:
    """Return the rate: linear warm-up by steps, then cosine by progress, at least a hundredth."""
    warm = min(1.0, (step + 1) / max(recipe.warmup_steps, 1))
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return recipe.lr * warm * max(cosine, 0.01)


@dataclass(frozen=True)
class CrnnRecipe:
    """Training of a recognizer.

    Attributes:
        columns: lines times width of one batch, at the input height of 32.
        widths: a batch's lines are rendered for one of these widths; short lines are learned
            fastest.
        shares: how often each width comes.
        aligned_until: share of the run in which per-step cross-entropy (weight `aligned_weight`) is the only loss;
            after it CTC joins with weight 1 and cross-entropy keeps weight 1. README.md says what it brings.
        aligned_weight: see `aligned_until`.
        sampled: classes outside the batch that take part in a step; None for all.
        page_share: share of batches whose lines are cut out of rendered pages instead of rendered singly.
        attention_weight: of the attention's cross-entropy, in networks that have one beside CTC.
        drift_weight: of the distance between where attention looks and where the character stands; where attention
            alone is trained on a student's features.
        teacher_weight: of the distance to a teacher's features, where there is one.
        bent: share of the singly rendered lines that are bent or tilted, see `train.batches.bent`.
        pages: pages rendered for a batch of cut lines; the batch is the width class with most text among them.
        held_out_lines: rendered lines of an evaluation.
        real_lines: real lines of each source in an evaluation, at most; of several folders each gives its part.
    """

    columns: int = 16384
    widths: tuple[int, ...] = (96, 160, 280, 480, 840)
    shares: tuple[float, ...] = (0.22, 0.25, 0.28, 0.15, 0.10)
    aligned_until: float = 0.35
    aligned_weight: float = 4.0
    sampled: int | None = 1500
    page_share: float = 0.35
    bent: float = 0.0
    attention_weight: float = 0.5
    drift_weight: float = 1.0
    teacher_weight: float = 4.0
    pages: int = 4
    held_out_lines: int = 400
    real_lines: int = 120


@dataclass(frozen=True)
class CropRecipe:
    """How the detector's crops are taken from pages.

    Attributes:
        size: side of a crop in pixels, a multiple of 16.
        pages: rendered for one batch.
        crops: taken from each page, each at its own scale: rendering costs more than cropping.
        usual: heights of a line in pixels that the detector works at, the range of half of the
            crops.
        extreme: heights of the other half, evenly by octave; what is too small for a method is its background.
        stretch: largest change of width against height, as a factor.
        slanted: share of the crops rotated by up to 45 degrees either way, where a method finds lines of any slope.
        sideways: share of the pages rotated by a quarter turn, likewise.
        hidden: share of the lines whose characters are kept from a method that learns from them.
    """

    size: int = 512
    pages: int = 6
    crops: int = 2
    usual: tuple[float, float] = (12.0, 32.0)
    extreme: tuple[float, float] = (3.0, 200.0)
    stretch: float = 1.15
    slanted: float = 0.5
    sideways: float = 0.25
    hidden: float = 0.5


@dataclass(frozen=True)
class DetectorRecipe:
    """Training of a detector.

    Attributes:
        crops: how batches are made.
        rendered_pages: held-out pages of an evaluation.
        real_pages: labelled pages of an evaluation at most, spread over their sources.
    """

    crops: CropRecipe = field(default_factory=CropRecipe)
    rendered_pages: int = 24
    real_pages: int = 30


@dataclass(frozen=True)
class FotsRecipe:
    """Training of FOTS.

    Attributes:
        crops: how the pictures of a batch are made.
        reading: of the lines that are read in them; `columns` and `widths` as for a recognizer.
        least_height: pixels of a line in a crop from which it is read; lower ones are only found.
        jitter: how loosely lines are cut, see `train.batches.line_crops.jittered`.
        rendered_pages: held-out pages of an evaluation of finding.
        rendered_batches: held-out batches of an evaluation of reading.
    """

    crops: CropRecipe = field(default_factory=lambda: CropRecipe(pages=4))
    reading: CrnnRecipe = field(default_factory=lambda: CrnnRecipe(columns=6144, aligned_until=0.0))
    least_height: float = 10.0
    jitter: float = 1.0
    rendered_pages: int = 8
    rendered_batches: int = 4


@dataclass(frozen=True)
class StnOcrRecipe:
    """Training of STN-OCR.

    Attributes:
        scenes: of one batch.
        steps_a_word: batches after which scenes may have one word more.
        width: columns of a word at the recognizer's height, at most.
        heights: of a word in pixels of a scene, at least and at most.
        cut_out: share of the scenes that are one word filling its picture, as data sets of words have them.
        margin: around such a word on each side at most, by its height.
        carried_on: share of the sides of other words at which their ground goes on beyond them.
        colored: share of the words that are in two colors instead of grey.
        sampled: classes outside the batch that take part in a step; None for all.
        empty_weight: of regions without a word. They are three of four at first, and what they learn soonest is to see
            nothing, from where no gradient brings them back.
        alone: share of the training at whose beginning nothing is read, and regions are told where words are: a batch
            takes a tenth of the time.
        guided: share until which they still are, less and less, while what they show is read.
        place_weight: of that, at first.
        rendered_batches: held-out batches of an evaluation.
    """

    scenes: int = 16
    steps_a_word: int = 300
    width: int = 128
    heights: tuple[float, float] = (22.0, 110.0)
    cut_out: float = 0.35
    margin: float = 0.25
    carried_on: float = 0.75
    colored: float = 0.8
    sampled: int | None = 1500
    empty_weight: float = 0.05
    alone: float = 0.7
    guided: float = 0.9
    place_weight: float = 20.0
    rendered_batches: int = 6


@dataclass(frozen=True)
class CtpnKerasRecipe:
    """Training of CTPN in Keras; the losses are those of `ctpn.model_torch.losses`.

    Attributes:
        crops: how batches are made.
        negatives: background anchors for each text anchor, the worst ones (hard negative mining).
        beta: where smooth-L1 turns from square to straight: 1 / sigma squared with sigma 3, as in
            the published systems.
        vertical_weight: of the vertical offsets (Tian et al. 2016, section 3.4: 1).
        side_weight: of the side offsets (section 3.4: 2).
    """

    crops: CropRecipe = field(default_factory=CropRecipe)
    negatives: float = 3.0
    beta: float = 1 / 9
    vertical_weight: float = 1.0
    side_weight: float = 2.0


@dataclass(frozen=True)
class AngleRecipe:
    """Training of an angle model.

    Attributes:
        pages: rendered pages of one batch.
        patches: cut of each, twice as many as in deployment because rendering costs more than cutting.
        line_patches: cut along lines of each besides, at any height that can be read.
        street: share of pages that are street scenes, besides those among all pages: they are hard.
        photo_share: share of pictures without text, which must be answered with a quarter for each turn.
        jitter: share of patches that are moved, scaled and tilted a little.
        inverted: share of patches with light and dark exchanged.
        smoothing: of the labels: some characters look alike in two turns.
        held_out: rendered pages of an evaluation.
    """

    pages: int = 3
    patches: int = 16
    line_patches: int = 12
    street: float = 0.3
    photo_share: float = 0.12
    jitter: float = 0.6
    inverted: float = 0.25
    smoothing: float = 0.02
    held_out: int = 120


@dataclass(frozen=True)
class SceneRecipe:
    """Training of the scene model.

    Attributes:
        views: of one batch, each shown in its four turns.
        blank: share of them that are made by code and have no up: a page's paper, a wall.
        smallest: side of a view against the photograph's shorter side, at least.
        tilt: degrees by which a view is rotated at most, as a camera is held.
        smoothing: of the labels: some photographs have no up.
        dropout: of the network.
        held_out_every: of so many photographs one is evaluated on and not trained on.
    """

    views: int = 16
    blank: float = 0.1
    smallest: float = 0.5
    tilt: float = 8.0
    smoothing: float = 0.05
    dropout: float = 0.4
    held_out_every: int = 8


@dataclass(frozen=True)
class VGG16Recipe:
    """Training of the papers' detector and angle model on one VGG-16.

    Attributes:
        detector: a batch's crops; few pages are evaluated, because one takes seconds.
        angle: a batch's patches, few because each is seen in four turns.
        angle_weight: of the angle's loss beside the detector's.
        teacher_until: share of the run in which the small detector's features are targets too.
        teacher_weight: of their distance, as a share of their variance.
    """

    detector: DetectorRecipe = field(
        default_factory=lambda: DetectorRecipe(
            crops=CropRecipe(size=448, pages=2, crops=2), rendered_pages=8, real_pages=12
        )
    )
    angle: AngleRecipe = field(
        default_factory=lambda: AngleRecipe(pages=1, patches=3, line_patches=4, held_out=32)
    )
    angle_weight: float = 1.0
    teacher_until: float = 0.5
    teacher_weight: float = 1.0
