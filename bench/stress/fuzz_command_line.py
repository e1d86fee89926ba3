"""Run command lines over damaged inputs, odd names and failing file systems: nothing is lost, replaced or misreported.

python -m bench.stress.fuzz_command_line --count 20000 --seed 1 --out runs/fuzz-commands

Case i of a seed is always the same. Each is run by `demo.main` in this process with a reader that is quick and knows no
text; then, where something failed, again with --resume once it has been mended. What must hold:

- the exit status is 0, 1, 2, 130 or 141; there is no traceback, and an error line wherever the status is not 0;
- every file that was there is as it was, unless an earlier run of ours wrote it or --overwrite was given;
- every output is whole, or not there; no partial file stays;
- whole pictures are read, with all outputs that were asked for, in the end.

Defects go to a folder, a line of JSON each; a run that was stopped goes on from its last hundred. Exit status: 0 no
defect, 1 some. Full and read-only disks need root on Linux; elsewhere those cases are run without a failure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.stress.fuzz_commands import make
from bench.stress.fuzz_oracle import Runner
from bench.stress.fuzz_seeds import seeds

CHUNK = 100
TIME_S = 20.0
"""Seconds of work that a case may take."""

DISK = 400 * 1024


@contextlib.contextmanager
def disks(root: Path) -> Iterator[dict[str, Path | None]]:
    """Mount a small disk and a read-only one; None for each where that is not allowed."""
    mounted: dict[str, Path | None] = {"full disk": None, "read-only disk": None}
    try:
        for name in mounted:
            folder = root / name.replace(" ", "-")
            folder.mkdir()
            mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
            if os.geteuid() == 0 and not subprocess.run(mount, capture_output=True).returncode:
                mounted[name] = folder
        yield mounted
    finally:
        for folder in filter(None, mounted.values()):
            subprocess.run(["umount", "-l", str(folder)], capture_output=True)


def work(seed: int, first: int, count: int) -> int:
    """Run cases one after the other; the number and the result of each goes to standard output."""
    told = os.fdopen(os.dup(1), "w", buffering=1)
    originals = seeds()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        disks(Path(folder)) as mounted,
    ):
        runner = Runner(Path(folder), mounted)
        for number in range(first, first + count):
            print(number, file=told)
            signal.setitimer(signal.ITIMER_PROF, TIME_S)
            found = runner.run(make(seed, number, originals))
            signal.setitimer(signal.ITIMER_PROF, 0)
            print(json.dumps(found), file=told)
    return 0


def run(seed: int, first: int, count: int, out: Path) -> int:
    """Run cases in child processes, going on with what an earlier run left; returns how many have defects."""
    out.mkdir(parents=True, exist_ok=True)
    state = out / f"seed-{seed}.json"
    done = json.loads(state.read_text("utf-8")) if state.exists() else {"next": first, "defects": 0}
    number, last = max(first, int(done["next"])), first + count
    while number < last:
        size = min(CHUNK, last - number)
        command = [sys.executable, "-m", "bench.stress.fuzz_command_line", "--work"]
        command += ["--seed", str(seed), "--first", str(number), "--count", str(size)]
        results: dict[int, list[str]] = {}
        worker = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        current = number
        for line in worker.stdout.splitlines():
            if line.isdecimal():
                current = int(line)
                results[current] = [f"the process ended ({worker.returncode})"]
            else:
                results[current] = json.loads(line)
        if not results:
            raise SystemExit(f"the worker failed before case {number}")
        for case, found in results.items():
            if found:
                done["defects"] += 1
                with (out / "defects.jsonl").open("a", encoding="utf-8") as log:
                    log.write(json.dumps({"seed": seed, "case": case, "found": found}) + "\n")
        number = max(results) + 1
        done["next"] = number
        state.write_text(json.dumps(done), "utf-8")
    return int(done["defects"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        "python -m bench.stress.fuzz_command_line", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz-commands"))
    parser.add_argument("--show", type=int, metavar="CASE", help="run one and say what it is")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.work:
        return work(args.seed, args.first, args.count)
    if args.show is not None:
        case = make(args.seed, args.show, seeds())
        print([each.name for each in case.inputs], case.paths, case.options, sep="\n")
        print(case.failure, case.amount, case.foreign)
        return work(args.seed, args.show, 1)
    begin = time.monotonic()
    defects = run(args.seed, args.first, args.count, args.out)
    print(json.dumps({"defects": defects, "seconds": round(time.monotonic() - begin)}))
    return int(defects > 0)


if __name__ == "__main__":
    raise SystemExit(main())
