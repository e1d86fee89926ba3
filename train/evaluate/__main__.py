"""Evaluate the project's models on a folder of labelled pictures and print the figures.

    python -m train.evaluate DATA            pages: text, boxes, angle, time
    python -m train.evaluate DATA --lines    the pictures of single lines instead
    python -m train.evaluate DATA --turns    the angle alone, over the four turns of each page
    python -m train.evaluate DATA --upright  without these turns
    python -m train.evaluate DATA --upright --skew 20    every page rotated clockwise by 20 degrees
    python -m train.evaluate DATA --protocol icdar2015 --normalize ctr    as benchmarks count
    python -m train.evaluate DATA --set retry.below_score=0.9 --without deskew    with other settings, fewer steps
    python -m train.evaluate DATA --ablate   each step of reading left out in turn, a row each; no turns
    python -m train.evaluate DATA --ablate --json FILE    the same again goes on from the rows that FILE has
    python -m train.evaluate DATA --errors FOLDER    and FOLDER/index.html: every miss by its cause
    python -m train.evaluate --typefaces     no pictures: clean lines in typefaces held out from training
    python -m train.evaluate --characters    no pictures: every Han character of the largest charset in three faces

Per source, per language and kind, and in all: bagR and bagF1 (recall and F1 of the page's multiset of
characters), CER of the page in reading order, exact (share of lines read exactly), 1-NED (lines
paired by boxes, ICDAR 2019), space (F1 of the spaces between Latin words), hmean (boxes one to one
at IoU 0.5, or by --protocol), angle (share of the four turns of each page told right), left (share of turns
left open, on pages of under three words) and ms (median per page, models loaded, decoding
included). A dash: the truth cannot say.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

import ocr
from common.arrays import Image
from common.image import load, rotate_ccw
from common.settings import with_values
from ocr.models import build, decoding
from ocr.page.deskew import rotate, to_original
from ocr.reader import NEEDED, STEPS
from ocr.sheet import IDENTITY
from recognition.recognizer import SEARCHES, Recognizer
from train.data.samples import LabelledPage
from train.evaluate.ablation import AblationFile, Figures, ablate, format_ablation
from train.evaluate.box_metrics import deteval, icdar2015
from train.evaluate.characters import (
    character_lines,
    format_characters,
    group_characters,
    group_figures,
    measure_characters,
    regular_faces,
)
from train.evaluate.error_report import ErrorPages
from train.evaluate.line_metrics import count_lines
from train.evaluate.page_metrics import (
    Counts,
    Form,
    Match,
    ReadLine,
    count_page,
    match_boxes,
    normalize,
)
from train.evaluate.scores import ScoreSheet, add_selection, format_head, format_table, selected
from train.evaluate.text_metrics import FORMS
from train.evaluate.typefaces import format_typefaces, held_out_lines, measure_typefaces
from train.loop.run import write_json
from train.synth.fonts.cache import held_out_folder
from train.synth.typesetting.fonts import FOLDERS, read_faces

_LOG = logging.getLogger(__name__)

Classify = Callable[[Image], tuple[int, float]]
PROTOCOLS: dict[str, Match] = {"iou": match_boxes, "icdar2015": icdar2015, "deteval": deteval}
"""How boxes are matched: best overlap first at IoU 0.5, ICDAR 2015 task 4.1, ICDAR 2013 task 2.1."""
TURNS = (0, 90, 180, 270)
SPARSE = 3
"""Words below which a page's turn may be left open."""


def count_turns(classify: Classify, image: Image, min_score: float) -> tuple[int, int]:
    """Turn an upright picture all four ways: how many of the turns are told right, how many others are left alone."""
    answers = [(t, *classify(rotate_ccw(image, -t % 360))) for t in TURNS]
    right = [degrees == turn for turn, degrees, _ in answers]
    left = [score < min_score for _, _, score in answers]
    return sum(right), sum(b and not a for a, b in zip(right, left, strict=True))


def is_sparse(page: LabelledPage) -> bool:
    """Whether a page has so few words that its turn may be left open."""
    return sum(len(line.text.split()) for line in page.lines if not line.ignore) < SPARSE


