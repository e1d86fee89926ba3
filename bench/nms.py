"""Time non-maximum suppression: boxes against milliseconds for every implementation that is there.

    python -m bench.nms [--boxes 100,1000,12000] [--seconds 1.0] [--threshold 0.3] [--json FILE]

Two kinds of boxes: `strips` as the detector has them (16 wide, on its grid, several for each line)
and `scattered` ones of any size anywhere. Ours are numpy (the definition), Cython and CUDA; OpenCV's
and torchvision's run where they can be imported. Every answer is compared with numpy's: OpenCV
rounds boxes and breaks ties its own way, so its kept boxes may differ, which is counted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.arrays import Boxes, Scores
from ctpn import nms
from train.loop.run import write_json

Kinds = dict[str, Callable[[int, np.random.Generator], Boxes]]
LEAST_RUNS = 3


def strips(count: int, rng: np.random.Generator) -> Boxes:
    """Boxes 16 wide on the grid, five around each strip of a line, on a page that grows with them."""
    columns = 100
    strip = rng.integers(0, max(count // 5, 1), count)
    left = strip % columns * 16.0
    middle = strip // columns * 40.0 + 20 + rng.normal(0, 3, count)
    half = rng.normal(12, 2, count).clip(4)
    return np.stack([left, middle - half, left + 16, middle + half], 1).astype(np.float32)


def scattered(count: int, rng: np.random.Generator) -> Boxes:
    """Boxes of 8 to 200 pixels on a page of 2000."""
    corner = rng.uniform(0, 2000, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(8, 200, (count, 2))], 1).astype(np.float32)


KINDS: Kinds = {"strips": strips, "scattered": scattered}


def opencv() -> nms.Suppress:
    """Return OpenCV's, which takes corner and size."""
    import cv2

    def suppress(boxes: Boxes, scores: Scores, threshold: float) -> NDArray[np.intp]:
        sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
        kept = cv2.dnn.NMSBoxes(sizes, scores, 0.0, threshold)
        return np.asarray(kept, np.intp).reshape(-1)

    return suppress


def torchvision() -> nms.Suppress:
    """Return torchvision's on the CPU."""
    import torch
    from torchvision.ops import nms as suppress_tensors

    def suppress(boxes: Boxes, scores: Scores, threshold: float) -> NDArray[np.intp]:
        kept = suppress_tensors(torch.from_numpy(boxes), torch.from_numpy(scores), threshold)
        return np.asarray(kept.numpy(), np.intp)

    return suppress


def candidates() -> dict[str, nms.Suppress]:
    """Return what can run here; what cannot is said on stderr with the reason."""
    makers: dict[str, Callable[[], nms.Suppress]] = {
        "numpy": lambda: nms.implementation("numpy"),
        "cython": lambda: nms.implementation("cython"),
        "cuda": lambda: nms.implementation("cuda"),
        "opencv": opencv,
        "torchvision": torchvision,
    }
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except (ImportError, ValueError, AttributeError) as error:
            print(f"{name} left out: {error}", file=sys.stderr)
    return found


def milliseconds(
    suppress: nms.Suppress, boxes: Boxes, scores: Scores, threshold: float, seconds: float
) -> float:
    """Return the median over as many runs as fit into `seconds`, at least three after a warm-up."""
    suppress(boxes, scores, threshold)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < LEAST_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        suppress(boxes, scores, threshold)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1000


def measure(
    counts: Sequence[int], threshold: float, seconds: float
) -> list[dict[str, float | int | str]]:
    """Return one row for each kind, count and implementation."""
    runs = candidates()
    rows: list[dict[str, float | int | str]] = []
    for kind, make in KINDS.items():
        for count in counts:
            rng = np.random.default_rng(count)
            boxes, scores = make(count, rng), rng.uniform(0, 1, count).astype(np.float32)
            truth = set(runs["numpy"](boxes, scores, threshold).tolist())
            for name, suppress in runs.items():
                kept = set(suppress(boxes, scores, threshold).tolist())
                rows.append(
                    {
                        "kind": kind,
                        "boxes": count,
                        "implementation": name,
                        "ms": milliseconds(suppress, boxes, scores, threshold, seconds),
                        "kept": len(kept),
                        "unlike_numpy": len(kept ^ truth),
                    }
                )
    return rows


def table(rows: Sequence[dict[str, float | int | str]]) -> str:
    """Return the rows as Markdown: boxes down, implementations across, milliseconds inside."""
    names = list(dict.fromkeys(str(row["implementation"]) for row in rows))
    lines = ["| boxes | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for kind, count in dict.fromkeys((row["kind"], row["boxes"]) for row in rows):
        cells = []
        for name in names:
            row = next(
                r
                for r in rows
                if (r["kind"], r["boxes"], r["implementation"]) == (kind, count, name)
            )
            unlike = f" ({row['unlike_numpy']} differ)" if row["unlike_numpy"] else ""
            cells.append(f"{row['ms']:.3g}{unlike}")
        lines.append(f"| {count} {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boxes", default="100,1000,5000,12000", help="counts, with commas")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--threshold", type=float, default=0.3)
    parser.add_argument("--json", type=Path, help="write the rows there too")
    args = parser.parse_args()
    try:
        counts = [int(text) for text in args.boxes.split(",")]
    except ValueError:
        parser.error(f"--boxes is {args.boxes!r}, expected numbers with commas, as in 100,1000")
    rows = measure(counts, args.threshold, args.seconds)
    print(table(rows))
    if args.json:
        write_json(args.json, rows)


if __name__ == "__main__":
    main()
