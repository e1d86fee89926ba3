"""Train the small recognizer.

python -m train.crnn_torch --run ~/runs/crnn --time-budget 90m \
        --corpus CORPUS --backgrounds PHOTOGRAPHS --eval-data PAGES
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import torch
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
from train.recipes import CrnnRecipe, FitRecipe
from train.start_torch import parse, prepared, schedule_of, start
from train.synth.line import LineRenderer

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
    args = parse(__doc__)
    # Weights that read already need no phase of alignment alone.
    recipe = replace(CrnnRecipe(), aligned_until=0.0) if args.init else CrnnRecipe()
    schedule = schedule_of(args, FitRecipe(warmup_steps=200))
    started = start(args, "crnn-small", recipe, schedule)
    charset = Charset.load()
    renderer = LineRenderer(started.fonts, started.corpus, args.backgrounds)
    network = prepared(SmallCRNN(charset.classes), args)
    held_out = [renderer.line(10_000_019 + args.seed, i, 280) for i in range(200)]
    lines: Labelled = [("rendered", s.image, s.text) for s in held_out]
    if args.eval_data:
        lines += real_lines(args.eval_data, 120)
    make = LineBatches(
        renderer, charset, recipe, args.seed, lambda i: started.pages.page(args.seed, i)
    )
    fit(
        network,
        schedule,
        started.run,
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