def read_page(
    reader: ocr.Reader, page: LabelledPage, skew: float = 0.0
) -> tuple[list[ReadLine], float]:
    """Read one picture; one that cannot be read counts as read empty, and is logged.

    Args:
        reader: reads it.
        page: the picture.
        skew: degrees by which it is turned clockwise before.

    Returns:
        The lines in reading order, where they are on the picture as labelled, and the seconds from decoding to result.
    """
    start = time.perf_counter()
    back = IDENTITY
    try:
        picture: Path | Image = page.path
        if skew:
            picture, back = rotate(load(page.path), -skew)
        result = reader.read(picture, single_line=page.cropped)
    except ocr.InputError as error:
        _LOG.warning("counted as empty: %s", error)
        return [], time.perf_counter() - start
    seconds = time.perf_counter() - start
    return [ReadLine(x.text, to_original(np.array(x.box), back)) for x in result.lines], seconds


def evaluate(
    pages: Sequence[LabelledPage],
    *,
    reader: ocr.Reader | None,
    classify: Classify | None,
    errors: ErrorPages | None = None,
    skew: float = 0.0,
    form: Form = normalize,
    match: Match = match_boxes,
) -> ScoreSheet:
    """Read every page, tell the angle of its four turns, or both; cropped lines have no turns.

    Args:
        pages: The pages.
        reader: None leaves the pages unread.
        classify: None leaves the turns untold.
        errors: collects why lines were missed; None does not ask.
        skew: degrees by which pages are turned clockwise before they are read.
        form: in which texts are compared.
        match: the protocol for boxes.
    """
    sheet = ScoreSheet()
    min_score = ocr.Settings().orientation.min_score
    for page in tqdm(pages, unit="page", disable=None):
        if reader is not None:
            lines, seconds = read_page(reader, page, skew)
            counts = count_page(page, lines, form=form, match=match)
            sheet.add_page(page, counts, seconds, count_lines(page, lines, form))
            if errors is not None:
                errors.add(page, lines)
        else:
            sheet.add_page(page, Counts(pages=1))
        if classify is not None and not page.cropped:
            try:
                right, left = count_turns(classify, load(page.path), min_score)
            except ocr.InputError as error:
                _LOG.warning("angle not measured: %s", error)
                continue
            sheet.add_turns(page, right, len(TURNS), left * is_sparse(page))
    return sheet


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="train.evaluate", description=(__doc__ or "").split("\n\n")[0]
    )
    add_selection(parser)
    parser.add_argument("--models", default="small", help="set of models (default: %(default)s)")
    for model in ("angle", "detector", "recognizer", "spotter"):
        parser.add_argument(f"--{model}", metavar="NAME", help=f"another {model} model")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--turns", action="store_true", help="only the angle over four turns of each page"
    )
    which.add_argument(
        "--upright", action="store_true", help="no turns: large models take long for them"
    )
    which.add_argument(
        "--typefaces", dest="drawn", action="store_const", const=_measure_typefaces,
        help="the recognizer alone, on held-out typefaces",
    )  # fmt: skip
    which.add_argument(
        "--characters", dest="drawn", action="store_const", const=_measure_characters,
        help="the recognizer alone, on every Han character",
    )  # fmt: skip
    parser.add_argument(
        "--skew", type=float, default=0.0, metavar="DEGREES", help="rotate pages clockwise before"
    )
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument(
        "--errors", type=Path, metavar="FOLDER", help="every miss by its cause, as HTML; no turns"
    )
    parser.add_argument("--decode", choices=SEARCHES)
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="STEP.NAME=VALUE",
        help="another value of a setting of reading; repeatable",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="STEP",
        help=f"leave a step of reading out, of {', '.join(s for s in STEPS if s not in NEEDED)}; repeatable",
    )
    which.add_argument(
        "--ablate", action="store_true", help="every step left out in turn; a row each, no turns"
    )
    parser.add_argument(
        "--protocol", choices=PROTOCOLS, default="iou", help="for boxes (default: %(default)s)"
    )
    parser.add_argument(
        "--normalize", choices=FORMS, default="unified",
        help="form in which texts are compared (default: %(default)s)",
    )  # fmt: skip
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = _parser()
    args = parser.parse_args(argv)
    logging.basicConfig(format="%(levelname)s %(message)s")
    try:
        settings = with_values(ocr.Settings(), args.settings)
    except ValueError as error:
        parser.error(str(error))
    recognizer = partial(
        build,
        args.recognizer or args.models,
        "recognizer",
        device=args.device,
        threads=args.threads,
        options=decoding(args.decode, settings=settings),
    )
    if args.drawn:
        args.drawn(recognizer(), args.json)
        return
    pages = selected(args.data, args.limit, args.source, lines=args.lines)
    try:
        reader = ocr.load(
            args.models,
            angle=args.angle,
            detector=args.detector,
            recognizer=args.recognizer,
            spotter=args.spotter,
            device=args.device,
            threads=args.threads,
            decode=args.decode,
            settings=settings,
            without=args.without,
        )
    except ValueError as error:
        parser.error(str(error))
    title = f"{args.models} on {args.data.name}"
    measure = partial(
        evaluate,
        pages,
        skew=args.skew,
        form=FORMS[args.normalize],
        match=PROTOCOLS[args.protocol],
    )
    if args.ablate:
        conditions = {k: v for k, v in vars(args).items() if k not in ("json", "threads")}
        try:
            kept = AblationFile(args.json, {**conditions, "pages": len(pages)})
        except ValueError as error:
            parser.error(str(error))
        _measure_steps(reader, measure, kept, title, single_lines=args.lines)
        return
    errors = None
    if args.errors and not args.turns:
        errors = ErrorPages(args.errors, recognizer())
    untold = args.lines or args.errors or args.upright
    turns = None if untold else reader.orientation
    one = partial(measure, reader=None if args.turns else reader, classify=turns)
    _measure_pages(one, errors, title, args.json)


