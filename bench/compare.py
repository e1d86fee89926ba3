"""Read the same labelled pictures with this project, RapidOCR and Tesseract, side by side.

    python -m bench.compare DATA [--peers-python PATH] [--limit N] [--source a,b] [--lines]
                                 [--engines ours,tesseract] [--threads 2] [--json FILE]

Each engine runs in a process of its own, one after the other, on the same number of threads. Time
runs from the picture's path to its lines. RapidOCR is looked for in the interpreter given (`pip
install rapidocr onnxruntime` puts it there), Tesseract on the PATH; what is not found is said and
left out. A ratio is ours over theirs: of time, memory and load, below one is better for us.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from train.data.samples import LabelledPage
from train.evaluate.page_metrics import ReadLine, count_page
from train.evaluate.scores import ALL, ScoreSheet, add_selection, format_table, selected
from train.loop.run import write_json

_LOG = logging.getLogger(__name__)
_WORKER = Path(__file__).with_name("engines.py")
OURS = "ours"
NAMES = {
    OURS: "this project",
    "rapidocr": "RapidOCR, newest small",
    "tesseract": "Tesseract chi_sim+eng",
}


@dataclass
class Result:
    """What one engine did: its table and what it cost."""

    sheet: ScoreSheet = field(default_factory=ScoreSheet)
    load_s: float | None = None
    peak_mib: float | None = None
    failed: int = 0

    def summary(self) -> dict[str, float | None]:
        """Return the row over all pages, load time in seconds and peak memory in MiB."""
        return {
            **self.sheet.figures().get(ALL, {}),
            "load_s": self.load_s,
            "peak_mib": self.peak_mib,
        }


class EngineError(RuntimeError):
    """An engine ended before its last picture."""


def missing(engine: str, python: Path) -> str:
    """Say why an engine cannot run here, or return an empty string when it can."""
    if engine == "tesseract":
        if shutil.which("tesseract") is None:
            return "no tesseract on the PATH"
        known = subprocess.run(
            ["tesseract", "--list-langs"], capture_output=True, text=True
        ).stdout.split()
        lacking = {"chi_sim", "eng"} - set(known)
        return f"tesseract lacks the language data {', '.join(sorted(lacking))}" if lacking else ""
    if engine == "rapidocr":
        try:
            found = subprocess.run([str(python), "-c", "import rapidocr"], capture_output=True)
        except OSError as error:
            return f"{python} does not run: {error}"
        return f"{python} cannot import rapidocr" if found.returncode else ""
    return ""


def replies(command: Sequence[str], paths: Sequence[Path]) -> Generator[dict[str, Any], None, None]:
    """Run an engine on `paths` and yield what it says: loading, each picture, the end.

    Raises:
        EngineError: the process ended early.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def answer() -> dict[str, Any]:
        line = process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise EngineError(f"ended early with status {process.wait()}: see its messages above")
        return dict(json.loads(line))

    try:
        yield answer()
        for path in paths:
            process.stdin.write(json.dumps(str(path)) + "\n")
            process.stdin.flush()
            yield answer()
        process.stdin.close()
        yield answer()
        process.wait()
    except BrokenPipeError as error:
        raise EngineError(
            f"ended early with status {process.wait()}: see its messages above"
        ) from error
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        with suppress(BrokenPipeError):  # closing flushes what the process never took
            process.stdin.close()


def run_engine(
    engine: str, python: Path, pages: Sequence[LabelledPage], threads: int, *, lines: bool
) -> Result:
    """Read every page with one engine; a picture it fails on counts as read empty.

    Raises:
        EngineError: the engine's process ended early.
    """
    command = [str(python), str(_WORKER), engine, "--threads", str(threads)] + [
        "--single-line"
    ] * lines
    result = Result()
    with closing(replies(command, [page.path.resolve() for page in pages])) as answers:
        result.load_s = next(answers)["load_s"]
        for page in tqdm(pages, desc=engine, unit="page", disable=None):
            got = next(answers)
            if "error" in got:
                result.failed += 1
                _LOG.warning("%s on %s: %s", engine, page.path, got["error"])
            read = [ReadLine(line["text"], line["box"]) for line in got.get("lines", [])]
            result.sheet.add_page(page, count_page(page, read), got.get("s"))
        result.peak_mib = next(answers)["peak_mib"]
    return result


def format_summary(results: dict[str, Result]) -> str:
    """Lay out the engines side by side, over all pages, with ours over each peer's."""
    columns = {"bagR": ".3f", "bagF1": ".3f", "CER": ".3f", "exact": ".3f", "hmean": ".3f"}
    costs = {"ms": ".0f", "load_s": ".2f", "peak_mib": ".0f"}
    summaries = {engine: result.summary() for engine, result in results.items()}
    header = f"{'engine':24s}" + "".join(f" {name:>9s}" for name in (*columns, *costs))
    own = summaries.get(OURS, {})
    rows = [header]
    for engine, summary in summaries.items():
        cells = [_cell(summary.get(name), form) for name, form in (columns | costs).items()]
        rows.append(f"{NAMES[engine]:24s}" + "".join(f" {cell:>9s}" for cell in cells))
    for engine, summary in summaries.items():
        if engine == OURS or not own:
            continue
        cells = [_ratio(own.get(name), summary.get(name)) for name in (*columns, *costs)]
        rows.append(f"{'ours / ' + engine:24s}" + "".join(f" {cell:>9s}" for cell in cells))
    return "\n".join(rows)


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _ratio(ours: float | None, theirs: float | None) -> str:
    return f"{ours / theirs:.2f}x" if ours is not None and theirs else "-"


def limit_cores(threads: int) -> None:
    """Keep this process and its children on `threads` cores, where the system can.

    Not all threads of an engine obey its settings.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="bench.compare", description=(__doc__ or "").split("\n\n")[0]
    )
    add_selection(parser)
    parser.add_argument(
        "--peers-python",
        type=Path,
        default=Path(sys.executable),
        help="interpreter that has rapidocr",
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--engines", default=",".join(NAMES), help="comma-separated (default: %(default)s)"
    )
    args = parser.parse_args(argv)
    engines = [name for name in args.engines.split(",") if name]
    if unknown := set(engines) - set(NAMES):
        parser.error(f"unknown engine {', '.join(sorted(unknown))}: choose from {', '.join(NAMES)}")
    logging.basicConfig(format="%(levelname)s %(message)s")
    pages = selected(args.data, args.limit, args.source, lines=args.lines)
    limit_cores(args.threads)
    results: dict[str, Result] = {}
    for engine in engines:
        python = args.peers_python if engine == "rapidocr" else Path(sys.executable)
        if reason := missing(engine, python):
            print(f"{NAMES[engine]}: left out, {reason}")
            continue
        try:
            results[engine] = run_engine(engine, python, pages, args.threads, lines=args.lines)
        except EngineError as error:
            print(f"{NAMES[engine]}: left out, {error}")
            continue
        print(format_table(results[engine].sheet.figures(), NAMES[engine]) + "\n")
    print(format_summary(results))
    if args.json:
        write_json(
            args.json,
            {e: {"summary": r.summary(), "rows": r.sheet.figures()} for e, r in results.items()},
        )


if __name__ == "__main__":
    main()
