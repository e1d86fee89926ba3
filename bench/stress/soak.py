"""Read mixed pages one after the other with one reader: does the process's memory stop growing?

python -m bench.stress.soak --pages 2000

Sizes, directions, kinds of source, options and damaged files change from page to page and come round again every 200
pages at the latest, so whatever a page can need is needed among the first 200. Exit status: 0 the resident memory
after them stays within 5 % of what it was at most until then, 1 it grew more.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

import ocr
from common.arrays import Image
from common.image import load

DATA = Path(__file__).resolve().parents[2] / "test" / "data"
ROUND = 200
GROWTH = 0.05


def sources(side: int, count: int = ROUND) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A round of sources and the options to read them with, the same each time.

    Args:
        side: Long side of the largest pictures in pixels.
        count: Sources of a round.
    """
    rng = np.random.default_rng(1)
    originals = [load(DATA / f"{name}.png") for name in ("page", "receipt", "sign")]
    for number in range(count):
        image = _sized(originals[number % 3], rng, side)
        image = np.ascontiguousarray(np.rot90(image, number % 4))
        options = {"angle": number % 3 > 0, "single_line": number % 10 == 0}
        yield _as_source(image, number), options


def _sized(image: Image, rng: np.random.Generator, side: int) -> Image:
    """Part of a picture, or the picture repeated, of a size that is drawn: most small, some long, few large."""
    height, width = (int(value) for value in np.exp(rng.uniform(np.log(24), np.log(side), 2)))
    down, across = -(-height // image.shape[0]), -(-width // image.shape[1])
    return np.tile(image, (down, across, 1))[:height, :width]


def _as_source(image: Image, number: int) -> Any:
    """The picture as what a caller may have: an array, a Pillow image, or a file's bytes, now and then damaged."""
    if number % 5 == 0:
        return image
    picture = PIL.Image.fromarray(image)
    if number % 5 == 1:
        return picture
    stream = io.BytesIO()
    picture.save(stream, ("JPEG", "PNG", "TIFF")[number % 3])
    content = stream.getvalue()
    return content[: len(content) // 2] if number % 25 == 2 else content


def resident() -> int:
    """Bytes of this process that are in memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096


def soak(reader: ocr.Reader, pages: int, side: int, count: int = ROUND) -> dict[str, Any]:
    """Read pages; tell how much memory there was up to the end of the first round and after it."""
    sizes: list[int] = []
    refused = lines = 0
    begin = time.monotonic()
    while len(sizes) < pages:
        for source, options in sources(side, count):
            try:
                lines += len(reader.read(source, **options).lines)
            except ocr.InputError:
                refused += 1
            sizes.append(resident())
            if len(sizes) == pages:
                break
            if len(sizes) % 100 == 0:
                print(f"{len(sizes)} pages: {sizes[-1] >> 20} MiB", flush=True)
    first, later = max(sizes[:count]), max(sizes[count:], default=0)
    return {
        "pages": pages,
        "refused": refused,
        "lines": lines,
        "seconds": round(time.monotonic() - begin),
        "most in the first round, MiB": first >> 20,
        "most after it, MiB": later >> 20,
        "growth": round(later / first - 1, 4),
        "middle and most of each round, MiB": [
            [int(np.median(part)) >> 20, max(part) >> 20]
            for part in (sizes[start : start + count] for start in range(0, len(sizes), count))
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench.stress.soak", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--round", type=int, default=ROUND, help=f"pages of a round ({ROUND})")
    parser.add_argument("--side", type=int, default=1600, help="largest pictures in pixels (1600)")
    parser.add_argument("--threads", type=int, help="threads to work with (all cores)")
    args = parser.parse_args(arguments)
    result = soak(ocr.load(threads=args.threads), args.pages, args.side, args.round)
    print(json.dumps(result))
    return int(result["growth"] > GROWTH)


if __name__ == "__main__":
    raise SystemExit(main())
