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
from dataclasses import replace
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
from train.batches.bucketed import BucketedLineBatches
from train.batches.hard_lines import HardLines
from train.batches.lines import LineBatches, real_lines
from train.batches.replay import add_mixture, mixed
from train.data.coverage import coverage
from train.evaluate.finetune_report import report_run
from train.evaluate.page_metrics import normalize
from train.loop.fit_torch import Loss, fit
from train.loop.loader_torch import Make, rendered_batches
from train.loop.recipes import CrnnRecipe, FitRecipe
from train.loop.run import log
from train.loop.setup import Started
from train.loop.setup_torch import parse, prepared, schedule_of, start
from train.synth.line.render import LineRenderer
from train.transfer.distill_torch import Pupil, feature_loss, load_teacher, telling_steps
from train.transfer.freeze_torch import freeze, keep

Labelled = list[tuple[str, Image, str]]

HELD_OUT = 400
"""Rendered lines that a run is judged on."""


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
        teacher: whose features a `Pupil` is led to, besides. Until CTC joins, its classifier stays as it is.
        attention_only: all of a `Pupil` but its attention is kept.
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
        features, seen = network.both(batch["lines"])
        targets = _targets(network, batch)
        kept = progress < recipe.aligned_until
        parts = losses(network, features, seen, targets, progress, recipe, keep_classifier=kept)
        with torch.no_grad():
            taught = teacher.features(batch["lines"])
            taught = telling_steps(taught, teacher.classify, network.stride // STRIDE)
        distance = feature_loss(features, taught, targets.steps)
        return _summed(
            parts | {"taught": recipe.teacher_weight * distance}, lines=len(batch["lines"])
        )

    return loss


def _attention_loss(recipe: CrnnRecipe) -> Loss:
    """From the labels and from where each character stands, for the attention of a `Pupil` alone."""

    def loss(
        network: nn.Module, batch: dict[str, Tensor], _: float
    ) -> tuple[Tensor, dict[str, float]]:
        _, seen = network.both(batch["lines"])
        targets = _targets(network, batch)
        logits, looks = network.attention.taught(seen, targets.labels)
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


def judge(reader: Recognizer, lines: Labelled) -> dict[str, float]:
    """Return CER and share of exact lines per source, and `real/cer` over all real sources."""
    counts: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0])
    for (source, _, truth), reading in zip(lines, reader([c for _, c, _ in lines]), strict=True):
        a, b = normalize(truth), normalize(reading.text)
        if not a:
            continue
        for key in (source, "rendered" if source == "rendered" else "real"):
            count = counts[key]
            for i, value in enumerate((edit_distance(a, b), len(a), a == b, 1)):
                count[i] += value
            if key == "rendered":
                break
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
        help="weights of a CRNN whose convolutions are taken over and left as they are (crnn-reference, crnn-gru), or "
        "of which all is but the attention (resnet-attention, with --teacher)",
    )
    parser.add_argument(
        "--freeze", nargs="+", default=[], metavar="PART",
        help="parts of the network that stay as --init has them, for example stem stage1",
    )  # fmt: skip
    parser.add_argument(
        "--bucketed", action="store_true", help="batches of lines of one width: half the padding"
    )
    parser.add_argument("--columns", type=int, help="of a batch, lines times width")
    parser.add_argument(
        "--hard", type=Path, metavar="ONNX",
        help="recognizer whose mistakes are trained on most (with --bucketed)",
    )  # fmt: skip
    parser.add_argument(
        "--more-eval-data", type=Path, nargs="+", default=[], help="more real pages to judge on"
    )


def held_out_lines(folder: Path, renderer: LineRenderer, seed: int) -> Labelled:
    """Render lines to judge on; a run that is resumed gets its own again, whatever fonts have come."""
    path = folder / "held_out.npz"
    if not path.exists():
        samples = [renderer.line(10_000_019 + seed, i, 280) for i in range(HELD_OUT)]
        images = {f"image{i}": sample.image for i, sample in enumerate(samples)}
        np.savez_compressed(path, texts=np.array([s.text for s in samples]), **images)
    with np.load(path) as kept:
        texts = kept["texts"]
        return [("rendered", kept[f"image{i}"], str(text)) for i, text in enumerate(texts)]


def make_batches(args: argparse.Namespace, started: Started, recipe: CrnnRecipe) -> LineBatches:
    """Return what makes the batches of rendered lines."""
    parts = (
        LineRenderer(started.fonts, started.corpus, args.backgrounds), Charset.load(), recipe,
        args.seed, lambda i: started.pages.page(args.seed, i),
    )  # fmt: skip
    if not args.bucketed:
        return LineBatches(*parts)
    return BucketedLineBatches(*parts, keep=HardLines(args.hard) if args.hard else None)


def train(args: argparse.Namespace, row: Row) -> None:
    """Train the network of one row of `recognition.METHODS` as the command line says."""
    args.arch = row.network
    # Weights that read already need no phase of alignment alone.
    recipe = replace(CrnnRecipe(), columns=row.columns)
    recipe = replace(recipe, aligned_until=0.0) if args.init else recipe
    if args.bucketed:
        recipe = replace(recipe, columns=8192, page_share=0.2)
    if args.columns:
        recipe = replace(recipe, columns=args.columns)
    # Weights that are to keep what they know move slowly.
    usual = FitRecipe(lr=5e-4, warmup_steps=50) if args.data else FitRecipe(warmup_steps=200)
    if row.network == "base":
        usual = replace(usual, lr=8e-4, ema_decay=0.998)
    schedule = schedule_of(args, usual)
    started = start(args, row.file, recipe, schedule)
    charset = Charset.load()
    made, teacher = row.make(charset.classes), None
    if args.teacher:
        teacher = load_teacher(args.teacher)
        made = Pupil(made, teacher)
    if args.keep_trunk:
        keep(made, args.keep_trunk)
    network = prepared(made, args)
    freeze(network, args.freeze)
    batches = make_batches(args, started, recipe)
    lines = held_out_lines(started.run.folder, batches.renderer, args.seed)
    if args.eval_data:
        lines += _real(args, charset)
    make: Make = mixed(args.data, batches) if args.data else batches
    attention_only = bool(args.keep_trunk) and "attention" in row.decoders
    fit(
        network,
        schedule,
        started.run,
        lambda start: rendered_batches(make, start=start, workers=args.workers),
        make_loss(row, recipe, teacher, attention_only=attention_only),
        lambda average: judge(as_recognizer(average, charset), lines),
        best="real/cer" if args.eval_data else "rendered/cer",
        higher_is_better=False,
        resume=args.resume,
        device=args.device,
    )
    if args.data and args.init:
        report_run(args, started.run.folder, batches.renderer)


def _real(args: argparse.Namespace, charset: Charset) -> Labelled:
    """Cut real lines to judge on out of the pages given."""
    folders = (args.eval_data, *args.more_eval_data)
    real = [line for folder in folders for line in real_lines(folder, 120 // len(folders))]
    # Lines that cannot be read still count when judging: leaving them out would flatter the network.
    log.info("judged on real lines: %s", coverage((text for _, _, text in real), charset).report())
    return real


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, tuple(METHODS), add_options, option="--method")
    train(args, METHODS[args.arch])


if __name__ == "__main__":
    main()
