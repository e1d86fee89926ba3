"""Train FOTS: to find the lines of crops of pages, and to read some of them from the features they are found by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from common.arrays import Floats
from common.edit_distance import edit_distance
from detection import east_torch
from detection.detector import Detector
from detection.east import EAST
from detection.network_torch import as_network
from recognition import ctc, ctc_loss_torch
from recognition.charset import Charset
from recognition.ctc_loss_torch import Targets
from recognition.network_torch import SmallCRNN
from spotting import Row, fots_torch
from spotting.fots import FEATURES, FOTS
from spotting.fots_torch import FOTSNet, Lines, activate
from train.batches.page_crops import PageCrops
from train.batches.spotted_lines import SpottedLines
from train.detector_torch import evaluate_pages, rendered_pages, to_input
from train.evaluate.page_metrics import normalize
from train.export.models import (
    CALIBRATION_SEED,
    Export,
    ExportOptions,
    detector_axes,
    detector_inputs,
    page_renderer,
)
from train.loop.fit_torch import Batch, Loss
from train.loop.recipes import HELD_OUT_SEED, FotsRecipe
from train.loop.setup import TrainingSetup
from train.loop.training_torch import Training
from train.transfer.distill_torch import feature_loss, load_teacher
from train.transfer.freeze_torch import freeze

RECIPE = FotsRecipe()


def prepare(
    setup: TrainingSetup, charset: Charset, init_reader: Path | None, frozen: Sequence[str]
) -> Training:
    """Make what FOTS brings to the training loop.

    Args:
        setup: of the run.
        charset: the reader's.
        init_reader: weights of the small recognizer: the reader starts from them, and they are its teacher.
        frozen: parts of the network that stay as they are.
    """
    network = FOTSNet(charset.classes)
    teacher = load_teacher(init_reader) if init_reader else None
    if teacher is not None:
        network.reader.start_from(teacher)
    freeze(network, frozen)
    held_out = rendered_pages(
        setup.pages, HELD_OUT_SEED + setup.options.seed, RECIPE.rendered_pages
    )
    unseen = batches(setup, charset, HELD_OUT_SEED + setup.options.seed)
    unread = [tensors(unseen(i)) for i in range(RECIPE.rendered_batches)]

    def evaluate(average: nn.Module) -> dict[str, float]:
        assert isinstance(average, FOTSNet)
        reading = evaluate_reading(average, unread, charset)
        if not network.finds:
            return reading
        detector = Detector(as_network(average, activate), FOTS())
        return evaluate_pages(detector, held_out) | reading

    return Training(
        network,
        batches(setup, charset, setup.options.seed),
        make_loss(teacher),
        evaluate,
        best="reading/cer",
        higher_is_better=False,
    )


def batches(
    setup: TrainingSetup, charset: Charset, seed: int
) -> Callable[[int], dict[str, np.ndarray]]:
    """Return what renders batches."""
    crops = PageCrops(setup.pages, RECIPE.crops, seed, EAST())
    return SpottedLines(crops, RECIPE, charset, seed)


def tensors(batch: dict[str, np.ndarray]) -> Batch:
    """Convert the arrays of a batch."""
    return {name: torch.from_numpy(value) for name, value in batch.items()}


def make_loss(teacher: SmallCRNN | None) -> Loss:
    """Return the loss of one batch: those of EAST, of reading, and the distance to a teacher, each logged by its name.

    Where EAST's last layers are frozen, none of finding is computed.

    Args:
        teacher: reads the same lines cut out of the pictures; what it sees after two convolutions and before its
            classifier are targets.
    """

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        assert isinstance(network, FOTSNet)
        parts: dict[str, Tensor] = {}
        if network.finds:
            *maps, near, wide = network(to_input(batch["images"]))
            found = {name: one.float() for name, one in zip(EAST.outputs, maps, strict=True)}
            parts |= east_torch.losses(found, batch)
        else:
            near, wide = network.features(to_input(batch["images"]))
        if len(batch["places"]):
            lines = Lines(batch["places"], batch["picture"])
            seen = network.reader.stem(network.sample(near, wide, lines))
            parts |= _reading(network.reader, seen, batch, progress, teacher)
        total = sum(parts.values(), torch.zeros(()))
        return total, {name: part.item() for name, part in {"loss": total, **parts}.items()}

    return loss


def _reading(
    reader: SmallCRNN,
    seen: Tensor,
    batch: dict[str, Tensor],
    progress: float,
    teacher: SmallCRNN | None,
) -> dict[str, Tensor]:
    """Return the losses of reading lines whose features after the stem are these."""
    recipe, features = RECIPE.reading, reader.after_stem(seen)
    targets = Targets(batch["labels"], batch["lengths"], batch["steps"], batch["aligned"])
    parts = ctc_loss_torch.losses(reader, features, features, targets, progress, recipe)
    if teacher is None:
        return parts
    with torch.no_grad():
        first = teacher.stem(batch["lines"])
        last = teacher.after_stem(first)
    weight = recipe.teacher_weight
    return parts | {
        "first": weight * feature_loss(_columns(seen), _columns(first), 2 * targets.steps),
        "last": weight * feature_loss(features, last, targets.steps),
    }


def _columns(maps: Tensor) -> Tensor:
    """Turn maps (N, C, R, S) into vectors (N, S, C * R)."""
    return maps.permute(0, 3, 1, 2).flatten(2)


def evaluate_reading(
    network: FOTSNet, unread: Sequence[Batch], charset: Charset
) -> dict[str, float]:
    """Return the CER and the share of lines read exactly, of lines of batches, at their true places."""
    wrong = total = exact = lines = 0
    for batch in unread:
        if not len(batch["places"]):
            continue
        near, wide = network.features(to_input(batch["images"]))
        x = network.sample(near, wide, Lines(batch["places"], batch["picture"]))
        logits = network.reader.classify(network.reader.features(x))
        answers = torch.log_softmax(logits.float(), 2).numpy()
        for answer, labels, steps in zip(answers, batch["labels"], batch["steps"], strict=True):
            runs = ctc.greedy(answer[: int(steps)])
            read = normalize(charset.decode([run.label for run in runs]))
            true = normalize(charset.decode(labels.tolist()))
            if true:
                wrong, total = wrong + edit_distance(true, read), total + len(true)
                exact, lines = exact + (true == read), lines + 1
    return {"reading/cer": wrong / max(total, 1), "reading/exact": exact / max(lines, 1)}


def exports(options: ExportOptions, row: Row) -> tuple[FOTSNet, Export, Export]:
    """Return a network to fill with weights, and how its two parts are exported."""
    charset = Charset.load(row.charset)
    network = FOTSNet(charset.classes)
    first = Export(
        network, fots_torch.trunk, fots_torch.TRUNK, detector_axes(FOTS()), {},
        lambda: detector_inputs(options, FOTS.stride), keep_float=fots_torch.HEADS,
    )  # fmt: skip
    grid, maps = {0: "N", 2: "G"}, {name: {2: f"R{name}", 3: f"C{name}"} for name in FEATURES}
    second = Export(
        network, fots_torch.head, fots_torch.HEAD,
        {"places": grid, **maps, "log_probs": {0: "N", 1: "T"}},
        {"charset": "".join(charset.characters)},
        lambda: _head_inputs(network, options, charset), classifier=True,
    )  # fmt: skip
    return network, first, second


def _head_inputs(
    network: FOTSNet, options: ExportOptions, charset: Charset
) -> Iterator[dict[str, Floats]]:
    """Yield what is read from, and where, on rendered pictures: as many as int8 is calibrated on."""
    crops = PageCrops(page_renderer(options), RECIPE.crops, CALIBRATION_SEED, EAST())
    make = SpottedLines(crops, RECIPE, charset, CALIBRATION_SEED)
    left = options.calibrate
    for index in count():
        batch = tensors(make(index))
        if not len(batch["places"]):
            continue
        with torch.inference_mode():
            near, wide = network.eval().features(to_input(batch["images"]))
        for number in batch["picture"].unique().tolist():
            if not left:
                return
            left -= 1
            yield {
                "places": batch["places"][batch["picture"] == number].numpy(),
                "near": near[number][None].permute(0, 3, 1, 2).contiguous().numpy(),
                "wide": wide[number][None].permute(0, 3, 1, 2).contiguous().numpy(),
            }
