"""What every training does before its first batch: command line, schedule, run folder, seeds, fonts, text, pages."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2
import torch
from safetensors.torch import load_file
from torch import nn

from train.options import add_common
from train.recipes import FitRecipe
from train.run import Run, log
from train.synth.backgrounds import Backgrounds
from train.synth.corpus import Corpus
from train.synth.fonts import FontLibrary
from train.synth.page import PageRenderer


@dataclass(frozen=True)
class Started:
    """A run that is ready to train, and what renders its data."""

    run: Run
    fonts: FontLibrary
    corpus: Corpus
    backgrounds: Backgrounds
    pages: PageRenderer


def parse(description: str | None) -> argparse.Namespace:
    """Read the command line that all trainings share."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_common(parser)
    return parser.parse_args()


def schedule_of(args: argparse.Namespace, usual: FitRecipe) -> FitRecipe:
    """Return a model's usual schedule with what the command line says of time and rate.

    A run of few steps warms up in a tenth of them.
    """
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
    )


def start(args: argparse.Namespace, model: str, recipe: Any, schedule: FitRecipe) -> Started:  # noqa: ANN401
    """Open the run folder, set seeds and threads, and find fonts, text and photographs.

    Args:
        args: of `parse`.
        model: its name, for the run's `recipe.json`.
        recipe: the model's own numbers, a dataclass.
        schedule: see `schedule_of`.
    """
    settings = {"model": model, **asdict(recipe), "fit": asdict(schedule)}
    run = Run.create(args.run, settings, args.seed)
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    fonts, corpus = FontLibrary.load(args.fonts), Corpus.load(args.corpus)
    log.info("%d Chinese and %d Latin faces", len(fonts.han), len(fonts.latin))
    backgrounds = Backgrounds.load(args.backgrounds)
    return Started(run, fonts, corpus, backgrounds, PageRenderer(fonts, corpus, backgrounds))


def prepared(network: nn.Module, args: argparse.Namespace) -> nn.Module:
    """Lay a network out for convolutions and give it the weights of `--init`, if any."""
    if args.init:
        state = {name: value.float() for name, value in load_file(args.init).items()}
        network.load_state_dict(state)
    return network.to(memory_format=torch.channels_last)
