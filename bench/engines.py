"""Run one OCR engine in a process of its own: it gets paths of pictures and writes one JSON line for each.

    python bench/engines.py ours|rapidocr|tesseract [--threads N] [--single-line]

Run by `bench.compare`. This file imports nothing of the project unless the engine is `ours`, so
that another interpreter, with another engine installed, can run it. Each stdin line is a JSON
string; each stdout line is `{"load_s"}` once, then `{"lines": [{"text", "box"}], "s"}` or
`{"error"}` for each picture, and `{"peak_mib"}` at the end. `s` runs from the path to the lines,
decoding included. A first picture is read once more beforehand, unmeasured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Lines = list[dict[str, Any]]
TESSERACT_LANGUAGES = "chi_sim+eng"
TESSERACT_TIMEOUT_S = 180


def ours(threads: int, single_line: bool) -> Callable[[str], Lines]:
    """Load this project's default models."""
    sys.path.insert(
        0, str(Path(__file__).resolve().parents[1])
    )  # run by path, so the root is not on it
    import ocr

    reader = ocr.load(threads=threads)

    def read(path: str) -> Lines:
        page = reader.read(path, single_line=single_line)
        return [
            {"text": line.text, "box": [[float(x), float(y)] for x, y in line.box]}
            for line in page.lines
        ]

    return read


def rapidocr(threads: int, single_line: bool) -> Callable[[str], Lines]:
    """Load RapidOCR with the models it takes by default, its newest small ones."""
    import cv2

    make = importlib.import_module("rapidocr").RapidOCR  # only its own interpreter has it
    cv2.setNumThreads(threads)
    options = {
        "Global.log_level": "error",
        "EngineConfig.onnxruntime.intra_op_num_threads": threads,
    }
    engine = make(params=options)

    def read(path: str) -> Lines:
        result = engine(cv2.imread(path), use_det=not single_line, use_cls=True, use_rec=True)
        texts = list(result.txts or [])
        found = None if single_line else result.boxes
        boxes = [None] * len(texts) if found is None else found.tolist()
        return [{"text": text, "box": box} for text, box in zip(texts, boxes, strict=True)]

    return read


def tesseract(threads: int, single_line: bool) -> Callable[[str], Lines]:
    """Call the `tesseract` program, which loads its models again for every picture."""
    settings = dict(os.environ, OMP_THREAD_LIMIT=str(threads))
    mode = ["--psm", "7"] if single_line else []
    subprocess.run(["tesseract", "--version"], check=True, capture_output=True)

    def read(path: str) -> Lines:
        command = ["tesseract", path, "-", "-l", TESSERACT_LANGUAGES, *mode]
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            timeout=TESSERACT_TIMEOUT_S,
            env=settings,
        )
        return [{"text": text, "box": None} for text in done.stdout.splitlines() if text.strip()]

    return read


ENGINES: dict[str, Callable[[int, bool], Callable[[str], Lines]]] = {
    "ours": ours,
    "rapidocr": rapidocr,
    "tesseract": tesseract,
}


def peak_mib() -> float:
    """Return the most memory this process or one child of it has held, in MiB.

    The process's own value comes from /proc where there is one: `ru_maxrss` also counts what the
    parent held when it started this process.
    """
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    status = Path("/proc/self/status")
    if status.exists():
        own = int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    return max(own, children) / 2**20


def main() -> None:
    """Read pictures until stdin ends."""
    parser = argparse.ArgumentParser(prog="bench/engines.py")
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--single-line", action="store_true")
    args = parser.parse_args()
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what an engine prints must not come between the replies

    def reply(**values: object) -> None:
        replies.write(json.dumps(values, ensure_ascii=False, default=float) + "\n")
        replies.flush()

    start = time.perf_counter()
    read = ENGINES[args.engine](args.threads, args.single_line)
    reply(load_s=time.perf_counter() - start)
    warm = False
    for request in sys.stdin:
        path = json.loads(request)
        try:
            if not warm:
                read(path)
                warm = True
            start = time.perf_counter()
            lines = read(path)
            reply(lines=lines, s=time.perf_counter() - start)
        except Exception as error:  # one picture an engine cannot take must not end the comparison
            reply(error=f"{type(error).__name__}: {error}")
    reply(peak_mib=peak_mib())


if __name__ == "__main__":
    main()
