"""What every training does before its first batch: command line, schedule, run folder, fonts, text, pages."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2

from train.loop.arguments import add_common
from train.loop.recipes import FitRecipe
from train.loop.run import Run, log
from train.synth.backgrounds import Backgrounds
from train.synth.corpus.sentences import Corpus
from train.synth.page import PageRenderer
from train.synth.typesetting.fonts import FontLibrary

WARM_RATE = 1e-4
"""Of a VGG-16 that begins from weights, unless --lr says otherwise: the shipped one has no batch norm, and at the
usual rate one step spoils it."""


@dataclass(frozen=True)
class Started:
    """A run that is ready to train, and what renders its data."""

    run: Run
    fonts: FontLibrary
    corpus: Corpus
    backgrounds: Backgrounds
    pages: PageRenderer


def parse(
    description: str | None,
    archs: Sequence[str] = ("small",),
    more: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
    *,
    option: str = "--arch",
) -> argparse.Namespace:
    """Read the command line that all trainings share.

    Args:
        description: of the program.
        archs: networks to choose from; the first is the usual one.
        more: adds the options of one training.
        option: by which the network is chosen; it is `arch` of what is returned.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_common(parser)
    parser.add_argument(
        option, dest="arch", choices=archs, default=archs[0],
        help="network to train (default: %(default)s)",
    )  # fmt: skip
    more(parser)
    return parser.parse_args()


def add_rnn(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the recurrent layers of `--arch crnn`."""
    parser.add_argument("--rnn", choices=["lstm", "gru"], help="recurrent layers of --arch crnn")


def with_rnn(arch: str, rnn: str | None) -> str:
    """Return the name of a recognizer's network, its recurrent layers chosen.

    Raises:
        ValueError: a choice for a network that has none.
    """
    if rnn is None:
        return arch
    if arch not in {"crnn", "crnn-gru"}:
        raise ValueError(f"--rnn {rnn} is for --arch crnn, and --arch is {arch}: leave one out")
    return "crnn-gru" if rnn == "gru" else "crnn"


def schedule_of(args: argparse.Namespace, usual: FitRecipe) -> FitRecipe:
    """Return a model's usual schedule with what the command line says of time and rate.

    A run of few steps warms up in a tenth of them; a VGG-16 that begins from weights moves slowly (`WARM_RATE`).
    """
    if args.arch == "reference" and (args.init or args.init_trunk):
        usual = replace(usual, lr=min(usual.lr, WARM_RATE))
    warmup = usual.warmup_steps
    if args.time_budget is None and args.steps is not None:
        warmup = max(1, min(warmup, args.steps // 10))
    return replace(
        usual,
        time_budget_s=args.time_budget,
        steps=args.steps,
        evaluate_every_s=args.evaluate_every,
        warmup_steps=warmup,
        lr=args.lr or usual.lr,
        accumulate=args.accumulate,
        precision=args.precision,
    )


def open_run(args: argparse.Namespace, model: str, recipe: Any, schedule: FitRecipe) -> Started:  # noqa: ANN401
    """Open the run folder, and find fonts, text and photographs.

    Args:
        args: of `parse`.
        model: its name, for the run's `recipe.json`.
        recipe: the model's own numbers, a dataclass.
        schedule: see `schedule_of`.
    """
    settings = {"model": model, **asdict(recipe), "fit": asdict(schedule)}
    # torchrun numbers the processes that train together; the first one writes.
    first = os.environ.get("RANK", "0") == "0"
    run = Run.create(args.run, settings, args.seed, first=first)
    cv2.setNumThreads(1)
    fonts, corpus = FontLibrary.load(args.fonts), Corpus.load(args.corpus)
    log.info("%d Chinese and %d Latin faces", len(fonts.han), len(fonts.latin))
    backgrounds = Backgrounds.load(args.backgrounds)
    return Started(run, fonts, corpus, backgrounds, PageRenderer(fonts, corpus, backgrounds))
