"""Find the lines of the same labelled pages with every detector of the project, side by side.

    python -m bench.detectors DATA [--limit N] [--source a,b] [--only ctpn,db] [--threads 2]
    python -m bench.detectors DATA --weights RUN/last.safetensors --method db    with weights of a run, too
    python -m bench.detectors DATA --pictures FOLDER --json FILE

Per detector: recall, precision and Hmean at an IoU of 0.5 and 0.7, over all lines and by their aspect ratio, direction
and height, by kind and source of page; ms and CPU ms (of all threads; medians of a page, decoding of its file left
out), peak memory of its process, parameters. Detectors see pictures as they are: what `ocr` does around them, turned
looks and the search for columns, is left out. Sources whose truth is words or part of the text have rows of their own.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.detector_pictures import write_pictures
from bench.detector_runs import Candidate, DetectorError, DetectorRun, run, shipped
from bench.detector_scores import ALL, LEAST, figures, score
from detection import METHODS
from ocr.weights.file import present
from train.evaluate.scores import selected
from train.loop.run import write_json


def format_summary(results: dict[str, dict[str, Any]]) -> str:
    """Lay out one row for each detector, over all lines."""
    measures = ("recall", "precision", "hmean")
    head = "".join(f" {letter}@{iou:4s}" for iou in LEAST for letter in "RPH")
    rows = [f"{'detector':24s}{head} {'ms':>6s} {'CPU ms':>6s} {'MiB':>5s} {'parameters':>12s}"]
    for name, result in results.items():
        at = result["rows"].get(ALL, {})
        cells = "".join(_cell(at.get(iou, {}).get(m)) for iou in LEAST for m in measures)
        ms, cpu = ("-" if result[k] is None else f"{result[k]:.0f}" for k in ("ms", "cpu_ms"))
        memory, parameters = result["peak_mib"], result["parameters"]
        rows.append(f"{name:24s}{cells} {ms:>6s} {cpu:>6s} {memory:5.0f} {parameters:12,d}")
    return "\n".join(rows)


def format_groups(results: dict[str, dict[str, Any]]) -> str:
    """Lay out one row for each group of lines: recall and Hmean of every detector at the first protocol."""
    names = list(results)
    rows = [f"{'lines':>45s} " + "".join(f" {name[:15]:>15s}" for name in names)]
    for group in dict.fromkeys(g for result in results.values() for g in result["rows"]):
        found = [result["rows"].get(group, {}) for result in results.values()]
        count = next(int(next(iter(one.values()))["lines"]) for one in found if one)
        cells = "".join(_pair(one) for one in found)
        rows.append(f"{group:39s} {count:5d} {cells}")
    return "\n".join(rows)


def _pair(row: dict[str, Any]) -> str:
    if not row:
        return " " * 15 + "-"
    first = next(iter(row.values()))
    parts = [f"{first[name]:.3f}" for name in ("recall", "hmean") if first[name] is not None]
    return f" {' / '.join(parts) or '-':>15s}"


def _cell(value: float | None) -> str:
    return "      -" if value is None else f" {value:6.3f}"


def chosen(only: str, weights: Sequence[Path], methods: Sequence[str]) -> list[Candidate]:
    """Return the detectors that the command line asks for.

    Raises:
        ValueError: not as many methods as weights, a file that is not there, or no detector of that name.
    """
    if len(weights) != len(methods):
        raise ValueError(
            f"found {len(weights)} --weights and {len(methods)} --method, expected one --method for each"
        )
    if gone := [str(path) for path in weights if not present(path).is_file()]:
        raise ValueError(f"no such file: {', '.join(gone)}")
    named = [name for name in only.split(",") if name]
    known = shipped()
    if unknown := set(named) - {one.name for one in known}:
        raise ValueError(
            f"no shipped detector is named {', '.join(sorted(unknown))}; "
            f"there are: {', '.join(one.name for one in known)}"
        )
    extra = [
        Candidate(f"{method} {number}", method, path)
        for number, (method, path) in enumerate(zip(methods, weights, strict=True), 1)
    ]
    return [one for one in known if not named or one.name in named] + extra


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="bench.detectors", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("data", type=Path, help="folder with labels.jsonl beside the pictures")
    parser.add_argument("--limit", type=int, help="pages of each source")
    parser.add_argument("--source", default="", help="comma-separated sources instead of all")
    parser.add_argument("--only", default="", help="comma-separated shipped detectors, not all")
    parser.add_argument(
        "--weights", type=Path, action="append", default=[],
        help="ONNX or safetensors file besides; repeatable, each with its --method",
    )  # fmt: skip
    parser.add_argument("--method", choices=METHODS, action="append", default=[])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="every page, drawn")
    parser.add_argument("--json", type=Path, help="all figures as JSON")
    args = parser.parse_args(argv)
    logging.basicConfig(format="%(levelname)s %(message)s")
    try:
        candidates = chosen(args.only, args.weights, args.method)
    except ValueError as error:
        parser.error(str(error))
    if args.json and not args.json.parent.is_dir():
        parser.error(f"--json {args.json}: there is no folder {args.json.parent}")
    pages = selected(args.data, args.limit, args.source, lines=False)
    for candidate in candidates:
        if candidate.weights:
            print(f"{candidate.name} is {candidate.weights}")
    runs: dict[str, DetectorRun] = {}
    for candidate in candidates:
        try:
            runs[candidate.name] = run(candidate, [page.path for page in pages], args.threads)
        except DetectorError as error:
            print(f"left out: {error}")
    results = {name: figures(score(pages, one), one) for name, one in runs.items()}
    print(f"{len(pages)} pages of {args.data.name}\n{format_summary(results)}\n")
    print(f"recall / Hmean at IoU 0.5\n{format_groups(results)}")
    if missing := set(METHODS) - {one.method for one in candidates}:
        print(f"\nnot measured: {', '.join(sorted(missing))}; --weights takes those of a run")
    if args.json:
        write_json(args.json, results)
    if args.pictures:
        write_pictures(args.pictures, pages, runs)


if __name__ == "__main__":
    main()
