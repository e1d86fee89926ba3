"""Compare the weights before and after a fine-tuning: what was gained on the new data and lost elsewhere.

    python -m train.evaluate.finetune_report BEFORE.safetensors AFTER.safetensors --new-data HELD_OUT
            --eval-data PAGES --corpus CORPUS --backgrounds PHOTOGRAPHS

The regression set is rendered from a fixed seed, grouped by what the lines say, beside every source of `--eval-data`.
Text is compared after NFKC, lower case, without white space, quotes and dashes unified. Exit status 1: the lines
outside the new data lost more than `--most-lost` points of exact lines or of CER.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from common.arrays import Image
from common.characters import is_han
from common.edit_distance import edit_distance
from ocr.formats import save
from train.batches.lines import real_lines
from train.data.readers import read
from train.data.readers.report import Report
from train.data.writers import to_lines
from train.evaluate.page_metrics import normalize
from train.loop.recipes import REGRESSION_SEED
from train.loop.run import log
from train.synth.corpus.sentences import Corpus
from train.synth.line.render import LineRenderer
from train.synth.typesetting.fonts import FontLibrary
from train.transfer.interpolate import interpolate_files

Labelled = Sequence[tuple[str, Image, str]]
"""(set, crop, truth) of each line."""

WIDTHS = (96, 160, 280, 480)
NEW = "new data"
ELSEWHERE = "elsewhere"
MOST_LOST = 0.3
"""Points that the rest may lose, in exact lines and in CER."""


class Reads(Protocol):
    """A recognizer."""

    def __call__(self, crops: Sequence[Image]) -> Sequence[Any]:
        """Return a reading, with its `text`, for each crop."""
        ...


@dataclass(frozen=True)
class EditCounts:
    """Sums over the lines of a set."""

    lines: int = 0
    characters: int = 0
    edits: int = 0
    exact: int = 0

    def __add__(self, other: EditCounts) -> EditCounts:
        return EditCounts(
            self.lines + other.lines,
            self.characters + other.characters,
            self.edits + other.edits,
            self.exact + other.exact,
        )

    @property
    def cer(self) -> float:
        """Edits in percent of the characters; 0 for no characters."""
        return 100 * self.edits / max(self.characters, 1)

    @property
    def accuracy(self) -> float:
        """Percent of the lines read exactly; 0 for no lines."""
        return 100 * self.exact / max(self.lines, 1)


@dataclass(frozen=True)
class Change:
    """One set before and after."""

    before: EditCounts
    after: EditCounts

    @property
    def gained(self) -> float:
        """Points of exact lines won; negative if lost."""
        return self.after.accuracy - self.before.accuracy

    @property
    def lost(self) -> float:
        """The most points lost, of exact lines or of CER; negative if both got better."""
        return max(-self.gained, self.after.cer - self.before.cer)


def rendered_lines(renderer: LineRenderer, count: int) -> list[tuple[str, Image, str]]:
    """Render the fixed regression set: the first `count` lines of `REGRESSION_SEED`, widths in rotation."""
    lines = [renderer.line(REGRESSION_SEED, i, WIDTHS[i % len(WIDTHS)]) for i in range(count)]
    return [(f"rendered {kind_of(line.text)}", line.image, line.text) for line in lines]


def kind_of(text: str) -> str:
    """Say what a text is made of: han, latin, digits, signs, or several of them as `mixed`."""
    han = any(map(is_han, text))
    latin = any(c.isalpha() and ord(c) < 0x250 for c in text)
    digits = any(c.isdigit() for c in text)
    if han:
        return "mixed" if latin or digits else "han"
    return "latin" if latin else "digits" if digits else "signs"


def labelled_lines(folder: Path, name: str = NEW) -> list[tuple[str, Image, str]]:
    """Read every labelled line of a set in any format, cut out exactly along its quad."""
    report = Report()
    lines = [
        (name, line.image, line.text)
        for sample in read("auto", folder, report)
        for line in to_lines(sample)
    ]
    log.info("%s: %s", folder, report.summary())
    return lines


def score(reader: Reads, lines: Labelled) -> dict[str, EditCounts]:
    """Read lines and add up each set's score; lines of whose truth nothing is left do not count."""
    out: dict[str, EditCounts] = {}
    readings = reader([image for _, image, _ in lines])
    for (name, _, truth), reading in zip(lines, readings, strict=True):
        a, b = normalize(truth), normalize(reading.text)
        if a:
            out[name] = out.get(name, EditCounts()) + EditCounts(
                1, len(a), edit_distance(a, b), int(a == b)
            )
    return out


def compare(before: Mapping[str, EditCounts], after: Mapping[str, EditCounts]) -> dict[str, Change]:
    """Pair the scores of the same lines: every set by name, the new data and the sum of the rest last."""
    changes = {name: Change(before[name], after[name]) for name in sorted(before)}
    new = changes.pop(NEW, None)
    rest = list(changes.values())
    if rest:
        both = [
            sum(scores, EditCounts())
            for scores in zip(*((c.before, c.after) for c in rest), strict=True)
        ]
        changes[ELSEWHERE] = Change(*both)
    return changes if new is None else {**changes, NEW: new}


