"""Write rendered pages or lines to a folder, to look at or to train on elsewhere.

python -m train.synth.generate --kind pages --seed 1 --count 24 --out runs/sample --sheet

writes one PNG each, `labels.jsonl` in the form that `train.evaluate` reads, and with `--sheet` a
contact sheet with the quads drawn. Sample i of a seed is the same, however many are asked for.
`--kind lines --line-kind far` writes lines of one kind of `train.synth.line.shares`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from common.arguments import check_folders
from common.arrays import Image
from common.files import replace_when_written
from train.data.contact_sheet import contact_sheet, drawn
from train.data.samples import Line, LineSample, PageSample
from train.synth.backgrounds import Backgrounds
from train.synth.corpus.sentences import Corpus
from train.synth.line.render import LineRenderer
from train.synth.line.shares import NARROW_KINDS, SCENE_WIDTH, WIDE_KINDS
from train.synth.page import KINDS, PageRenderer
from train.synth.typesetting.fonts import FontLibrary

LINE_WIDTH = 640
"""Columns, at the recognizer's height, that a rendered line fills at most."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = _parser()
    args = parser.parse_args(arguments)
    labels = args.out / "labels.jsonl"
    if labels.exists() and not args.overwrite:
        parser.error(
            f"{labels} is there, and would be replaced: name another folder, or give --overwrite"
        )
    try:
        check_folders(args, ("corpus", "backgrounds", "fonts"))
    except ValueError as error:
        parser.error(str(error))
    args.out.mkdir(parents=True, exist_ok=True)
    fonts, corpus = FontLibrary.load(args.fonts), Corpus.load(args.corpus)
    if args.kind == "pages":
        pages = PageRenderer(fonts, corpus, Backgrounds.load(args.backgrounds))
    else:
        lines = LineRenderer(fonts, corpus, args.backgrounds)
    records, cells = [], []
    for index in tqdm(
        range(args.first, args.first + args.count), unit=args.kind[:-1], disable=None
    ):
        if args.kind == "pages":
            sample = pages.page(args.seed, index, kind=args.page_kind)
        else:
            line = _line(lines, args.seed, index, args.line_kind)
            sample = PageSample(line.image, (Line(_whole(line.image), line.text),))
        name = f"{index:06d}.png"
        write_picture(args.out / name, sample.image)
        records.append(record(name, sample, args.page_kind or args.kind))
        if args.sheet:
            cells.append(drawn(sample) if args.kind == "pages" else sample.image)
    lines_of_json = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in records)
    _write(labels, lines_of_json.encode())
    if cells:
        write_picture(args.out / "sheet.png", contact_sheet(cells))
    return 0


def _line(lines: LineRenderer, seed: int, index: int, kind: str | None) -> LineSample:
    """Render a line, of a kind if one is asked for; some kinds are short."""
    if kind is None:
        return lines.line(seed, index, LINE_WIDTH)
    width = LINE_WIDTH if kind in WIDE_KINDS else SCENE_WIDTH
    return lines.of_kind(kind, seed, index, width)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m train.synth.generate", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--kind", choices=["pages", "lines"], default="pages")
    parser.add_argument("--page-kind", choices=sorted(KINDS), help="only pages of this kind")
    parser.add_argument(
        "--line-kind",
        choices=sorted(NARROW_KINDS),
        help="with --kind lines: only lines of this kind",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first sample")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--out", type=Path, required=True, help="folder, made if it is missing")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace what an earlier run wrote there"
    )
    parser.add_argument("--sheet", action="store_true", help="also write sheet.png")
    parser.add_argument("--fonts", type=Path, help="folder of fonts (default: the system's)")
    parser.add_argument("--corpus", type=Path, help="folder of zh*.txt and en*.txt")
    parser.add_argument("--backgrounds", type=Path, help="folder of photographs to write on")
    return parser


def record(name: str, sample: PageSample, source: str) -> dict[str, Any]:
    """One line of `labels.jsonl`."""
    lines = [
        {
            "quad": [[round(float(x), 2), round(float(y), 2)] for x, y in line.quad],
            "text": line.text,
            "ignore": bool(line.ignore),
        }
        for line in sample.lines
    ]
    kind = "line" if source == "lines" else "document"
    labels = {"image": name, "source": f"rendered_{source}", "kind": kind, "lang": "mixed"}
    return {**labels, "lines": lines}


def _whole(image: Image) -> np.ndarray:
    height, width = image.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def write_picture(path: Path, image: Image) -> None:
    """Write an RGB picture as PNG, whole or not at all."""
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    _write(path, data.tobytes())


def _write(path: Path, data: bytes) -> None:
    with replace_when_written(path) as partial:
        partial.write_bytes(data)


if __name__ == "__main__":
    raise SystemExit(main())
