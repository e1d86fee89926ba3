"""Read the pictures and PDFs of a folder or bucket into Parquet, on Ray: `python -m ocr.bulk INPUT OUTPUT`.

INPUT and OUTPUT are folders or addresses of buckets (s3://…, gs://…). OUTPUT gets files `part-….parquet` of one table:
a row for each page, its lines nested in it; and a row with an error for each page or file that could not be read.

    SELECT path, page, line.text FROM (SELECT path, page, unnest(lines) AS line FROM 'OUTPUT/*.parquet')

A part holds whole inputs, has a name that follows from them, and appears whole or not at all. So a task that Ray
repeats because its machine was lost writes the same file again, and a run that was stopped goes on with the inputs
that are in no part yet: nothing is lost, nothing is there twice. One run at a time writes to an OUTPUT.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2

import ocr
from common.arguments import positive
from common.wording import counted
from ocr.arguments import add_models, add_quiet
from ocr.batch.read_many import ReadEvent, read_files
from ocr.bulk.parquet import (
    SCHEMA,
    Location,
    done_inputs,
    drop_failed,
    find_place,
    list_inputs,
    write_part,
)
from ocr.weights.untrained import check_name

_log = logging.getLogger("ocr.bulk")

ROOT = Path(__file__).resolve().parents[2]

PART_INPUTS = 64
"""Inputs in one part: enough for a file that is no burden to list, few enough to do again."""

MAX_BLOCKS = 10_000
"""Pieces of work that Ray keeps books on; beyond that each has several parts."""

MAX_RETRIES = 5
"""How often a part is tried again whose worker died."""

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: 0 all was read, 1 some inputs could not be, 2 bad usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, format="ocr.bulk: %(message)s")
    _log.setLevel(logging.ERROR if options.quiet else logging.INFO)
    try:
        import pyarrow  # noqa: F401
        import ray  # noqa: F401
    except ImportError as error:
        parser.error(f"{error.name} is not installed: pip install -r requirements-bulk.txt")
    try:
        check_name(options.models)
        source, target = find_place(options.input), find_place(options.output)
        if options.retry_failed:
            drop_failed(target)
        done = done_inputs(target)
        inputs = list_inputs(source)
    except (OSError, ValueError) as error:  # pyarrow's errors are of these two kinds
        parser.error(" ".join(str(error).split()))
    left = [path for path in inputs if source.name(path) not in done]
    done_before = len(inputs) - len(left)
    _log.info("%s, %d of them done before", counted(len(inputs), "input"), done_before)
    if not left:
        return 0
    try:
        return _run(left, options)
    except KeyboardInterrupt:
        _log.error("interrupted; the same command goes on")
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ocr.bulk",
        description="Read the pictures and PDFs of a folder or bucket into Parquet, on a Ray cluster. "
        "The same command after an interruption goes on where it was.",
    )
    add = parser.add_argument
    add("input", metavar="INPUT", help="folder, file, or address such as s3://bucket/folder")
    add("output", metavar="OUTPUT", help="folder or address for part-….parquet")
    add("--address", help="of a Ray cluster; by default RAY_ADDRESS, else one on this machine")
    add("--workers", type=positive, metavar="N", help="tasks at a time (as the cluster has cores)")
    add("--batch", type=positive, default=PART_INPUTS, metavar="N", help="inputs in a part")
    add("--retry-failed", action="store_true", help="read inputs again that had errors")
    add_models(parser, "all three models")
    add("--no-angle", action="store_true", help="trust that pages are upright")
    add_quiet(parser)
    return parser


def _run(left: Sequence[str], options: argparse.Namespace) -> int:
    """Have Ray read what is left; returns the exit status."""
    import ray.data

    # Ray would tell its makers about every cluster it starts.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Machines that have the code elsewhere get it from: ray job submit --working-dir . -- python -m ocr.bulk …
    environment = {"env_vars": {"PYTHONPATH": str(ROOT)}}
    ray.init(
        address=options.address,
        runtime_env=environment,
        ignore_reinit_error=True,
        logging_level=logging.ERROR if options.quiet else logging.INFO,
    )
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = not options.quiet
    context.max_errored_blocks = -1  # what a part's workers die of must not stop the others
    parts = [
        {"inputs": list(left[start : start + options.batch])}
        for start in range(0, len(left), options.batch)
    ]
    work = ray.data.from_items(parts, override_num_blocks=min(len(parts), MAX_BLOCKS)).map(
        read_part,
        fn_kwargs={
            "source": options.input,
            "target": options.output,
            "models": options.models,
            "angle": not options.no_angle,
        },
        num_cpus=1,
        max_retries=MAX_RETRIES,
        concurrency=options.workers,
    )
    counts = {"inputs": 0, "pages": 0, "errors": 0}
    try:
        for row in work.iter_rows():
            for key in counts:
                counts[key] += row[key]
    finally:
        ray.shutdown()
    _log.info(
        "%s read, %s; errors: %d",
        counted(counts["inputs"], "input"),
        counted(counts["pages"], "page"),
        counts["errors"],
    )
    if counts["inputs"] < len(left):
        _log.error(
            "error: %s not done, for tasks failed or workers died (see above); "
            "the same command tries again, with --batch 1 each by itself",
            counted(len(left) - counts["inputs"], "input"),
        )
    return 1 if counts["errors"] or counts["inputs"] < len(left) else 0


def read_part(
    row: dict[str, Any], *, source: str, target: str, models: str, angle: bool
) -> dict[str, Any]:
    """Read the inputs of one part and write it; runs on a worker.

    Args:
        row: "inputs" has their paths in the source's file system.
        source: INPUT.
        target: OUTPUT.
        models: Name of all three models.
        angle: Find out how pages are turned.

    Returns:
        How many "inputs" there were, "pages" read, and "errors".
    """
    cv2.setNumThreads(1)
    place, reader = find_place(source), _reader(models)
    paths = [str(path) for path in row["inputs"]]
    rows = [page for path in paths for page in read_input(place, path, reader, angle=angle)]
    names = "\n".join(place.name(path) for path in paths)
    write_part(find_place(target), hashlib.sha256(names.encode()).hexdigest()[:24], rows)
    errors = sum(page["error"] is not None for page in rows)
    return {"inputs": len(paths), "pages": len(rows) - errors, "errors": errors}


@functools.cache
def _reader(models: str) -> ocr.Reader:
    """The worker's reader; it serves all parts that the process gets."""
    return ocr.load(models, threads=1)


