"""Importing, loading and reading use no network and write nothing outside the outputs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIGN = ROOT / "test" / "data" / "sign.png"

# Raised where Python opens a socket, resolves a name or opens a file to write.
GUARD = """
import sys
def guard(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.")) and event != "socket.gethostname":
        raise SystemExit(f"network: {event} {arguments}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        if str(arguments[0]) != "/dev/null":
            raise SystemExit(f"writes: {arguments}")
sys.addaudithook(guard)
"""


def _run(code: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    home.mkdir(exist_ok=True)
    own = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(home)}
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("ORT_", "CI", "OCR_"))
    }
    return subprocess.run(
        [sys.executable, "-B", "-c", GUARD + code],
        cwd=ROOT,
        env={**clean, **own, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_guard_notices_sockets_and_writes(tmp_path: Path) -> None:
    for code, word in (
        ("import socket; socket.socket()", "network"),
        ("import socket; socket.getaddrinfo('127.0.0.1', 1)", "network"),
        (f"open({str(tmp_path / 'a')!r}, 'w')", "writes"),
    ):
        done = _run(code, tmp_path / "home")
        assert done.returncode == 1 and done.stderr.startswith(word)


@pytest.mark.parametrize("offline", ["0", pytest.param("1", marks=pytest.mark.slow)])
def test_reading_uses_no_network_and_writes_nothing(tmp_path: Path, offline: str) -> None:
    """Nor does ONNX Runtime, whose packages upload what is run, from a thread that no hook of Python's sees.

    There is no such thread, no socket and no database then, and ours is the only way to it; Linux alone can tell.
    """
    done = _run(
        "import os, ocr\n"
        "def own(what): return os.listdir(f'/proc/self/{what}') if os.path.isdir('/proc/self/fd') else []\n"
        "def threads(): return len(own('task'))\n"
        "import numpy, cv2\n"
        "before = threads()\n"
        "from ocr.onnx_runtime import import_onnxruntime\n"
        "import_onnxruntime()\n"
        "assert threads() == before, 'a thread was started'\n"
        f"page = ocr.load(threads=1).read({str(SIGN)!r})\n"
        "links = [f'/proc/self/fd/{number}' for number in own('fd')]\n"
        "files = [os.readlink(link) for link in links if os.path.lexists(link)]\n"
        "assert not [name for name in files if 'socket' in name or '.db' in name], files\n"
        "print(len(page.lines))\n",
        tmp_path / "home",
        OCR_OFFLINE=offline,
        ORT_DISABLE_TELEMETRY="0",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 0
    assert list((tmp_path / "home").rglob("*")) == []
