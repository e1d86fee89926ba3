"""Train a recognizer: `small`, the larger `base`, which may begin as `small` (--init), or one of the papers'.

python -m train.crnn_torch --run ~/runs/crnn --time-budget 90m \
        --corpus CORPUS --backgrounds PHOTOGRAPHS --eval-data PAGES

On labelled lines of your own, with rendered ones so that the rest is not forgotten (see README.md):

python -m train.crnn_torch --run ~/runs/mine --steps 600 --init weights/crnn-small.onnx \
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
from recognition.attention_torch import AttentionDecoder, cross_entropy, drift
from recognition.charset import Charset
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
from train.loop.sampled_ctc_torch import Targets, coarser, line_loss
from train.loop.setup import Started, add_rnn, with_rnn
from train.loop.setup_torch import parse, prepared, schedule_of, start
from train.synth.line.render import LineRenderer
from train.transfer.architectures_torch import ARCHITECTURES, OWN, build
from train.transfer.distill_torch import Pupil, feature_loss, load_teacher, telling_steps
from train.transfer.freeze_torch import freeze, keep

Labelled = list[tuple[str, Image, str]]

HELD_OUT = 400
"""Rendered lines that a run is judged on."""


def make_loss(recipe: CrnnRecipe, teacher: SmallCRNN | None = None) -> Loss:
    """Return the loss of one batch: cross-entropy per step first, then CTC beside it.

    A network with attention learns to read by it all the time, from the same features. With a teacher the
    features are led to its own all the time, and its classifier stays as it is until CTC joins.
    """

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        reading = reader_by_attention(network)
        if isinstance(network, Pupil):
            features, seen = network.both(batch["lines"])
        else:
            features = seen = network.features(batch["lines"])
        targets = Targets(batch["labels"], batch["lengths"], batch["steps"], batch["aligned"])
        factor = getattr(network, "stride", STRIDE) // STRIDE
        targets = coarser(targets, factor)
        if reading is not None and not network.classify.weight.requires_grad:  # all else is kept
            logits, looks = reading.taught(seen, targets.labels)
            read = cross_entropy(logits, targets.labels, targets.lengths)
            away = drift(looks, targets.aligned)
            total = read + recipe.drift_weight * away
            return total, {"loss": total.item(), "attention": read.item(), "drift": away.item()}
        weight, bias = network.classify.weight, network.classify.bias
        if teacher is not None and progress < recipe.aligned_until:
            weight, bias = weight.detach(), bias.detach()
        ctc, aligned = line_loss(features, weight, bias, targets, sampled=recipe.sampled)
        total = (
            recipe.aligned_weight * aligned if progress < recipe.aligned_until else ctc + aligned
        )
        figures = {"ctc": ctc.item(), "aligned": aligned.item(), "lines": len(batch["lines"])}
        if teacher is not None:
            with torch.no_grad():
                taught = teacher.features(batch["lines"])
                taught = telling_steps(taught, teacher.classify, factor)
            distance = feature_loss(features, taught, targets.steps)
            total = total + recipe.teacher_weight * distance
            figures["taught"] = distance.item()
        if reading is not None:
            read = reading.loss(seen, batch["labels"], batch["lengths"])
            total = total + recipe.attention_weight * read
            figures["attention"] = read.item()
        return total, {"loss": total.item(), **figures}

    return loss


def reader_by_attention(network: nn.Module) -> AttentionDecoder | None:
    """Return the part of a network that reads by attention, where there is one."""
    student = network.student if isinstance(network, Pupil) else network
    return getattr(student, "attention", None)


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
    add_rnn(parser)
    add_mixture(parser)
    parser.add_argument(
        "--teacher",
        type=Path,
        help="weights of the small recognizer to learn from (.onnx or .safetensors)",
    )
    parser.add_argument(
        "--keep-trunk",
        type=Path,
        help="weights of a CRNN whose convolutions are taken over and left as they are (--arch crnn, crnn-gru), or of "
        "which all is but the attention (--arch resnet-attention, with --teacher)",
    )
    parser.add_argument(
        "--freeze", nargs="+", default=[], metavar="PART",
        help="parts of the network that stay as --init has them, for example stem stage1",
    )  # fmt: skip
    parser.add_argument(
        "--bucketed", action="store_true", help="batches of lines of one width: half the padding"
    )
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


def main() -> None:
    """Read the command line and train."""
    args = parse(__doc__, (*OWN, *ARCHITECTURES), add_options)
    args.arch = with_rnn(args.arch, args.rnn)
    # Weights that read already need no phase of alignment alone.
    recipe = replace(CrnnRecipe(), aligned_until=0.0) if args.init else CrnnRecipe()
    if (
        args.arch not in OWN
    ):  # a line costs the papers' networks five times as much: more and smaller steps
        recipe = replace(recipe, columns=8192)
    if args.bucketed:
        recipe = replace(recipe, columns=8192, page_share=0.2)
    # Weights that are to keep what they know move slowly.
    usual = FitRecipe(lr=5e-4, warmup_steps=50) if args.data else FitRecipe(warmup_steps=200)
    if args.arch == "base":
        usual = replace(usual, lr=8e-4, ema_decay=0.998)
    schedule = schedule_of(args, usual)
    started = start(args, f"crnn-{args.arch}", recipe, schedule)
    charset = Charset.load()
    made = build(args.arch, charset.classes)
    teacher = load_teacher(args.teacher) if args.teacher else None
    made = Pupil(made, teacher) if teacher else made
    if args.keep_trunk:
        keep(made, args.keep_trunk)
    network = prepared(made, args)
    freeze(network, args.freeze)
    batches = make_batches(args, started, recipe)
    lines = held_out_lines(started.run.folder, batches.renderer, args.seed)
    if args.eval_data:
        folders = (args.eval_data, *args.more_eval_data)
        real = [line for folder in folders for line in real_lines(folder, 120 // len(folders))]
        # Such lines still count when judging: leaving them out would flatter the network.
        log.info(
            "judged on real lines: %s", coverage((text for _, _, text in real), charset).report()
        )
        lines += real
    make: Make = mixed(args.data, batches) if args.data else batches
    fit(
        network,
        schedule,
        started.run,
        lambda start: rendered_batches(make, start=start, workers=args.workers),
        make_loss(recipe, teacher),
        lambda average: judge(as_recognizer(average, charset), lines),
        best="real/cer" if args.eval_data else "rendered/cer",
        higher_is_better=False,
        resume=args.resume,
        device=args.device,
    )
    if args.data and args.init:
        report_run(args, started.run.folder, batches.renderer)


if __name__ == "__main__":
    main()
