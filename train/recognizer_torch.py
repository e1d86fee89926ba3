"""Train a recognizer by any method of `recognition`.

python -m train.recognizer_torch --method densenet --run ~/runs/densenet --time-budget 90m \
        --corpus CORPUS --backgrounds PHOTOGRAPHS --eval-data PAGES

On labelled lines of your own, with rendered ones so that the rest is not forgotten (see README.md):

python -m train.recognizer_torch --method crnn --run ~/runs/mine --steps 600 --init weights/crnn-small.onnx \
        --data mine/train:0.7,synth:0.3 --new-data mine/val --corpus CORPUS --backgrounds PHOTOGRAPHS
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from common.arrays import Image
from common.edit_distance import edit_distance
from crnn import Recognizer
from crnn.model_torch import SmallCRNN, as_recognizer
from recognition import METHODS, Row
from recognition.attention_torch import cross_entropy, drift
from recognition.charset import Charset
from recognition.ctc_loss_torch import Targets, coarser
from recognition.method import Losses
from recognition.preprocess import STRIDE
from train.batches.bent import bend
from train.batches.bucketed import BucketedLineBatches
from train.batches.hard_lines import HardLines
from train.batches.lines import LineBatches, real_lines
from train.batches.replay import MixturePart, add_mixture, mixed
from train.batches.views import with_views
from train.data.coverage import coverage
from train.data.samples import LineSample
from train.evaluate.finetune_report import gather, report_run
from train.evaluate.page_metrics import normalize
from train.loop.fit_torch import Loss
from train.loop.recipes import (
    BASE_FIT,
    CRNN_FIT,
    FINETUNE_FIT,
    HELD_OUT_SEED,
    CrnnRecipe,
    FitRecipe,
)
from train.loop.run import log
from train.loop.setup import TrainingOptions, TrainingSetup, parse
from train.loop.training_torch import Training, run_training
from train.synth.line.render import LineRenderer
from train.transfer.distill_torch import (
    DistilledStudent,
    feature_loss,
    load_teacher,
    select_informative_steps,
)
from train.transfer.freeze_torch import freeze, load_and_freeze
from train.transfer.interpolate import ALPHA

Labelled = list[tuple[str, Image, str]]

RENDERED = ("rendered", "bent")
"""Sources of the lines that are rendered, as they are and bent."""


@dataclass(frozen=True)
class RecognizerOptions:
    """What the command line says beside `TrainingOptions`, see `add_options`."""

    teacher: Path | None = None
    keep_trunk: Path | None = None
    freeze: tuple[str, ...] = ()
    bucketed: bool = False
    columns: int | None = None
    hard: Path | None = None
    more_eval_data: tuple[Path, ...] = ()
    data: tuple[MixturePart, ...] = ()
    new_data: Path | None = None
    new_sources: str = ""
    alpha: float = ALPHA

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> RecognizerOptions:
        """Take the options out of a parsed command line."""
        values = {field.name: getattr(args, field.name) for field in fields(cls)}
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def make_loss(
    row: Row,
    recipe: CrnnRecipe,
    teacher: SmallCRNN | None = None,
    *,
    attention_only: bool = False,
) -> Loss:
    """Return the loss of one batch: the sum of the method's losses, each logged by its name.

    Args:
        row: of the method.
        recipe: weights of the parts.
        teacher: its features are targets of a `DistilledStudent`. Until CTC joins, its classifier is frozen.
        attention_only: all of a `DistilledStudent` but its attention is frozen.
    """
    if attention_only:
        return _attention_loss(recipe)
    losses: Losses = row.torch.losses
    return _distilled_loss(losses, recipe, teacher) if teacher else _plain_loss(losses, recipe)


def _plain_loss(losses: Losses, recipe: CrnnRecipe) -> Loss:
    """From the labels alone."""

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        features = network.features(batch["lines"])
        targets = _targets(network, batch)
        parts = losses(network, features, features, targets, progress, recipe)
        return _summed(parts, lines=len(features))

    return loss


def _distilled_loss(losses: Losses, recipe: CrnnRecipe, teacher: SmallCRNN) -> Loss:
    """From the labels and from a teacher's features (`distill_torch`)."""

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        features, own = network.joint_features(batch["lines"])
        targets = _targets(network, batch)
        kept = progress < recipe.aligned_until
        parts = losses(network, features, own, targets, progress, recipe, keep_classifier=kept)
        with torch.no_grad():
            known = teacher.features(batch["lines"])
            known = select_informative_steps(known, teacher.classify, network.stride // STRIDE)
        distance = feature_loss(features, known, targets.steps)
        return _summed(
            parts | {"teacher": recipe.teacher_weight * distance}, lines=len(batch["lines"])
        )

    return loss


def _attention_loss(recipe: CrnnRecipe) -> Loss:
    """From the labels and from where each character stands, for the attention of a `DistilledStudent` alone."""

    def loss(
        network: nn.Module, batch: dict[str, Tensor], _: float
    ) -> tuple[Tensor, dict[str, float]]:
        _, seen = network.joint_features(batch["lines"])
        targets = _targets(network, batch)
        logits, looks = network.attention.teacher_forced(seen, targets.labels, targets.aligned)
        read = cross_entropy(logits, targets.labels, targets.lengths)
        away = recipe.drift_weight * drift(looks, targets.aligned)
        return _summed({"attention": read, "drift": away}, lines=len(seen))

    return loss


def _targets(network: nn.Module, batch: dict[str, Tensor]) -> Targets:
    """What a batch should say at the network's own steps."""
    targets = Targets(batch["labels"], batch["lengths"], batch["steps"], batch["aligned"])
    return coarser(targets, getattr(network, "stride", STRIDE) // STRIDE)


def _summed(parts: dict[str, Tensor], *, lines: int) -> tuple[Tensor, dict[str, float]]:
    """Add the parts up; figures to log of each and of the sum."""
    total = sum(parts.values())
    figures = {name: part.item() for name, part in {"loss": total, **parts}.items()}
    return total, figures | {"lines": lines}


def evaluate_lines(reader: Recognizer, lines: Labelled) -> dict[str, float]:
    """Return CER and share of exact lines per source, and `real/cer` over all real sources."""
    counts: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0])
    for (source, _, truth), reading in zip(lines, reader([c for _, c, _ in lines]), strict=True):
        a, b = normalize(truth), normalize(reading.text)
        if not a:
            continue
        for key in (source,) if source in RENDERED else (source, "real"):
            count = counts[key]
            for i, value in enumerate((edit_distance(a, b), len(a), a == b, 1)):
                count[i] += value
    figures = {}
    for key, (wrong, total, exact, number) in sorted(counts.items()):
        figures[f"{key}/cer"] = wrong / total
        figures[f"{key}/exact"] = exact / number
    return figures


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this training alone."""
    add_mixture(parser)
    parser.add_argument(
        "--teacher",
        type=Path,
        help="weights of the small recognizer to learn from (.onnx or .safetensors)",
    )
    parser.add_argument(
        "--keep-trunk",
        type=Path,
        help="weights of a CRNN whose convolutions are loaded and frozen (crnn-reference, crnn-gru), or of which all "
        "but the attention is (resnet-attention, with --teacher)",
    )
    parser.add_argument(
        "--freeze", nargs="+", default=[], metavar="PART",
        help="parts of the network that stay as --init has them, for example stem stage1",
    )  # fmt: skip
    parser.add_argument(
        "--bucketed", action="store_true", help="batches of lines of one width: little padding"
    )
    parser.add_argument("--columns", type=int, help="of a batch, lines times width")
    parser.add_argument(
        "--hard", type=Path, metavar="ONNX",
        help="recognizer whose mistakes are trained on most (with --bucketed)",
    )  # fmt: skip
    parser.add_argument(
        "--more-eval-data", type=Path, nargs="+", default=[], help="more real pages to evaluate on"
    )


def held_out_lines(folder: Path, renderer: LineRenderer, seed: int, count: int) -> Labelled:
    """Render the lines of an evaluation; a resumed run gets its own again, whatever fonts have come."""
    path = folder / "held_out.npz"
    if not path.exists():
        samples = [renderer.line(HELD_OUT_SEED + seed, i, 280) for i in range(count)]
        images = {f"image{i}": sample.image for i, sample in enumerate(samples)}
        np.savez_compressed(path, texts=np.array([s.text for s in samples]), **images)
    with np.load(path) as kept:
        texts = kept["texts"]
        return [("rendered", kept[f"image{i}"], str(text)) for i, text in enumerate(texts)]


def choose_recipe(row: Row, more: RecognizerOptions, *, pretrained: bool) -> CrnnRecipe:
    """Return the recipe of a network."""
    recipe = replace(CrnnRecipe(), columns=row.columns, bent=row.bent)
    if pretrained:  # weights that read already need no phase of alignment alone
        recipe = replace(recipe, aligned_until=0.0)
    if more.bucketed:
        recipe = replace(recipe, columns=8192, page_share=0.2)
    return replace(recipe, columns=more.columns) if more.columns else recipe


def choose_schedule(row: Row, *, finetuned: bool) -> FitRecipe:
    """Return the usual schedule of a network."""
    usual = FINETUNE_FIT if finetuned else CRNN_FIT
    return replace(usual, **BASE_FIT) if row.network == "base" else usual


def make_network(
    row: Row, classes: int, teacher: SmallCRNN | None, more: RecognizerOptions
) -> nn.Module:
    """Make a network, distilled from a teacher and with frozen parts if asked for."""
    network = row.make(classes)
    if teacher is not None:
        network = DistilledStudent(network, teacher)
    if more.keep_trunk:
        load_and_freeze(network, more.keep_trunk)
    freeze(network, more.freeze)
    return network


def evaluation_lines(
    setup: TrainingSetup, renderer: LineRenderer, recipe: CrnnRecipe, more: RecognizerOptions
) -> Labelled:
    """Collect the rendered and real lines of the evaluations."""
    options = setup.options
    lines = held_out_lines(setup.run.folder, renderer, options.seed, recipe.held_out_lines)
    if recipe.bent:
        rng = np.random.default_rng(HELD_OUT_SEED)
        lines += [
            ("bent", bend(LineSample(image, text), rng).image, text) for _, image, text in lines
        ]
    if options.eval_data:
        folders = (options.eval_data, *more.more_eval_data)
        share = recipe.real_lines // len(folders)
        real = [line for folder in folders for line in real_lines(folder, share)]
        # Lines with unknown characters still count: leaving them out would flatter the network.
        known = coverage((text for _, _, text in real), Charset.load(options.charset))
        log.info("evaluated on real lines: %s", known.report())
        lines += real
    return lines


def train(options: TrainingOptions, more: RecognizerOptions, row: Row) -> None:
    """Train the network of one row of `recognition.METHODS`."""
    recipe = choose_recipe(row, more, pretrained=options.init is not None)
    options = replace(options, charset=row.charset)
    charset = Charset.load(row.charset)

    def line_renderer(setup: TrainingSetup) -> LineRenderer:
        return LineRenderer(setup.fonts, setup.corpus, options.backgrounds)

    def prepare(setup: TrainingSetup) -> Training:
        renderer, seed = line_renderer(setup), options.seed
        teacher = load_teacher(more.teacher) if more.teacher else None
        parts = renderer, charset, recipe, seed, lambda i: setup.pages.page(seed, i)
        hard = HardLines(more.hard) if more.hard else None
        batches = BucketedLineBatches(*parts, keep=hard) if more.bucketed else LineBatches(*parts)
        network = make_network(row, charset.classes, teacher, more)
        lines = evaluation_lines(setup, renderer, recipe, more)
        attention_only = (
            bool(more.keep_trunk) and teacher is not None and "attention" in row.decoders
        )
        return Training(
            network,
            mixed(more.data, batches) if more.data else with_views(batches, row.views),
            make_loss(row, recipe, teacher, attention_only=attention_only),
            lambda average: evaluate_lines(
                as_recognizer(average, charset, decoder=row.decoders[0]), lines
            ),
            best="real/cer" if options.eval_data else "rendered/cer",
            higher_is_better=False,
        )

    usual = choose_schedule(row, finetuned=bool(more.data))
    options = replace(options, arch=row.network)
    setup = run_training(options, row.file, recipe, usual, prepare)
    if more.data and options.init:
        lines = gather(
            line_renderer(setup),
            new_data=more.new_data,
            eval_data=options.eval_data,
            without=more.new_sources.split(","),
        )
        report_run(setup.run.folder, options.init, lines, arch=options.arch, alpha=more.alpha)


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, tuple(METHODS), add_options, option="--method")
    row = METHODS[args.arch]
    train(TrainingOptions.from_arguments(args), RecognizerOptions.from_arguments(args), row)


if __name__ == "__main__":
    main()
