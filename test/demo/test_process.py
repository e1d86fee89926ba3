"""The command line as a process: pipes that close, interrupts, locales."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import PIL.Image
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.png"
    PIL.Image.new("L", (200, 120)).save(path)
    return path


def _start(
    *arguments: object, code: str = "pass", stdout: int = subprocess.PIPE
) -> subprocess.Popen[str]:
    """The command line in a process of its own, with a reader that needs no weights."""
    script = (
        "import signal, sys, time, numpy as np, demo, ocr\n"
        # A shell that runs the tests in the background has its children ignore Ctrl-C.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from common.roles import Reading\n"
        "def detect(image):\n"
        f"    {code}\n"
        "    box = [[0, 0], [9, 0], [9, 9], [0, 9]]\n"
        "    return np.array([box] * 50, np.float32), np.ones(50)\n"
        "ocr.load = lambda *a, **o: ocr.Reader(detect, lambda crops: [Reading('line ' * 400, 0.5)] * len(crops))\n"
        "sys.exit(demo.main())\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("json_too", [[], pytest.param(["--json", "-"], marks=pytest.mark.slow)])
def test_closed_stdout_pipe_exits_quietly(good: Path, json_too: list[str]) -> None:
    process = _start(*[good] * 20, "--quiet", *json_too)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def test_interrupt_is_quiet_and_keeps_results(good: Path, tmp_path: Path) -> None:
    results = tmp_path / "pages.jsonl"
    slow = "time.sleep(0.02 if image.shape[0] > 99 else 60)"
    second = tmp_path / "small.png"
    PIL.Image.new("L", (9, 9)).save(second)
    with _start(good, second, "--json", results, code=slow, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not results.exists() or not results.read_text("utf-8"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "demo.py: interrupted"
    assert json.loads(results.read_text("utf-8"))["image"] == str(good)


def test_chinese_text_is_written_in_an_ascii_locale(good: Path) -> None:
    code = (
        "import demo, ocr, numpy as np\n"
        "from common.roles import Reading\n"
        "box = np.array([[[0, 0], [9, 0], [9, 9], [0, 9]]], np.float32)\n"
        "ocr.load = lambda *a, **o: ocr.Reader(lambda i: (box, [1]), lambda c: [Reading('中文', 0.5)])\n"
        f"demo.main([{str(good)!r}, '--quiet'])\n"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True
    )
    assert (done.stdout.decode("utf-8"), done.stderr) == ("中文\n", b"")
