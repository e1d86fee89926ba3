"""Read damaged pictures and documents of every format in a process that may die: what is no `InputError` is a defect.

python -m bench.stress.fuzz --count 20000 --seed 1 --out runs/fuzz

Case i of a seed is always the same. Each has a limit of time and memory; a case that crashes, hangs, takes more or
raises anything else is written to the folder, and `python -m bench.stress.fuzz --replay FILE ...` reads it again. Exit
status: 0 no defect, 1 some.
"""

from __future__ import annotations

import argparse
import collections
import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.stress.fuzz_seeds import seeds
from common.image import InputError, describe
from ocr.files.documents import pages

MAX_PIXELS = 4_000_000
"""Limit of pixels for the cases: it keeps them short, and shows whose memory does not follow it."""

MEMORY = 400 * 2**20
"""Address space that a case may take beyond what the process has at its start."""

TIME_S = 10.0
"""Seconds of work that a case may take; it may last ten times as long, for the machine may be busy."""

MAX_PAGES = 4

_NUMBERS = [
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    65500,
    30000,
]


def case(seed: int, number: int, originals: Sequence[bytes]) -> bytes:
    """One damaged file; the same for the same arguments."""
    rng = np.random.default_rng((seed, number))
    data = bytearray(originals[number % len(originals)])
    for _ in range(min(int(rng.geometric(0.4)), 6)):
        _damage(data, rng, originals)
    return bytes(data)


def _damage(data: bytearray, rng: np.random.Generator, originals: Sequence[bytes]) -> None:
    """Change a file in one of the ways that files break, or that someone would break them."""
    if not data:
        return
    # Half of the damage is where headers are: pixels rarely decide anything.
    reach = min(len(data), 400) if rng.random() < 0.5 else len(data)
    place = int(rng.integers(0, reach))
    length = min(int(rng.geometric(0.02)), len(data) - place)
    kind = rng.integers(0, 8)
    if kind == 0:
        data[place] ^= 1 << int(rng.integers(0, 8))
    elif kind == 1:
        data[place : place + 4] = rng.bytes(4)
    elif kind == 2:
        size = int(rng.choice([1, 2, 4]))
        value = int(rng.choice(_NUMBERS)) % (1 << 8 * size)
        data[place : place + size] = value.to_bytes(size, "big" if rng.random() < 0.5 else "little")
    elif kind == 3:
        del data[place : place + length]
    elif kind == 4:
        data[place:place] = data[place : place + length]
    elif kind == 5:
        data[place:place] = rng.bytes(length)
    elif kind == 6:
        del data[place:]
    else:
        other = originals[int(rng.integers(0, len(originals)))]
        start = int(rng.integers(0, len(other)))
        data[place : place + length] = other[start : start + length]


def outcome(content: bytes) -> str:
    """Read all a file has; how that ended: "read", "refused", or what is wrong."""
    try:
        for index, decode in pages(content, max_pixels=MAX_PIXELS):
            image = decode()
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
                return f"defect: an array of {image.dtype} {image.shape}"
            if image.shape[0] * image.shape[1] > MAX_PIXELS * 1.01:
                return f"defect: {image.shape} is above the limit"
            if index + 1 == MAX_PAGES:
                break
    except InputError as error:
        message = str(error)
        if isinstance(error.__cause__, MemoryError):
            return "defect: too much memory"
        is_line = message == describe(message) and message.startswith("<bytes>: ")
        return "refused" if is_line else f"defect: the message {message!r}"
    except Exception as error:
        return f"defect: {error!r}"
    return "read"


def _work(seed: int, first: int, count: int) -> int:
    """Read cases one after the other, telling each before it is read: the process may not live to tell after."""
    originals = seeds()
    outcome(originals[0])  # everything that is imported at first use is there
    used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    for number in range(first, first + count):
        content = case(seed, number, originals)
        print(number, flush=True)
        # Without handlers the signals end the process, in the middle of a library too.
        signal.setitimer(signal.ITIMER_PROF, TIME_S)
        signal.setitimer(signal.ITIMER_REAL, 10 * TIME_S)
        result = outcome(content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(result, flush=True)
    return 0


def run(seed: int, first: int, count: int, out: Path) -> collections.Counter[str]:
    """Read cases in child processes; how many ended how. Files of those with defects go to a folder."""
    results: collections.Counter[str] = collections.Counter()
    originals = seeds()
    number, last = first, first + count
    while number < last:
        command = [sys.executable, "-m", "bench.stress.fuzz", "--seed", str(seed)]
        command += ["--first", str(number), "--count", str(last - number), "--work"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as worker:
            assert worker.stdout is not None
            told = False
            for line in worker.stdout:
                if line.strip().isdecimal():
                    number, told = int(line), True
                    continue
                _count(results, line.strip(), seed, number, originals, out)
                number, told = number + 1, False
        if worker.returncode != 0:
            if not told:
                raise SystemExit(f"the worker failed before case {number}")
            late = (-signal.SIGALRM, -signal.SIGPROF)
            end = "too slow" if worker.returncode in late else "crash"
            result = f"defect: {end} ({worker.returncode})"
            _count(results, result, seed, number, originals, out)
            number += 1
    return results


def _count(
    results: collections.Counter[str],
    result: str,
    seed: int,
    number: int,
    originals: Sequence[bytes],
    out: Path,
) -> None:
    if result.startswith("defect"):
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{seed}-{number}.bin").write_bytes(case(seed, number, originals))
        print(f"case {number}: {result}", file=sys.stderr, flush=True)
        result = "defect"
    results[result] += 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench.stress.fuzz", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="folder for defects")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.work:
        return _work(args.seed, args.first, args.count)
    if args.replay:
        found = [outcome(path.read_bytes()) for path in args.replay]
        for path, result in zip(args.replay, found, strict=True):
            print(f"{path}: {result}")
        return int(any(result.startswith("defect") for result in found))
    begin = time.monotonic()
    results = run(args.seed, args.first, args.count, args.out)
    print(json.dumps({**results, "seconds": round(time.monotonic() - begin)}))
    return int(results["defect"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