def read_input(
    place: Location, path: str, reader: ocr.Reader, *, angle: bool = True
) -> Iterator[dict[str, Any]]:
    """Read one input; gives rows of `SCHEMA`, at least one.

    Args:
        place: Its file system.
        path: There.
        reader: Reads it.
        angle: Find out how pages are turned.
    """
    name = place.name(path)
    try:
        with place.local(path) as file:
            for step in read_files(reader, [str(file)], jobs=1, angle=angle):
                if not step.is_end:
                    yield _row(name, str(file), step)
    except OSError as error:
        yield _row(name, path, ReadEvent(0, error=error))


def _row(name: str, file: str, step: ReadEvent) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SCHEMA)
    page = step.page
    if page is None:
        error = step.error
        known = isinstance(error, (ocr.InputError, OSError))
        # The file's name has a column of its own.
        message = str(error).removeprefix(f"{file}: ") if known else f"internal error: {error!r}"
        return row | {"path": name, "page": step.number, "error": message}
    lines = [
        {
            "text": line.text,
            "score": line.score,
            "box": [number for corner in line.box for number in corner],
        }
        for line in page.lines
    ]
    return row | {
        "path": name,
        "page": page.page,
        "width": page.width,
        "height": page.height,
        "angle": page.angle.degrees,
        "angle_score": page.angle.score,
        "text": page.text,
        "lines": lines,
        "elapsed_ms": page.elapsed_ms.total,
    }
