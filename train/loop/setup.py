"""Read a training's command line, build its schedule and open its run folder, fonts, text and photographs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2

from common.arguments import check_folders
from ocr.weights.file import present
from recognition.charset import Charset
from train.loop.arguments import add_common
from train.loop.recipes import WARM_START_LR, FitRecipe
from train.loop.run import TrainingRun, holds_weights, log
from train.synth.backgrounds import Backgrounds
from train.synth.corpus.sentences import Corpus
from train.synth.page import PageRenderer
from train.synth.typesetting.fonts import FontLibrary


@dataclass(frozen=True)
class TrainingOptions:
    """What the command line shared by all trainings says; see `train.loop.arguments` for the meanings."""

    run: Path
    arch: str = "small"
    resume: bool = False
    init: Path | None = None
    init_trunk: Path | None = None
    fonts: Path | None = None
    corpus: Path | None = None
    backgrounds: Path | None = None
    eval_data: Path | None = None
    time_budget: float | None = None
    steps: int | None = None
    lr: float | None = None
    accumulate: int = 1
    precision: str = "bfloat16"
    workers: int = 1
    threads: int = 2
    device: str = "cpu"
    seed: int = 1
    evaluate_every: float = 600.0
    epoch_steps: int = 500
    validation_steps: int = 8
    charset: str = "zh_hant_en"

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> TrainingOptions:
        """Take the shared options out of a parsed command line."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in vars(args).items() if name in names})


@dataclass(frozen=True)
class TrainingSetup:
    """A run that is ready to train, and what renders its data."""

    options: TrainingOptions
    schedule: FitRecipe
    run: TrainingRun
    fonts: FontLibrary
    corpus: Corpus
    backgrounds: Backgrounds
    pages: PageRenderer


def parse(
    description: str | None,
    archs: Sequence[str] = ("small",),
    add_options: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
    *,
    option: str = "--arch",
) -> argparse.Namespace:
    """Read the command line that all trainings share; for `main` alone.

    Args:
        description: of the program.
        archs: networks to choose from; the first is the default.
        add_options: adds the options of one training.
        option: by which the network is chosen; it is `arch` of what is returned.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m train.{Path(sys.argv[0]).stem}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common(parser)
    parser.add_argument(
        option, dest="arch", choices=archs, default=archs[0],
        help="network to train (default: %(default)s)",
    )  # fmt: skip
    add_options(parser)
    args = parser.parse_args()
    try:
        check_arguments(args)
    except ValueError as error:
        parser.error(str(error))
    return args


def check_arguments(args: argparse.Namespace) -> None:
    """Check what costs a run, or minutes until it is noticed.

    Raises:
        ValueError: a run without an end, a folder or file that is not there, or the folder of an earlier run.
    """
    if args.steps is None and args.time_budget is None:
        raise ValueError("give --time-budget, for example 40m, or --steps")
    check_folders(args, ("fonts", "corpus", "backgrounds", "eval_data"))
    for name in ("init", "init_trunk"):
        file = getattr(args, name)
        if file is not None and not present(file).is_file():
            raise ValueError(f"--{name.replace('_', '-')} {file}: there is no such file")
    if not args.resume and holds_weights(args.run):
        raise ValueError(
            f"--run {args.run} holds the weights of an earlier run, which this one would replace: --resume goes on "
            "with it; else name another folder"
        )


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


def build_schedule(options: TrainingOptions, usual: FitRecipe) -> FitRecipe:
    """Return a model's usual schedule with what the command line says of time and rate.

    A run of few steps warms up in a tenth of them; a VGG-16 that starts from weights takes at most `WARM_START_LR`.
    """
    if options.arch == "reference" and (options.init or options.init_trunk):
        usual = replace(usual, lr=min(usual.lr, WARM_START_LR))
    warmup = usual.warmup_steps
    if options.time_budget is None and options.steps is not None:
        warmup = max(1, min(warmup, options.steps // 10))
    return replace(
        usual,
        time_budget_s=options.time_budget,
        steps=options.steps,
        evaluate_every_s=options.evaluate_every,
        warmup_steps=warmup,
        lr=options.lr or usual.lr,
        accumulate=options.accumulate,
        precision=options.precision,
    )


def open_run(
    options: TrainingOptions,
    model: str,
    recipe: Any,  # noqa: ANN401
    usual: FitRecipe,
) -> TrainingSetup:
    """Open the run folder, and find fonts, text and photographs.

    Args:
        options: of the command line.
        model: its name, for the run's `recipe.json`.
        recipe: the model's own numbers, a dataclass.
        usual: the model's usual schedule, see `build_schedule`.
    """
    schedule = build_schedule(options, usual)
    settings = {"model": model, **asdict(recipe), "fit": asdict(schedule)}
    # torchrun numbers the processes that train together; the first one writes.
    first = os.environ.get("RANK", "0") == "0"
    run = TrainingRun.create(options.run, settings, options.seed, first=first)
    cv2.setNumThreads(1)
    fonts, corpus = (
        FontLibrary.load(options.fonts),
        Corpus.load(options.corpus, Charset.load(options.charset)),
    )
    log.info("%d Chinese and %d Latin faces", len(fonts.han), len(fonts.latin))
    backgrounds = Backgrounds.load(options.backgrounds)
    pages = PageRenderer(fonts, corpus, backgrounds)
    return TrainingSetup(options, schedule, run, fonts, corpus, backgrounds, pages)
