"""The service as a process: starts, bears a load, finishes what it has accepted when it is stopped."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

pytest.importorskip("fastapi", reason="requirements-web.txt is not installed")
pytest.importorskip("httpx2", reason="requirements-dev.txt is not installed")

import httpx2

from bench.stress.load import load
from ocr.web.__main__ import main

ROOT = Path(__file__).resolve().parents[3]
# A reader that needs no weights: every page takes a while, and says how wide it is.
CODE = """
import sys, time, numpy as np, ocr
from ocr.web.__main__ import main
from common.roles import Reading
def detect(image):
    time.sleep({seconds})
    box = [[0, 0], [image.shape[1], 0], [image.shape[1], 9], [0, 9]]
    return np.array([box], np.float32), np.ones(1)
ocr.load = lambda *a, **o: ocr.Reader(detect, lambda crops: [Reading(str(c.shape[1]), 0.5) for c in crops])
sys.exit(main(["--port", "{port}", "--workers", "2", "--queue", "{queue}"]))
"""


class Process:
    """A service of a slow reader in a process of its own."""

    def __init__(self, seconds: float, queue: int) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        code = CODE.format(seconds=seconds, port=port, queue=queue)
        self.url = f"http://127.0.0.1:{port}"
        self.popen = subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONWARNINGS": ""},
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx2.get(f"{self.url}/healthz")
                return
            except httpx2.TransportError:
                assert self.popen.poll() is None, self.popen.stderr
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def stop(self) -> str:
        self.popen.send_signal(signal.SIGTERM)
        _, err = self.popen.communicate(timeout=60)
        return err


@pytest.fixture
def start() -> Iterator[Any]:
    started: list[Process] = []

    def run(seconds: float, queue: int) -> Process:
        started.append(Process(seconds, queue))
        return started[-1]

    yield run
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.communicate()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = []
    for width in (100, 200, 300):
        paths.append(tmp_path / f"{width}.png")
        PIL.Image.new("L", (width, 40), 255).save(paths[-1])
    return paths


@pytest.mark.slow
def test_nothing_is_lost_under_load(start: Any, pictures: list[Path]) -> None:
    process = start(0.02, 4)
    counts, elapsed_s = asyncio.run(load(process.url, pictures, clients=20, seconds=2))
    figures = counts.summary(elapsed_s)
    assert counts.problems == set()
    assert (figures["lost"], figures["failed"], figures["wrong"]) == (0, 0, 0)
    assert counts.refused > 0  # 20 clients do not fit 2 workers and a queue of 4
    assert len(counts.seconds) > 10  # of some 150 on an idle machine
    assert process.stop().count("\n") == 1  # the line that says where it is


@pytest.mark.slow
def test_stop_finishes_what_was_accepted(start: Any, pictures: list[Path]) -> None:
    process = start(0.4, 10)
    content = pictures[0].read_bytes()
    answers: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(
                httpx2.post(f"{process.url}/ocr?format=txt", content=content, timeout=60)
            )
        )
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while True:  # until all six are answered, read, or wait
        answered = len(answers)
        counts = re.findall(
            r"^ocr_(?:queue_waiting|workers_busy) (\d)",
            httpx2.get(f"{process.url}/metrics").text,
            re.MULTILINE,
        )
        if answered + sum(map(int, counts)) >= 6:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    err = process.stop()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [200] * 6
    # The crop's width with its margin; a line this low is cut out twice as large.
    assert {answer.text for answer in answers} == {"203\n"}
    assert "Traceback" not in err
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{process.url}/healthz")


@pytest.mark.slow
def test_large_bodies_and_slow_senders_do_not_block_the_service(
    start: Any, pictures: list[Path]
) -> None:
    process = start(0, 1)
    port = int(process.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
        # The refusal arrives although its sender goes on sending.
        answer = httpx2.post(f"{process.url}/ocr", content=b"\0" * (40 * 2**20), timeout=60)
        assert answer.status_code == 413
        for path in pictures:  # and a sender that has stopped takes no worker
            answer = httpx2.post(f"{process.url}/ocr", content=path.read_bytes(), timeout=60)
            assert answer.status_code == 200
    assert (
        process.stop().count("\n") == 1
    )  # a sender that leaves half-way is no defect to be logged


@pytest.mark.parametrize(
    "arguments", [["--workers", "0"], ["--models", "nothing"], ["--max-pages", "x"], ["here"]]
)
def test_wrong_arguments_exit_with_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[-1] in capsys.readouterr().err
