"""Train STN-OCR: to find words from their texts alone, by what a recognizer reads in the regions that are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from common.arrays import Floats
from common.edit_distance import edit_distance
from recognition import ctc
from recognition.charset import Charset
from recognition.ctc_loss_torch import Targets, line_loss
from spotting import Row, stn_ocr_torch
from spotting.stn_ocr_torch import STNOCRNet, sample
from train.batches.word_scenes import WordScenes
from train.detector_torch import to_input
from train.evaluate.page_metrics import normalize
from train.export.models import (
    CALIBRATION_SEED,
    LINE_AXES,
    Export,
    ExportOptions,
    line_renderer,
    recognizer_inputs,
)
from train.loop.fit_torch import Batch, Loss
from train.loop.recipes import HELD_OUT_SEED, StnOcrRecipe
from train.loop.setup import TrainingSetup
from train.loop.training_torch import Training
from train.synth.backgrounds import Backgrounds
from train.synth.line.render import LineRenderer
from train.transfer.distill_torch import load_teacher
from train.transfer.freeze_torch import freeze

RECIPE = StnOcrRecipe()

GROWN = 1.1
"""Sides of a region by those of its word."""


def prepare(
    setup: TrainingSetup, charset: Charset, init_reader: Path | None, frozen: Sequence[str]
) -> Training:
    """Make what STN-OCR brings to the training loop.

    Args:
        setup: of the run.
        charset: the reader's.
        init_reader: weights of the small recognizer, from which the reader starts.
        frozen: parts of the network that stay as they are.
    """
    network = STNOCRNet(charset.classes)
    if init_reader:
        network.reader.load_state_dict(load_teacher(init_reader).state_dict())
    freeze(network, frozen)
    options = setup.options
    renderer = LineRenderer(setup.fonts, setup.corpus, options.backgrounds)
    parts = renderer, setup.backgrounds, charset, RECIPE
    unseen = WordScenes(*parts, HELD_OUT_SEED + options.seed, grown=True)
    held_out = [
        {name: torch.from_numpy(value) for name, value in unseen(i).items()}
        for i in range(RECIPE.rendered_batches)
    ]
    return Training(
        network,
        WordScenes(*parts, options.seed),
        make_loss(None),
        lambda average: evaluate(average, held_out, charset),
        best="word/cer",
        higher_is_better=False,
    )


def make_loss(_: None) -> Loss:
    """Return the loss of one batch: CTC of what is read in each region; where no word is left, of nothing.

    A reader that stays as it is tells nothing of a region that shows no whole letter, and all are so at first: while
    `RECIPE.alone` lasts, a region is told where its word is and nothing is read; until `RECIPE.guided`, both.
    """

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        assert isinstance(network, STNOCRNet)
        images = to_input(batch["images"])
        regions = network.localizer(images)
        word = batch["lengths"] > 0
        parts = {}
        left = (RECIPE.guided - max(progress, RECIPE.alone)) / (RECIPE.guided - RECIPE.alone)
        if left > 0 and word.any():
            away = distance(regions.flatten(0, 1)[word], batch["regions"][word])
            parts["place"] = RECIPE.place_weight * left * away
        if progress >= RECIPE.alone:
            parts |= _reading(network, sample(images, regions), batch)
        total = sum(parts.values(), 0 * regions.sum())
        return total, {name: part.item() for name, part in {"loss": total, **parts}.items()}

    return loss


def _reading(network: STNOCRNet, lines: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the losses of what is read in regions, sampled as lines."""
    features = network.reader.features(lines)
    count, steps = features.shape[:2]
    nothing = torch.full((count, steps), -1, device=features.device)
    whole = torch.full((count,), steps, device=features.device)
    targets = Targets(batch["labels"], batch["lengths"], whole, nothing)
    classify = network.reader.classify
    word = batch["lengths"] > 0
    parts = {}
    for name, rows, weight in (("ctc", word, 1.0), ("empty", ~word, RECIPE.empty_weight)):
        if rows.any():
            chosen = Targets(*(part[rows] for part in targets))
            read, _ = line_loss(
                features[rows], classify.weight, classify.bias, chosen, sampled=RECIPE.sampled
            )
            parts[name] = weight * read
    return parts


def distance(regions: Tensor, true: Tensor) -> Tensor:
    """Return how far regions (K, 4) are from those of words, in half sides of these, as smooth L1."""
    middle = (regions[:, :2] - true[:, :2]) / true[:, 2:]
    ratio = torch.log(regions[:, 2:] / (true[:, 2:] * GROWN))
    return nn.functional.smooth_l1_loss(
        torch.cat([middle, ratio], dim=1), torch.zeros_like(regions)
    )


def evaluate(network: nn.Module, held_out: Sequence[Batch], charset: Charset) -> dict[str, float]:
    """Return the CER and the share of words read exactly, of those of scenes, by the number of their region."""
    assert isinstance(network, STNOCRNet)
    wrong = total = exact = words = 0
    for batch in held_out:
        logits = network.reader(network(to_input(batch["images"])))
        answers = torch.log_softmax(logits.float(), 2).numpy()
        for answer, labels, length in zip(answers, batch["labels"], batch["lengths"], strict=True):
            if not length:
                continue
            read = normalize(charset.decode([run.label for run in ctc.greedy(answer)]))
            true = normalize(charset.decode(labels.tolist()))
            wrong, total = wrong + edit_distance(true, read), total + len(true)
            exact, words = exact + (true == read), words + 1
    return {"word/cer": wrong / max(total, 1), "word/exact": exact / max(words, 1)}


def exports(options: ExportOptions, row: Row) -> tuple[STNOCRNet, Export, Export]:
    """Return a network to fill with weights, and how its two parts are exported."""
    charset = Charset.load(row.charset)
    network = STNOCRNet(charset.classes)
    first = Export(
        network, stn_ocr_torch.trunk, stn_ocr_torch.TRUNK, {"image": {0: "N"}, "regions": {0: "N"}}, {},
        lambda: _scenes(options, charset), keep_float=stn_ocr_torch.HEADS,
    )  # fmt: skip
    second = Export(
        network, stn_ocr_torch.head, stn_ocr_torch.HEAD,
        {"image": LINE_AXES, "log_probs": {0: "N", 1: "T"}}, {"charset": "".join(charset.characters)},
        lambda: recognizer_inputs(options), classifier=True,
    )  # fmt: skip
    return network, first, second


def _scenes(options: ExportOptions, charset: Charset) -> Iterator[Floats]:
    """Yield batches of rendered scenes as the localizer gets them."""
    backgrounds = Backgrounds.load(options.backgrounds)
    make = WordScenes(
        line_renderer(options), backgrounds, charset, RECIPE, CALIBRATION_SEED, grown=True
    )
    for index in range(options.calibrate):
        yield to_input(torch.from_numpy(make(index)["images"])).contiguous().numpy()
