"""Read with one reader on many threads: the result is what one thread reads, byte for byte.

    python -m bench.stress.threads [--threads 8] [--pages 40] [--seed 5]

Cuttings of the example pages of many sizes and directions, given as arrays, bytes, pictures, paths and
pictures that are not decoded yet, with options that differ from call to call, and inputs that are
refused. Each thread reads all of them in an order of its own. Exit status 1: a thread read something
else, which is said.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL.Image

import ocr
from common.arrays import Image
from common.image import load

_DATA = Path(__file__).resolve().parents[2] / "test" / "data"


class Job(NamedTuple):
    """A source and the options it is read with."""

    source: Any
    options: dict[str, Any]


class Outcome(NamedTuple):
    """What one thread read, and what others read otherwise: (thread, job) in the order it was seen."""

    alone: list[str]
    different: list[tuple[int, int]]


def result(reader: ocr.Reader, source: Any, options: dict[str, Any]) -> str:
    """Return a page as JSON but for the time it took, or the error's message."""
    try:
        content = json.loads(reader.read(source, **options).to_json())
    except ocr.InputError as error:
        return str(error)
    del content["elapsed_ms"]
    return json.dumps(content, ensure_ascii=False)


def cuttings(count: int, seed: int = 5) -> list[Image]:
    """Cut parts with something on them out of the example pages, each turned by a multiple of 90."""
    rng = np.random.default_rng(seed)
    originals = [load(_DATA / f"{name}.png") for name in ("page", "receipt", "sign")]
    found = []
    for number in range(count):
        image = originals[number % len(originals)]
        height, width = rng.integers(30, 130), rng.integers(60, 230)
        for _ in range(50):
            top = int(rng.integers(0, image.shape[0] - height))
            left = int(rng.integers(0, image.shape[1] - width))
            part = image[top : top + height, left : left + width]
            if part.std() > 40:
                break
        found.append(np.ascontiguousarray(np.rot90(part, number % 4)))
    return found


def jobs(folder: Path, count: int, seed: int = 5) -> list[Job]:
    """Make the cuttings sources of five kinds, with files in a folder; two more are refused."""
    made = []
    for number, image in enumerate(cuttings(count, seed)):
        picture, stream = PIL.Image.fromarray(image), io.BytesIO()
        picture.save(stream, "PNG")
        path = folder / f"{number}.png"
        path.write_bytes(stream.getvalue())
        lazy = PIL.Image.open(io.BytesIO(stream.getvalue()))  # decoded when it is read
        source = [image, stream.getvalue(), picture, path, lazy][number % 5]
        made.append(Job(source, {"angle": number % 2 == 0, "single_line": number % 3 == 0}))
    return [*made, Job(b"no picture", {}), Job(cuttings(1, seed)[0], {"max_pixels": 1000})]


def compare(
    reader: ocr.Reader, folder: Path, *, threads: int, count: int, seed: int = 5
) -> Outcome:
    """Read everything in one thread, then all of it in each of several at once."""
    alone = [result(reader, *job) for job in jobs(folder, count, seed)]
    again = jobs(folder, count, seed)  # lazy pictures anew, which the threads then share
    different: list[tuple[int, int]] = []

    def work(thread: int) -> None:
        for index in np.random.default_rng(thread).permutation(len(again)).tolist():
            try:
                same = result(reader, *again[index]) == alone[index]
            except Exception as error:
                same = False
                print(f"thread {thread}, job {index}: {error!r}", file=sys.stderr)
            if not same:
                different.append((thread, index))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return Outcome(alone, different)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench.stress.threads", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        alone, different = compare(
            ocr.load(threads=2),
            Path(folder),
            threads=args.threads,
            count=args.pages,
            seed=args.seed,
        )
    for thread, index in different:
        print(f"thread {thread} read job {index} otherwise than {alone[index]}")
    lines = sum('"lines": [{' in text for text in alone)
    print(f"{len(alone)} jobs, {lines} with lines, {args.threads} threads: {len(different)} differ")
    return int(bool(different))


if __name__ == "__main__":
    raise SystemExit(main())
