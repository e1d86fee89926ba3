"""Fetch the listed families, check them, and write each face as one font file."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from train.synth.fonts import npm
from train.synth.fonts.families import Family
from train.synth.fonts.merge import merge_pieces
from train.synth.fonts.pieces import choose_pieces

_SOURCE = "source.json"
_TARBALLS = "tarballs"


def is_complete(family: Family, folder: Path) -> bool:
    """Say whether the family's folder holds all faces of the listed version."""
    try:
        source = json.loads((folder / _SOURCE).read_text(encoding="utf8"))
    except (OSError, ValueError):
        return False
    return source["integrity"] == family.integrity and all(
        (folder / f).exists() for f in source["faces"]
    )


def build_family(family: Family, folder: Path, tarballs: Path) -> int:
    """Fetch one family and write its faces into `folder`, which appears when all of them are written.

    Returns:
        How many faces.

    Raises:
        FetchError: the package cannot be had, or has no usable piece.
    """
    tarball = npm.fetch_tarball(family.package, family.version, family.integrity, tarballs)
    faces = choose_pieces(npm.file_names(tarball), name=family.name, han=family.script == "han")
    if not faces:
        raise npm.FetchError(f"{family.package}@{family.version} has no woff2 pieces known to us")
    contents = npm.read_files(tarball, [piece for pieces in faces.values() for piece in pieces])
    with _appearing(folder) as partial:
        written = []
        for stem, pieces in faces.items():
            font = merge_pieces([contents[piece] for piece in pieces])
            written.append(f"{stem}.{'otf' if 'CFF ' in font else 'ttf'}")
            font.save(str(partial / written[-1]))
        source = {**dataclasses.asdict(family), "faces": written}
        (partial / _SOURCE).write_text(json.dumps(source, indent=1) + "\n", encoding="utf8")
    tarball.unlink()
    return len(written)


@contextlib.contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """Give a hidden folder that becomes `folder` when all went well, and is removed when not."""
    for left_over in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left_over)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def fetch(families: Sequence[Family], cache: Path, *, workers: int = 4) -> list[str]:
    """Build every family that is not complete; a later call goes on where this one stopped.

    Args:
        families: which.
        cache: gets a folder for each family in `train` or `held-out`, and tarballs while they are needed.
        workers: families at a time.

    Returns:
        One message for each family that failed.
    """
    folders = {family: cache / family.use / family.name for family in families}
    missing = [family for family in families if not is_complete(family, folders[family])]
    failures = []
    pool = concurrent.futures.ProcessPoolExecutor(workers, initializer=_leave_interrupts)
    tasks = {pool.submit(build_family, f, folders[f], cache / _TARBALLS): f for f in missing}
    done = concurrent.futures.as_completed(tasks)
    try:
        for task in tqdm(done, total=len(tasks), unit="family", disable=None):
            if (error := task.exception()) is not None:
                failures.append(f"{tasks[task].package}: {error}")
    finally:
        pool.shutdown(cancel_futures=True)
    return failures


def _leave_interrupts() -> None:
    """Let the main process answer Ctrl-C: what is being built is finished, what waits is dropped."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
