"""Fetching weights from a server of this machine that cuts, lies, stalls and serves wrong bytes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from ocr import weights
from ocr.weights import ModelRow, WeightsError, __main__, cache_folder, cached_path, fetch

ROOT = Path(__file__).resolve().parents[2]
CONTENT = np.random.default_rng(3).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()

Answer = Callable[[BaseHTTPRequestHandler, int], None]


def _send(
    handler: BaseHTTPRequestHandler,
    start: int,
    content: bytes = CONTENT,
    *,
    length: int | None = None,
    stop: int | None = None,
) -> None:
    """Answer with the content from a byte on; `length` is what is announced, `stop` where the body ends."""
    part = content[start:stop]
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    handler.send_header("Content-Length", str(len(content) - start if length is None else length))
    handler.end_headers()
    handler.wfile.write(part)


class Server:
    """Gives one answer of a list for each request, the last one ever after; keeps the ranges asked for."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [_send]
        self.starts: list[int] = []
        self.paths: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range", "bytes=0-")
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                number = min(len(outer.starts), len(outer.answers) - 1)
                outer.starts.append(start)
                outer.paths.append(self.path)
                outer.answers[number](self, start)

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                pass  # a client that leaves is what some of the tests want

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self) -> Server:
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_WEIGHTS_CACHE", str(tmp_path / "cache"))
    for name in ("OCR_WEIGHTS_MIRROR", "OCR_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


def _row(url: str = "", **changes: object) -> ModelRow:
    row = ModelRow("big", "detector", "ctpn", "big.onnx", SHA256, len(CONTENT), url)
    return row._replace(**changes)


def _fetch(row: ModelRow, **options: object) -> Path:
    return fetch.fetch(row, **{"timeout_s": 5.0, **options})  # type: ignore[arg-type]


def _left(row: ModelRow) -> list[str]:
    """Names of the files in the folder of a fetched one, but for the lock."""
    names = (path.name for path in cached_path(row).parent.glob("*"))
    return sorted(name for name in names if not name.endswith(".lock"))


def test_a_whole_file_comes_and_is_not_fetched_twice(server: Server) -> None:
    row = _row(server.url + "/some/big.onnx")
    seen: list[tuple[int, int]] = []
    path = _fetch(row, progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert _left(row) == ["big.onnx"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert _fetch(row) == path
    assert server.paths == ["/some/big.onnx"]


def test_a_cut_connection_is_taken_up_where_it_broke(server: Server) -> None:
    cuts = (100_000, 100_001, 250_000)
    server.answers = [lambda h, start, cut=cut: _send(h, start, stop=cut) for cut in cuts]
    server.answers.append(_send)
    for cut in cuts:
        with pytest.raises(WeightsError, match=f"ended after {cut} of 300000 bytes.*fetch again"):
            _fetch(_row(server.url))
        assert _left(_row()) == ["big.onnx.part"]
    assert _fetch(_row(server.url)).read_bytes() == CONTENT
    assert server.starts == [0, *cuts]
    assert _left(_row()) == ["big.onnx"]


def test_a_server_that_cannot_resume_starts_anew(server: Server) -> None:
    server.answers = [lambda h, start: _send(h, 0, stop=50_000), lambda h, start: _send(h, 0)]
    with pytest.raises(WeightsError):
        _fetch(_row(server.url))
    assert _fetch(_row(server.url)).read_bytes() == CONTENT


def test_a_range_that_was_not_asked_for_is_not_mixed_in(server: Server) -> None:
    def shifted(handler: BaseHTTPRequestHandler, start: int) -> None:
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start + 5}-299999/300000")
        handler.send_header("Content-Length", str(len(CONTENT) - start - 5))
        handler.end_headers()
        handler.wfile.write(CONTENT[start + 5 :])

    server.answers = [lambda h, start: _send(h, start, stop=50_000), shifted, _send]
    with pytest.raises(WeightsError):
        _fetch(_row(server.url))
    assert _fetch(_row(server.url)).read_bytes() == CONTENT


def test_partial_file_of_another_version_is_discarded(server: Server) -> None:
    row = _row(server.url)
    part = cached_path(row).with_name("big.onnx.part")
    part.parent.mkdir(parents=True)
    for stale in (bytes(1000), bytes(len(CONTENT)), bytes(len(CONTENT) + 1)):
        cached_path(row).unlink(missing_ok=True)
        part.write_bytes(stale)
        assert _fetch(row).read_bytes() == CONTENT


def test_refused_range_starts_anew(server: Server) -> None:
    row = _row(server.url, size=0)
    part = cached_path(row).with_name("big.onnx.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT + b"more")
    server.answers = [lambda h, start: h.send_error(416), _send]
    assert _fetch(row).read_bytes() == CONTENT
    assert server.starts == [len(CONTENT) + 4, 0]
    cached_path(row).unlink()
    server.answers = [lambda h, start: h.send_error(416)]
    with pytest.raises(
        WeightsError, match="answered 416"
    ):  # though nothing but the whole was asked for
        _fetch(row)


def test_wrong_bytes_are_refused_and_not_kept(server: Server) -> None:
    wrong = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
    server.answers = [lambda h, start: _send(h, start, wrong)]
    with pytest.raises(
        WeightsError, match=r"another SHA-256.*another address in OCR_WEIGHTS_MIRROR"
    ):
        _fetch(_row(server.url))
    assert _left(_row()) == []


def test_a_body_longer_than_the_manifest_says_is_cut_off(server: Server) -> None:
    def endless(handler: BaseHTTPRequestHandler, start: int) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(400):
            handler.wfile.write(bytes(65536))

    server.answers = [endless]
    with pytest.raises(WeightsError, match="another SHA-256"):
        _fetch(_row(server.url))
    assert _left(_row()) == []


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 429, 503])
def test_http_errors_name_the_way_on(server: Server, code: int) -> None:
    server.answers = [lambda h, start: h.send_error(code), _send]
    with pytest.raises(WeightsError, match=f"answered {code}.*fetch again.*OCR_WEIGHTS_MIRROR"):
        _fetch(_row(server.url))
    assert len(server.starts) == 1
    assert _fetch(_row(server.url)).read_bytes() == CONTENT


def test_silent_server_times_out(server: Server) -> None:
    server.answers = [lambda h, start: time.sleep(1), _send]
    begin = time.monotonic()
    with pytest.raises(WeightsError, match="timed out"):
        _fetch(_row(server.url), timeout_s=0.2)
    assert time.monotonic() - begin < 5
    assert _fetch(_row(server.url)).read_bytes() == CONTENT


def test_an_answer_that_is_no_http_is_a_weights_error(server: Server) -> None:
    server.answers = [lambda h, start: h.wfile.write(b"220 hello")]
    with pytest.raises(WeightsError, match="connection failed"):
        _fetch(_row(server.url))


def test_unreachable_server_is_a_weights_error(server: Server) -> None:
    url = server.url
    server.http.server_close()
    with pytest.raises(WeightsError, match=r"connection failed .*fetch again"):
        _fetch(_row(url), timeout_s=0.5)


@pytest.mark.parametrize(
    "url",
    ["http://example.org/a", "ftp://example.org/a", "file:///etc/passwd", "/a", "https://", "a.onnx",
     "http://127.0.0.1.example.org/", "http://10.0.0.1/a"],
)  # fmt: skip
def test_only_https_but_for_this_machine(url: str) -> None:
    with pytest.raises(WeightsError, match="https://"):
        fetch.fetch(_row(url))


@pytest.mark.parametrize(
    "target", ["http://example.org/big.onnx", "ftp://example.org/a", "file:///etc/passwd"]
)
def test_redirections_do_not_leave_https(server: Server, target: str) -> None:
    def redirect(handler: BaseHTTPRequestHandler, start: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    server.answers = [redirect]
    with pytest.raises(WeightsError):
        _fetch(_row(server.url))
    assert len(server.starts) == 1


def test_redirections_are_followed(server: Server) -> None:
    def redirect(handler: BaseHTTPRequestHandler, start: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/elsewhere")
        handler.end_headers()

    server.answers = [redirect, _send]
    assert _fetch(_row(server.url)).read_bytes() == CONTENT
    assert server.paths[-1] == "/elsewhere"


def test_mirror_takes_the_place_of_the_manifest(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCR_WEIGHTS_MIRROR", server.url + "/ocr/")
    _fetch(_row("https://example.invalid/big.onnx", file="a b.onnx"))
    assert server.paths == ["/ocr/a%20b.onnx"]


def test_without_an_address_the_message_says_what_to_do() -> None:
    with pytest.raises(WeightsError, match="no address.*git checkout.*OCR_WEIGHTS_MIRROR"):
        fetch.fetch(_row())


@pytest.mark.parametrize("value", ["1", "true", "yes", "ON"])
def test_offline_mode_sends_no_request(
    server: Server, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OCR_OFFLINE", value)
    with pytest.raises(WeightsError, match=r"OCR_OFFLINE forbids.*copy the file to"):
        _fetch(_row(server.url))
    assert server.starts == []
    cached_path(_row()).parent.mkdir(parents=True)
    cached_path(_row()).write_bytes(CONTENT)
    assert _fetch(_row(server.url)).read_bytes() == CONTENT  # what is there needs no network
    monkeypatch.setenv("OCR_OFFLINE", "0")


def test_threads_fetch_a_file_once(server: Server) -> None:
    paths: list[Path] = []
    threads = [
        threading.Thread(target=lambda: paths.append(_fetch(_row(server.url)))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 6 and len(server.starts) == 1


def test_a_cache_that_cannot_be_written(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("OCR_WEIGHTS_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match="OCR_WEIGHTS_CACHE"):
        _fetch(_row(server.url))


def test_cache_folder_follows_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCR_WEIGHTS_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert cache_folder() == Path("/var/cache/me/ocr-weights")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == Path("/home/somebody/.cache/ocr-weights")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == Path("/home/somebody/Library/Caches/ocr-weights")


@pytest.fixture
def checkout(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights whose manifest lists one file that is not there."""
    folder = tmp_path / "weights"
    folder.mkdir()
    entry = _row(server.url)._asdict()
    entry["bytes"] = entry.pop("size")
    (folder / "manifest.json").write_text(json.dumps({"schema": 1, "models": [entry]}), "utf-8")
    for module in (weights, __main__):
        monkeypatch.setattr(module, "WEIGHTS", folder)
    return folder


def test_fetched_files_serve_a_checkout_without_them(checkout: Path) -> None:
    row = weights.find("big", "detector", checkout)
    with pytest.raises(
        WeightsError, match=r"big\.onnx: No such file.*python -m ocr\.weights fetch"
    ):
        weights.checked_path(row, checkout)
    _fetch(row)
    assert weights.checked_path(row, checkout) == cached_path(row)
    (checkout / "big.onnx").write_bytes(CONTENT)
    assert weights.checked_path(row, checkout) == checkout / "big.onnx"


@pytest.mark.parametrize("damaged", [CONTENT[:1000], b"", CONTENT[:-1] + b"x"])
def test_tampered_and_half_files_are_refused(checkout: Path, damaged: bytes) -> None:
    row = weights.find("big", "detector", checkout)
    (checkout / "big.onnx").write_bytes(damaged)
    with pytest.raises(WeightsError, match=r"SHA-256.*git checkout"):
        weights.checked_path(row, checkout)
    (checkout / "big.onnx").rename(cached_path(row).parent.mkdir(parents=True) or cached_path(row))
    with pytest.raises(WeightsError, match=r"SHA-256.*python -m ocr\.weights fetch"):
        weights.checked_path(row, checkout)
    assert _fetch(row).read_bytes() == CONTENT  # as the message says


def test_command_line_fetches_models(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = __main__.main(arguments)
        return status, *capsys.readouterr()

    status, out, _ = run("list")
    assert status == 0 and out.split() == ["detector", "big", "300,000", SHA256[:12], "missing"]
    assert run("verify")[0] == 1
    assert run("path", "detector", "big")[0] == 1
    status, out, _ = run("fetch", "big")
    target = cached_path(_row())
    assert (status, out) == (0, f"ok  {target}\n")
    assert run("verify") == (0, f"ok  {target}\n", "")
    assert run("path", "detector", "big") == (0, f"{target}\n", "")
    assert run("path") == (0, f"{cache_folder()}\n", "")
    (checkout / "big.onnx").write_bytes(b"tampered")
    for command in ("verify", "fetch"):
        status, out, error = run(command)
        assert (status, out) == (1, "") and "git checkout" in error and error.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["eat"], ["list", "small"], ["path", "detector", "x"]])
def test_wrong_arguments_exit_with_status_2(checkout: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        __main__.main(arguments)
    assert ended.value.code == 2


def test_command_starts_without_warnings() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "ocr.weights", "verify"],
        cwd=ROOT, env={**os.environ, "OCR_OFFLINE": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("ok  ") == len(weights.models())


def test_file_names_with_folders_are_refused(tmp_path: Path) -> None:
    entry = {**_row(file="../../evil.onnx")._asdict()}
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": 1, "models": [entry]}), "utf-8")
    with pytest.raises(WeightsError, match="without folders"):
        weights.models(tmp_path)


def test_a_full_disk_leaves_no_file_of_the_wanted_name(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a file system needs root")
    try:
        row = _row(server.url)
        with pytest.raises(WeightsError, match="No space left on device"):
            _fetch(row)
        assert not cached_path(row).exists()
        monkeypatch.setenv("OCR_WEIGHTS_CACHE", str(tmp_path / "elsewhere"))
        assert _fetch(row).read_bytes() == CONTENT
    finally:
        subprocess.run(["umount", str(folder)], check=True)
