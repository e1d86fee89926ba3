"""Load a service with many clients at once: throughput, times, memory, and whether anything was lost.

    python -m bench.stress.load --start [--workers N] [--clients 50] [--seconds 300] [--json FILE] [PICTURE ...]
    python -m bench.stress.load --url http://127.0.0.1:8000 ...

Each client sends one picture after the other, and waits as told where it is answered with 429. Every
answer is compared with what the same picture gave before the load. Exit status 1: a request had no
answer (lost), one with a status other than 200 and 429 (failed), or another text (wrong).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

_LOG = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[2]
_MIB = 2**20
_MAX_WAIT_S = 240.0  # above all limits of the service: what takes longer is lost
_START_S = 60.0
_MEMORY = re.compile(r"^process_resident_memory_bytes (\S+)$", re.MULTILINE)


@dataclass
class LoadCounts:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    failed: int = 0
    lost: int = 0
    wrong: int = 0
    health_seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    problems: set[str] = field(default_factory=set)

    def summary(self, elapsed_s: float) -> dict[str, float | int | None]:
        """Return the figures; None where nothing was measured."""
        return {
            "answers": len(self.seconds),
            "refused_429": self.refused,
            "lost": self.lost,
            "failed": self.failed,
            "wrong": self.wrong,
            "elapsed_s": round(elapsed_s, 1),
            "answers_per_s": round(len(self.seconds) / elapsed_s, 2),
            "p50_s": _percentile(self.seconds, 50),
            "p99_s": _percentile(self.seconds, 99),
            "max_s": _percentile(self.seconds, 100),
            "healthz_p99_s": _percentile(self.health_seconds, 99),
            "memory_start_mib": round(self.memory[0] / _MIB) if self.memory else None,
            "memory_peak_mib": round(max(self.memory) / _MIB) if self.memory else None,
            "memory_end_mib": round(self.memory[-1] / _MIB) if self.memory else None,
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, format="%(name)s: %(message)s", level=logging.WARNING)
    pictures = options.pictures or sorted((_ROOT / "test/data").glob("*.png"))
    with contextlib.ExitStack() as stack:
        url = options.url or stack.enter_context(start_service(options.workers))
        counts, elapsed_s = asyncio.run(load(url, pictures, options.clients, options.seconds))
    figures = counts.summary(elapsed_s)
    for name, value in figures.items():
        print(f"{name:18} {value}")
    for problem in sorted(counts.problems)[:10]:
        _LOG.warning("%s", problem)
    if options.json:
        options.json.write_text(json.dumps(figures) + "\n", "utf-8")
    return 1 if counts.lost or counts.failed or counts.wrong or not counts.seconds else 0


@contextlib.contextmanager
def start_service(workers: int | None, *more: str) -> Iterator[str]:
    """Run a service of this tree on a free port while inside; gives its URL.

    Raises:
        RuntimeError: It did not start, or did not stop as it should.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "ocr.web", "--port", str(port), *more]
    command += ["--workers", str(workers)] if workers else []
    with subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(url, process)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(_MAX_WAIT_S)
    if status not in (0, -signal.SIGTERM):
        raise RuntimeError(f"the service ended with status {status}, expected 0")


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the service ended at once, with status {process.returncode}")
        with contextlib.suppress(httpx2.TransportError):
            httpx2.get(f"{url}/healthz")
            return
        time.sleep(0.1)
    raise RuntimeError(f"the service did not answer within {_START_S:g} s")


async def load(
    url: str, pictures: Sequence[Path], clients: int, seconds: float
) -> tuple[LoadCounts, float]:
    """Load a service for some seconds, and wait for the answers that are still due then.

    Returns:
        What was seen, and the seconds it took.
    """
    counts = LoadCounts()
    contents = [path.read_bytes() for path in pictures]
    unlimited = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(base_url=url, timeout=_MAX_WAIT_S, limits=unlimited) as client:
        expected = [_text((await client.post("/ocr", content=each)).json()) for each in contents]
        start = time.monotonic()
        watcher = asyncio.create_task(_watch(client, counts))
        await asyncio.gather(
            *(
                _send(client, contents, expected, counts, first, start + seconds)
                for first in range(clients)
            )
        )
        elapsed_s = time.monotonic() - start
        watcher.cancel()
        await _measure(client, counts)
    return counts, elapsed_s


async def _send(
    client: httpx2.AsyncClient,
    contents: Sequence[bytes],
    expected: Sequence[str],
    counts: LoadCounts,
    index: int,
    deadline: float,
) -> None:
    """One client: sends until the deadline, and counts every answer."""
    while time.monotonic() < deadline:
        index = (index + 1) % len(contents)
        start = time.monotonic()
        try:
            answer = await client.post("/ocr", content=contents[index])
        except httpx2.TransportError as error:
            counts.lost += 1
            counts.problems.add(f"lost: {error!r}")
            continue
        if answer.status_code == 429:
            counts.refused += 1
            wait_s = min(float(answer.headers["retry-after"]), deadline - time.monotonic())
            await asyncio.sleep(max(0.0, wait_s))
        elif answer.status_code != 200:
            counts.failed += 1
            counts.problems.add(f"status {answer.status_code}: {answer.text[:200]}")
        else:
            counts.seconds.append(time.monotonic() - start)
            if _text(answer.json()) != expected[index]:
                counts.wrong += 1
                counts.problems.add(f"picture {index}: another text than before the load")


async def _watch(client: httpx2.AsyncClient, counts: LoadCounts) -> None:
    while True:
        await _measure(client, counts)
        await asyncio.sleep(0.5)


async def _measure(client: httpx2.AsyncClient, counts: LoadCounts) -> None:
    """How soon the service answers what needs no worker, and its memory."""
    start = time.monotonic()
    await client.get("/healthz")
    counts.health_seconds.append(time.monotonic() - start)
    found = _MEMORY.search((await client.get("/metrics")).text)
    if found:  # not on every system
        counts.memory.append(float(found[1]))


def _text(answer: dict[str, Any]) -> str:
    return "\n".join(line["text"] for page in answer["pages"] for line in page["lines"])


def _percentile(values: Sequence[float], share: float) -> float | None:
    return round(float(np.percentile(values, share)), 3) if values else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.stress.load", description="Load a service with many clients at once."
    )
    add = parser.add_argument
    add("pictures", nargs="*", type=Path, metavar="PICTURE", help="what to send (test/data/*.png)")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="of a running service")
    where.add_argument("--start", action="store_true", help="start one, and stop it at the end")
    add("--workers", type=int, metavar="N", help="with --start: its workers (all cores)")
    add("--clients", type=int, default=50, metavar="N")
    add("--seconds", type=float, default=300.0, metavar="S")
    add("--json", type=Path, metavar="FILE", help="write the figures to a file too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
