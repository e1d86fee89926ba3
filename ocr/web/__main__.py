"""Serve the web page and the interface: `python -m ocr.web`, then open http://127.0.0.1:8000."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from functools import partial

import cv2

import ocr
from common.arguments import positive
from common.wording import counted
from ocr.arguments import add_device, add_models
from ocr.onnx_runtime import available_cores
from ocr.web.limits import Limits

_log = logging.getLogger("ocr.web")

_DEFAULTS = Limits()
_MIB = 2**20
_KEEP_ALIVE_S = 75
_ANSWER_S = 10  # beyond all other limits, for an answer to be sent at a stop


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, format="%(name)s: %(message)s", force=True)
    _log.setLevel(logging.INFO)
    try:
        import uvicorn

        from ocr.web.app import make_app
    except ModuleNotFoundError as error:
        _log.error(
            "error: %s; install what the page needs: pip install -r requirements-web.txt", error
        )
        return 1
    workers = options.workers or available_cores()
    # Pages in parallel finish sooner than one page on all cores.
    cv2.setNumThreads(1)
    try:
        load = partial(ocr.load, options.models, device=options.device, threads=1)
        reader = load()
    except ValueError as error:
        parser.error(str(error))
    except ocr.WeightsError as error:
        _log.error("error: %s", error)
        return 1
    limits = _limits(options)
    app = make_app(
        reader,
        limits=limits,
        workers=workers,
        allow_urls=options.allow_urls,
        build=lambda variant: load(**variant._asdict()),
    )
    _log.info("%s; open http://%s:%d", counted(workers, "worker"), options.host, options.port)
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        # Longer than clients keep idle connections: who closes first must not be the service, or a
        # request may be on its way to a connection that has just ended.
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(
            limits.upload_timeout_s + limits.queue_timeout_s + limits.read_timeout_s + _ANSWER_S
        ),
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ocr.web",
        description="Serve a web page and an HTTP interface that read pictures and PDFs.",
        epilog="A first SIGTERM or Ctrl-C takes no more requests and finishes those accepted.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)")
    add("--port", type=_port, default=8000, metavar="N")
    add("--workers", type=positive, metavar="N", help="documents read at a time (all cores)")
    add_models(parser, "all three models")
    add_device(parser)
    add("--allow-urls", action="store_true", help="let requests name a public URL to be read")
    for name, kind, metavar, default, text in (
        ("max-body", positive, "MIB", _DEFAULTS.max_body_bytes // _MIB, "largest request"),
        ("max-megapixels", positive, "N", _DEFAULTS.max_pixels // 10**6, "largest picture"),
        ("max-pages", positive, "N", _DEFAULTS.max_pages, "most pages of a document"),
        ("queue", positive, "N", _DEFAULTS.queue_size, "documents that may wait"),
        ("upload-timeout", _seconds, "S", _DEFAULTS.upload_timeout_s, "to receive a request"),
        ("queue-timeout", _seconds, "S", _DEFAULTS.queue_timeout_s, "to wait for a worker"),
        ("read-timeout", _seconds, "S", _DEFAULTS.read_timeout_s, "to read a document"),
    ):
        add(f"--{name}", type=kind, metavar=metavar, default=default, help=f"{text} ({default})")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")
    return int(text)


def _limits(options: argparse.Namespace) -> Limits:
    return Limits(
        max_body_bytes=options.max_body * _MIB,
        max_pixels=options.max_megapixels * 10**6,
        max_pages=options.max_pages,
        queue_size=options.queue,
        upload_timeout_s=options.upload_timeout,
        queue_timeout_s=options.queue_timeout,
        read_timeout_s=options.read_timeout,
    )


def _seconds(text: str) -> float:
    value = positive(text)
    return float(value)


if __name__ == "__main__":
    sys.exit(main())
