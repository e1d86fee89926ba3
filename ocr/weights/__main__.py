"""List, verify, fetch and find the weight files: `python -m ocr.weights list|verify|fetch|path`.

Exit status: 0 all is well, 1 a file is missing, damaged or cannot be fetched, 2 bad usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ocr.weights import (
    CACHE_VARIABLE,
    WEIGHTS,
    ModelRow,
    WeightsError,
    cache_folder,
    find,
    locate,
    models,
    read,
)
from ocr.weights.fetch import MIRROR_VARIABLE, OFFLINE_VARIABLE, Progress, fetch


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        if options.command == "path":
            return _path(options.task, options.name, parser.error)
        rows = _selected(models(WEIGHTS), options.names, parser.error)
        run: Callable[[ModelRow], bool] = {"list": _list, "verify": _verify, "fetch": _fetch}[
            options.command
        ]
        failures = sum(not run(row) for row in rows)
        return 1 if failures else 0
    except WeightsError as error:
        return _fail(error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m ocr.weights",
        description="List, verify, fetch and find the weight files.",
        epilog=f"Environment: {CACHE_VARIABLE} (folder for fetched files), {MIRROR_VARIABLE} (address that has all "
        f"files, https://…), {OFFLINE_VARIABLE}=1 (never use the network). Exit status: 0 all is well, 1 a file is "
        "missing, damaged or cannot be fetched, 2 bad usage.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("list", "the models of the manifest and where their files are"),
        ("verify", "compare every file with its SHA-256"),
        ("fetch", "fetch what is missing into the cache folder"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("names", nargs="*", metavar="NAME", help="model names (all)")
    command = commands.add_parser(
        "path", help="print where a model's checked file is, or the cache folder"
    )
    command.add_argument("task", nargs="?", metavar="TASK", help="angle, detector, recognizer, …")
    command.add_argument(
        "name", nargs="?", default="small", metavar="NAME", help="model name (small)"
    )
    return parser


def _selected(
    rows: list[ModelRow], names: Sequence[str], usage_error: Callable[[str], object]
) -> list[ModelRow]:
    known = {row.name for row in rows}
    for name in names:
        if name not in known:
            usage_error(f"no model is named {name!r}; there are: {', '.join(sorted(known))}")
    return [row for row in rows if not names or row.name in names]


def _list(row: ModelRow) -> bool:
    try:
        where = str(locate(row, WEIGHTS))
    except WeightsError:
        where = "missing"
    print(f"{row.task:12}{row.name:20}{row.size:>12,}  {row.sha256[:12]}  {where}")
    return True


def _verify(row: ModelRow) -> bool:
    try:
        path, _ = read(row, WEIGHTS)
    except WeightsError as error:
        return not _fail(error)
    print(f"ok  {path}")
    return True


def _fetch(row: ModelRow) -> bool:
    try:
        path = _present(row) or fetch(row, progress=_meter(row.file))
    except WeightsError as error:
        return not _fail(error)
    print(f"ok  {path}")
    return True


def _present(row: ModelRow) -> Path | None:
    """A good file that is there already; what is damaged in the cache is fetched anew."""
    try:
        return read(row, WEIGHTS)[0]
    except WeightsError:
        if (WEIGHTS / row.file).is_file():
            raise  # a fetched copy would not be looked at
        return None


def _path(task: str | None, name: str, usage_error: Callable[[str], object]) -> int:
    if task is None:
        print(cache_folder())
        return 0
    tasks = sorted({row.task for row in models(WEIGHTS)})
    if task not in tasks:
        usage_error(f"no model has the task {task!r}; tasks are: {', '.join(tasks)}")
    try:
        row = find(name, task, WEIGHTS)
    except ValueError as error:
        usage_error(str(error))
        return 2
    print(read(row, WEIGHTS)[0])
    return 0


def _meter(file: str) -> Progress | None:
    """Progress in one line on a terminal; silence in a log."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        end = "\n" if done == total else ""
        share = f"{done / total:4.0%}" if total else "    "
        print(f"\r{file}: {share} {done / 1e6:.1f} MB", end=end, file=sys.stderr, flush=True)

    return show


def _fail(error: WeightsError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
