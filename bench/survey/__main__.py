"""Measure the survey's systems side by side and write the tables and pictures of `docs/survey.md`, in both languages.

    python -m bench.survey DATA [DATA ...] --out docs
    python -m bench.survey DATA DATA2 --out docs --limit 4 --lines 100 --json figures.json
    python -m bench.survey DATA --out docs --weights RUNS    those of RUNS in place of the shipped ones, and besides

DATA are folders with labels.jsonl: "set 1", "set 2" of the tables. `--out` holds survey.md and survey.zh-CN.md; what
stands there between `<!-- generated: NAME -->` and `<!-- end of NAME -->` is replaced, all else is kept. RUNS is a
folder that `train.export --out RUNS` wrote to. With `--json`, figures are written after each system, and systems whose
weights and pictures are the same as there are not measured again: an interrupted run goes on, and further weights cost
their own time only. After a change of code, name a new file. Systems without weights are listed without figures.
"""

from __future__ import annotations

import argparse
import logging
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.survey import end_to_end_tables, pictures, tables
from bench.survey.document import with_parts
from bench.survey.measure import Book, Figures, Selection, measure_detectors, measure_recognizers
from bench.survey.overlay import overlaid
from bench.survey.papers import of
from bench.survey.systems import measure_systems
from bench.survey.words import FILES, LANGUAGES, say
from common.files import replace_when_written
from ocr.weights import WeightsError
from train.data.readers.jsonl import read_pages
from train.data.samples import LabelledPage
from train.evaluate.scores import selected

Measured = Mapping[str, Mapping[str, Figures]]
"""Task to system to figures."""


def generated(results: Measured, chosen: Selection, language: str) -> dict[str, str]:
    """Return the parts of the page by name."""
    found, read, spotted = (results[task] for task in ("detector", "recognizer", "spotter"))
    return {
        "setup": setup(results, chosen, language),
        "detectors": tables.detectors(found, len(chosen.pages), language),
        "detectors by lines": tables.lines_by_group(found, language),
        "detectors by source": tables.lines_by_source(found, language),
        "detectors compared": tables.compared(found, language),
        "pictures": "\n\n".join(
            f"![{name}](survey-{name}.jpg)" for name in (pictures.SHOWN if found else ())
        ),
        "recognizers": tables.recognizers(read, language),
        "recognizers by source": tables.recognizers_by_source(read, language),
        "spotters": end_to_end_tables.spotters(spotted, len(chosen.pages), language),
        "spotters by source": end_to_end_tables.spotters_by_source(spotted, language),
    }


def setup(results: Measured, chosen: Selection, language: str) -> str:
    """Say what was measured on, and with what."""
    rows = []
    for number, pages in enumerate(chosen.pages, 1):
        boxed = sum(line.quad is not None and not line.ignore for p in pages for line in p.lines)
        cells = [say("{} pages, {} lines", language, len(pages), boxed)]
        if chosen.lines and results["recognizer"]:
            first = next(iter(results["recognizer"].values()))["sets"][number - 1]
            lines = sum(int(row["lines"]) for row in first.values())
            cells.append(say("{} lines by their true boxes", language, lines))
        rows.append(f"- {say('set {}', language, number)}: {', '.join(cells)}")
    rows.append(f"- {say('threads of a detector', language)}: {chosen.threads}")
    rows.append(f"- {say('processor', language)}: {processor()}")
    return "\n".join(rows)


def processor() -> str:
    """Name the processor as the system does."""
    info = Path("/proc/cpuinfo")
    names = [
        line.split(":", 1)[1].strip()
        for line in (info.read_text("utf-8").splitlines() if info.is_file() else ())
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


def draw_pictures(out: Path, results: Mapping[str, Figures]) -> None:
    """Write a picture for each page that is shown, of all detectors."""
    titles = {one.key: one.title for one in of("detector")}
    for number, (name, page) in enumerate(pictures.shown_pages().items()):
        found = {
            titles[key]: [np.array(quad, np.float32) for quad in one["shown"][number]]
            for key, one in sorted(results.items(), key=lambda item: list(titles).index(item[0]))
        }
        pictures.write_jpeg(out / f"survey-{name}.jpg", pictures.montage(page, found))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    logging.basicConfig(format="%(levelname)s %(message)s")
    documents = {language: args.out / FILES[language] for language in LANGUAGES}
    if gone := [str(path) for path in documents.values() if not path.is_file()]:
        parser.error(f"--out {args.out}: there is no {', '.join(gone)} to write tables into")
    if args.json and not args.json.parent.is_dir():
        parser.error(f"--json {args.json}: there is no folder {args.json.parent}")
    try:
        book = Book(args.json)
        with overlaid(args.weights) as folder:
            chosen = selection(args, folder)
            # Pages that cannot take the tables must be known of before hours of measuring.
            nothing: Measured = {"detector": {}, "recognizer": {}, "spotter": {}}
            for language, path in documents.items():
                with_parts(path.read_text("utf-8"), generated(nothing, chosen, language), str(path))
            results: Measured = {
                "detector": measure_detectors(chosen, book),
                "recognizer": measure_recognizers(chosen, book),
                "spotter": measure_systems(chosen, book),
            }
    except (ValueError, WeightsError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from --json", file=sys.stderr)
        return 130
    write(documents, results, chosen)
    if done := {key: one for key, one in results["detector"].items() if "error" not in one}:
        draw_pictures(args.out, done)
    failed = [one["error"] for found in results.values() for one in found.values() if "error" in one]  # fmt: skip
    print("\n".join(failed), end="\n" * bool(failed), file=sys.stderr)
    return 1 if failed else 0


def write(documents: Mapping[str, Path], results: Measured, chosen: Selection) -> None:
    """Put tables into the page of each language."""
    for language, path in documents.items():
        page = with_parts(path.read_text("utf-8"), generated(results, chosen, language), str(path))
        with replace_when_written(path) as partial:
            partial.write_text(page, encoding="utf-8")
        print(path)


def selection(args: argparse.Namespace, folder: Path) -> Selection:
    """Return what the command line asks to measure on.

    Raises:
        SystemExit: a folder has no pages.
    """
    lines: list[list[LabelledPage]] = [list(read_pages(data)) for data in args.data]
    return Selection(
        pages=[selected(data, args.limit, "", lines=False) for data in args.data],
        lines=[] if args.lines == 0 else lines,
        shown=[page.path for page in pictures.shown_pages().values()],
        line_limit=args.lines,
        threads=args.threads,
        folder=folder,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench.survey", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )  # fmt: skip
    parser.add_argument("data", type=Path, nargs="+", help="folder with labels.jsonl beside the pictures")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder of the pages")
    parser.add_argument("--weights", type=Path, metavar="RUNS", help="folder with a manifest of its own")  # fmt: skip
    parser.add_argument("--limit", type=int, help="pages of each source")
    parser.add_argument("--lines", type=int, help="lines of each source to read, about; 0: none")
    parser.add_argument("--threads", type=int, default=1, help="of a detector (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, to go on from")
    return parser


if __name__ == "__main__":
    sys.exit(main())
