"""Read lines cut out by their true boxes: how well the recognizer alone reads, whatever the detector finds.

    python -m train.evaluate.true_boxes DATA [DATA ...] --recognizer small
    python -m train.evaluate.true_boxes DATA --weights RUN/last.safetensors --arch base --decode greedy
    python -m train.evaluate.true_boxes DATA --spotter stn-ocr --source iiit5k    finds the line in its picture again

Per source: lines, exact (share read exactly), CER and ms (CPU time for each line, models loaded). Pictures of
one line count, too. Ignored lines and those whose place is not known are left out. Text is compared after NFKC, lower
case, without white space, with quotes and dashes unified; letters and digits alone where the source asks for it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from common.arrays import Image
from common.edit_distance import edit_distance
from common.image import load
from common.quads import crop
from common.roles import Reading, Spotter
from common.roles import Recognizer as LineReader
from common.wording import counted
from ocr.line.confidence import scored
from ocr.models import build, decoding
from ocr.onnx_runtime import load_onnx
from ocr.weights.file import is_onnx
from recognition.confidence import Confidence
from recognition.preprocess import UPSCALE_BELOW_HEIGHT
from recognition.recognizer import Recognizer
from train.data.readers.jsonl import read_pages
from train.data.samples import LabelledPage
from train.evaluate.calibration import expected_calibration_error
from train.evaluate.page_metrics import comparable
from train.loop.run import write_json


@dataclass
class SourceScore:
    """The sums of one source; `pairs` keeps what was read for `--errors`."""

    lines: int = 0
    exact: int = 0
    edits: int = 0
    characters: int = 0
    seconds: float = 0.0
    pairs: list[tuple[str, str, float]] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)

    def add(self, truth: str, reading: str, score: float, *, alnum: bool) -> None:
        """Compare one line with its truth."""
        a, b = (comparable(text, alnum=alnum) for text in (truth, reading))
        if not a:
            return
        self.lines += 1
        self.exact += a == b
        self.right.append(a == b)
        self.edits += edit_distance(a, b)
        self.characters += len(a)
        self.pairs.append((truth, reading, score))

    def figures(self) -> dict[str, float]:
        """Return the row of the table."""
        return {
            "lines": self.lines,
            "exact": self.exact / max(self.lines, 1),
            "cer": self.edits / max(self.characters, 1),
            "ms": 1e3 * self.seconds / max(self.lines, 1),
        }


def boxed_lines(page: LabelledPage) -> list[tuple[Image, str]]:
    """Cut out the lines of a page whose place is known; a picture of one line is that line."""
    lines = [line for line in page.lines if not line.ignore and line.text.strip()]
    if not any(line.quad is not None for line in lines):
        whole = page.cropped or len(page.lines) == 1
        return [(load(page.path), lines[0].text)] if whole and len(lines) == 1 else []
    image = load(page.path)
    return [
        (crop(image, line.quad, fine=UPSCALE_BELOW_HEIGHT), line.text)
        for line in lines
        if line.quad is not None
    ]


def score(
    reader: LineReader,
    pages: Iterator[LabelledPage] | Sequence[LabelledPage],
    limit: int | None,
    confidence: Confidence | None = None,
) -> dict[str, SourceScore]:
    """Read the lines of every page, a page at a time, at most so many of each source."""
    scores: dict[str, SourceScore] = {}
    for page in tqdm(pages, unit="page", disable=None):
        result = scores.setdefault(page.source, SourceScore())
        if limit is not None and result.lines >= limit:
            continue
        lines = boxed_lines(page)
        start = time.process_time()
        readings = reader([image for image, _ in lines])
        result.seconds += time.process_time() - start
        for (_, truth), reading in zip(lines, readings, strict=True):
            likely = scored(reading, confidence).score if confidence else reading.score
            result.add(truth, reading.text, likely, alnum=page.alnum)
    return {name: result for name, result in scores.items() if result.lines}


class Surest:
    """Read cut-out lines by what a spotter finds and reads in them: the surest text of each."""

    def __init__(self, spotter: Spotter) -> None:
        self._spotter = spotter
        self.confidence = spotter.confidence

    def __call__(self, crops: Sequence[Image], /) -> list[Reading]:
        """Return a reading of each crop, an empty one where nothing is found."""
        found = (self._spotter(crop).readings for crop in crops)
        return [
            max(each, key=lambda r: r.score, default=Reading("", 0.0, (), ())) for each in found
        ]


def format_table(figures: dict[str, dict[str, float]]) -> str:
    """Lay out `figures` as text."""
    rows = [f"{'source':26s} {'lines':>6s} {'exact':>7s} {'CER':>7s} {'ms':>6s}"]
    rows += [
        f"{name:26s} {row['lines']:6.0f} {row['exact']:7.3f} {row['cer']:7.4f} {row['ms']:6.1f}"
        for name, row in figures.items()
    ]
    return "\n".join(rows)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("data", type=Path, nargs="+", help="folders with labels.jsonl")
    parser.add_argument("--recognizer", default="small", help="of the manifest")
    parser.add_argument("--spotter", help="of the manifest: finds the line in what was cut out")
    parser.add_argument("--weights", type=Path, help="trained weights or ONNX file instead")
    parser.add_argument("--arch", default="small", help="of --weights")
    parser.add_argument("--decode", help="greedy or beam")
    parser.add_argument("--source", default="", help="comma-separated sources instead of all")
    parser.add_argument("--limit", type=int, help="lines of each source, about")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="the table as JSON")
    parser.add_argument("--pairs", type=Path, help="truth, reading and score of every line as JSON")
    args = parser.parse_args(argv)
    reader: LineReader
    if args.spotter:
        reader = Surest(build(args.spotter, "spotter", threads=args.threads))
    else:
        reader = _reader(args.recognizer, args.weights, args.arch, args.decode, args.threads)
    figures, pairs = {}, {}
    scores: list[float] = []
    right: list[bool] = []
    for folder in args.data:
        chosen = [name for name in args.source.split(",") if name]
        pages = [p for p in read_pages(folder) if not chosen or p.source in chosen]
        for name, result in sorted(score(reader, pages, args.limit, reader.confidence).items()):
            figures[name], pairs[name] = result.figures(), result.pairs
            scores += [score for _, _, score in result.pairs]
            right += result.right
    print(format_table(figures))
    print(
        f"{counted(len(right), 'line')} in all: exact {sum(right) / len(right):.3f}, "
        f"mean score {sum(scores) / len(scores):.3f}, "
        f"expected calibration error {expected_calibration_error(scores, right):.3f}"
    )
    for path, value in ((args.json, figures), (args.pairs, pairs)):
        if path:
            write_json(path, value)


def _reader(
    name: str, weights: Path | None, arch: str, decode: str | None, threads: int
) -> Recognizer:
    if weights is None:
        made: Recognizer = build(name, "recognizer", threads=threads, options=decoding(decode))
        return made
    if is_onnx(weights):
        network, config = load_onnx(weights, threads)
        return Recognizer(network, **config, **decoding(decode))
    import torch

    from train.transfer.load_torch import load_recognizer

    torch.set_num_threads(threads)
    return load_recognizer(weights, arch)


if __name__ == "__main__":
    sys.exit(main())