def _measure_pages(
    measure: Callable[..., ScoreSheet], errors: ErrorPages | None, title: str, path: Path | None
) -> None:
    """Print the table, and write it and the misses where they are asked for."""
    figures = measure(errors=errors).figures()
    print(format_table(figures, title))
    if path:
        write_json(path, figures)
    if errors is not None:
        print(f"misses by cause: {errors.write()}")


def _measure_steps(
    reader: ocr.Reader,
    measure: Callable[..., ScoreSheet],
    kept: AblationFile,
    title: str,
    *,
    single_lines: bool,
) -> None:
    """Print what each step of reading contributes, each row as soon as it is measured and kept."""

    def figures(one: ocr.Reader) -> Figures:
        return measure(reader=one, classify=None).figures()

    print(format_head(title), flush=True)
    try:
        for name, row in ablate(reader, figures, single_lines=single_lines, known=kept.rows):
            kept.add(name, row)
            print(format_ablation(name, row), flush=True)
    except KeyboardInterrupt:
        print("interrupted; with --json FILE the same command goes on", file=sys.stderr)
        raise SystemExit(130) from None


def _measure_typefaces(recognizer: Recognizer, path: Path | None) -> None:
    """Print, and write where it is asked for, how the held-out typefaces are read."""
    try:
        lines = list(held_out_lines(held_out_folder()))
    except FileNotFoundError as error:
        raise SystemExit(str(error)) from error
    figures = measure_typefaces(lines, recognizer)
    print(format_typefaces(figures))
    if path:
        write_json(path, figures)


def _measure_characters(recognizer: Recognizer, path: Path | None) -> None:
    """Print how the characters of each charset are read, and write where it is asked for how each is."""
    characters = [c for group in group_characters().values() for c in group]
    try:
        lines = list(character_lines(regular_faces(read_faces(FOLDERS)), characters))
    except FileNotFoundError as error:
        raise SystemExit(str(error)) from error
    shares = measure_characters(lines, recognizer)
    print(format_characters(group_figures(shares)))
    if path:
        write_json(path, shares)


if __name__ == "__main__":
    main()
