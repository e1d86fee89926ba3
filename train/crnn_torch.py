"""Train the small recognizer.

python -m train.crnn_torch --run ~/runs/crnn --time-budget 90m \
        --corpus CORPUS --backgrounds PHOTOGRAPHS --eval-data PAGES
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import asdict, replace

import cv2
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from common.arrays import Floats, Image
from crnn import Recognizer
from crnn.charset import Charset
from crnn.model_torch import LogProbabilities, SmallCRNN
from train.crnn_loss_torch import Targets, line_loss
from train.data.batches_torch import rendered_batches
from train.data.lines import LineBatches, real_lines
from train.fit_torch import Loss, fit
from train.metrics import edit_distance, normalize
from train.options import add_common
from train.recipes import CrnnRecipe, FitRecipe
from train.run import Run, log
from train.synth.backgrounds import Backgrounds
from train.synth.corpus import Corpus
from train.synth.fonts import FontLibrary
from train.synth.line import LineRenderer
from train.synth.page import PageRenderer

Labelled = list[tuple[str, Image, str]]


def make_loss(recipe: CrnnRecipe) -> Loss:
    """Return the loss of one batch: cross-entropy per step first, then CTC beside it."""

    def loss(
        network: nn.Module, batch: dict[str, Tensor], progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        features = network.features(batch["lines"])
        targets = Targets(batch["labels"], batch["lengths"], batch["steps"], batch["aligned"])
        head = network.classify
        ctc, aligned = line_loss(features, head.weight, head.bias, targets, sampled=recipe.sampled)
        total = (
            recipe.aligned_weight * aligned if progress < recipe.aligned_until else ctc + aligned
        )
        lines = len(batch["lines"])
        return total, {
            "loss": total.item(),
            "ctc": ctc.item(),
            "aligned": aligned.item(),
            "lines": lines,
        }

    return loss


def recognizer(network: nn.Module, charset: Charset) -> Recognizer:
    """Return the deployed recognizer around a PyTorch network."""
    deployed = LogProbabilities(network).eval()
    device = next(network.parameters()).device

    def run(lines: Floats) -> tuple[Floats]:
        with torch.inference_mode():
            return (deployed(torch.from_numpy(lines).to(device)).cpu().numpy(),)

    return Recognizer(run, charset="".join(charset.characters))


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


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_common(parser)
    args = parser.parse_args()
    # Weights that read already need no phase of alignment alone.
    recipe = replace(CrnnRecipe(), aligned_until=0.0) if args.init else CrnnRecipe()
    schedule = FitRecipe(
        time_budget_s=args.time_budget,
        steps=args.steps,
        evaluate_every_s=args.evaluate_every,
        warmup_steps=200,
    )
    schedule = replace(schedule, lr=args.lr) if args.lr else schedule
    run = Run.create(
        args.run, {"model": "crnn-small", **asdict(recipe), "fit": asdict(schedule)}, args.seed
    )
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    charset = Charset.load()
    fonts, corpus = FontLibrary.load(args.fonts), Corpus.load(args.corpus, charset)
    renderer = LineRenderer(fonts, corpus, args.backgrounds)
    log.info(
        "%d Chinese and %d Latin faces, %d classes",
        len(fonts.han),
        len(fonts.latin),
        charset.classes,
    )
    network = SmallCRNN(charset.classes).to(memory_format=torch.channels_last)
    if args.init:
        network.load_state_dict({k: v.float() for k, v in load_file(args.init).items()})
    held_out = [renderer.line(10_000_019 + args.seed, i, 280) for i in range(200)]
    lines: Labelled = [("rendered", s.image, s.text) for s in held_out]
    if args.eval_data:
        lines += real_lines(args.eval_data, 120)
    pages = PageRenderer(fonts, corpus, Backgrounds.load(args.backgrounds))
    make = LineBatches(renderer, charset, recipe, args.seed, lambda i: pages.page(args.seed, i))
    fit(
        network,
        schedule,
        run,
        lambda start: rendered_batches(make, start=start, workers=args.workers),
        make_loss(recipe),
        lambda average: judge(recognizer(average, charset), lines),
        best="real/cer" if args.eval_data else "rendered/cer",
        higher_is_better=False,
        resume=args.resume,
        device=args.device,
    )


if __name__ == "__main__":
    main()