def format_report(changes: Mapping[str, Change], most_lost: float = MOST_LOST) -> str:
    """Lay out before and after as text, and say what was gained and lost in points."""
    out = [f"{'':28s} {'lines':>6s} {'exact %':>17s} {'points':>7s} {'CER %':>17s} {'points':>7s}"]
    for name, change in changes.items():
        a, b = change.before, change.after
        out.append(
            f"{name:28s} {a.lines:6d} {a.accuracy:7.2f} -> {b.accuracy:6.2f} {change.gained:+7.2f}"
            f" {a.cer:7.2f} -> {b.cer:6.2f} {b.cer - a.cer:+7.2f}"
        )
    if NEW in changes:
        out.append(f"gained on the new data: {changes[NEW].gained:+.2f} points of exact lines")
    if ELSEWHERE in changes:
        lost = changes[ELSEWHERE].lost
        verdict = "within" if lost <= most_lost else "MORE than"
        out.append(f"lost elsewhere: {lost:+.2f} points, {verdict} the {most_lost} that it may")
    return "\n".join(out)


def to_json(changes: Mapping[str, Change]) -> bytes:
    """Return the sums before and after of every set as JSON."""
    content = {name: asdict(change) for name, change in changes.items()}
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def gather(
    renderer: LineRenderer | None,
    *,
    count: int = 1000,
    new_data: Path | None = None,
    eval_data: Path | None = None,
    without: Sequence[str] = (),
) -> list[tuple[str, Image, str]]:
    """Collect what before and after are judged on.

    Args:
        renderer: of the regression set; None leaves it out.
        count: rendered lines.
        new_data: held-out lines of the new kind, in any format.
        eval_data: labelled real pages, `labels.jsonl`.
        without: sources of them that are left out: the new data itself, most often.
    """
    lines = rendered_lines(renderer, count) if renderer is not None else []
    if eval_data is not None:
        lines += [line for line in real_lines(eval_data, 200) if line[0] not in without]
    if new_data is not None:
        lines += labelled_lines(new_data)
    return lines


def report_weights(
    before: Path, after: Path, lines: Labelled, *, arch: str = "small"
) -> dict[str, Change]:
    """Judge two files of weights on the same lines.

    Raises:
        ValueError: one of the files holds other weights than those of `arch`.
    """
    from train.transfer.load_torch import load_recognizer

    scores = [score(load_recognizer(path, arch), lines) for path in (before, after)]
    return compare(*scores)


def write_report(folder: Path, changes: Mapping[str, Change]) -> str:
    """Write `finetune.txt` and `finetune.json` into a run's folder and return the text."""
    text = format_report(changes)
    save(folder / "finetune.txt", f"{text}\n".encode())
    save(folder / "finetune.json", to_json(changes))
    return text


def report_run(folder: Path, init: Path, lines: Labelled, *, arch: str, alpha: float) -> None:
    """Interpolate a finished fine-tuning into `finetuned.safetensors`; write and log its report.

    Uses the last weights, not the best ones: those were chosen on the lines of the report.

    Args:
        folder: of the run.
        init: weights before the fine-tuning.
        lines: what both are compared on, see `gather`.
        arch: their network.
        alpha: weight of the weights after.
    """
    tuned = folder / "finetuned.safetensors"
    interpolate_files(init, folder / "last.safetensors", tuned, alpha)
    changes = report_weights(init, tuned, lines, arch=arch)
    log.info("before and after:\n%s", write_report(folder, changes))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    args = _parser().parse_args(argv)
    import torch

    torch.set_num_threads(args.threads)
    fonts, corpus = FontLibrary.load(args.fonts), Corpus.load(args.corpus)
    lines = gather(
        LineRenderer(fonts, corpus, args.backgrounds),
        count=args.count,
        new_data=args.new_data,
        eval_data=args.eval_data,
        without=args.new_sources.split(","),
    )
    changes = report_weights(args.before, args.after, lines, arch=args.arch)
    print(format_report(changes, args.most_lost))
    if args.json:
        save(args.json, to_json(changes))
    return int(ELSEWHERE in changes and changes[ELSEWHERE].lost > args.most_lost)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m train.evaluate.finetune_report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", type=Path, help="weights that the fine-tuning began with")
    parser.add_argument("after", type=Path, help="weights that came of it")
    parser.add_argument("--arch", default="small", help="their network (default: %(default)s)")
    parser.add_argument("--new-data", type=Path, help="lines like the new ones, not trained on")
    parser.add_argument("--eval-data", type=Path, help="labelled real pages (labels.jsonl)")
    parser.add_argument(
        "--new-sources", default="", help="comma-separated sources of --eval-data that it is of"
    )
    parser.add_argument("--count", type=int, default=1000, help="rendered lines")
    parser.add_argument("--fonts", type=Path, help="folder of fonts (default: the system's)")
    parser.add_argument("--corpus", type=Path, help="folder of zh*.txt and en*.txt")
    parser.add_argument("--backgrounds", type=Path, help="folder of photographs to write on")
    parser.add_argument("--most-lost", type=float, default=MOST_LOST, help="points elsewhere")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="the sums as JSON")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
