"""Remember in a file what faces the font files have, so that a library of thousands opens in seconds.

JSON: sets of characters as runs `[first, length, ...]`, each set once; files by path, with size and time of change.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from tqdm import tqdm

from common.files import replace_when_written
from train.synth.typesetting.face_file import RawFace, read_raw_faces

VERSION = 2
"""To be raised when `read_raw_faces` finds other faces, names or characters in the same file; each has an index of its
own, so that two trees can be worked in side by side."""

_NOTABLE = 50  # files from which on progress is shown


class FaceIndex:
    """Reads the faces of font files, those of unchanged files from memory.

    Args:
        path: the index; it need not exist, and None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._files, self._sets = _load(path) if path is not None else ({}, [])

    def read(self, paths: Sequence[Path]) -> dict[Path, list[RawFace]]:
        """Return the faces of every file, in the order given, and save what is new."""
        stamps = {path: _stamp(path) for path in paths}
        known = {p for p in paths if self._files.get(str(p), {}).get("stamp") == stamps[p]}
        new = [path for path in paths if path not in known]
        read = {
            path: read_raw_faces(path)
            for path in tqdm(new, "fonts", unit="file", disable=len(new) < _NOTABLE or None)
        }
        faces = {p: self._remembered(p) if p in known else read[p] for p in paths}
        if read and self._path is not None:
            self._save(faces, stamps)
        return faces

    def _remembered(self, path: Path) -> list[RawFace]:
        return [
            RawFace(row["index"], row["name"], self._sets[row["codes"]], row["pixels"])
            for row in self._files[str(path)]["faces"]
        ]

    def _save(self, faces: dict[Path, list[RawFace]], stamps: dict[Path, list[int]]) -> None:
        """Write the index: what it said of other files that are still there is kept."""
        sets: dict[frozenset[int], int] = {}
        files = {}
        others = {Path(p): row["stamp"] for p, row in self._files.items() if Path(p).exists()}
        for path, stamp in {**others, **stamps}.items():
            raws = faces[path] if path in faces else self._remembered(path)
            rows = [
                {"index": r.index, "name": r.name, "pixels": r.pixels, "codes": sets.setdefault(r.codes, len(sets))}
                for r in raws
            ]  # fmt: skip
            files[str(path)] = {"stamp": stamp, "faces": rows}
        document = {"version": VERSION, "sets": [_runs(codes) for codes in sets], "files": files}
        assert self._path is not None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replace_when_written(self._path) as partial:
            partial.write_text(json.dumps(document), encoding="utf8")


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _load(path: Path) -> tuple[dict[str, Any], list[frozenset[int]]]:
    """Read an index; one that is missing, broken or of another version is empty."""
    try:
        document = json.loads(path.read_text(encoding="utf8"))
        if document["version"] != VERSION:
            return {}, []
        return document["files"], [_codes(runs) for runs in document["sets"]]
    except (OSError, ValueError, KeyError, TypeError):
        return {}, []


def _runs(codes: frozenset[int]) -> list[int]:
    """Return first code point and length of every run of neighbours."""
    ordered = sorted(codes)
    starts = [i for i, c in enumerate(ordered) if i == 0 or ordered[i - 1] != c - 1]
    ends = [*starts[1:], len(ordered)][: len(starts)]
    return [n for i, j in zip(starts, ends, strict=True) for n in (ordered[i], j - i)]


def _codes(runs: Sequence[int]) -> frozenset[int]:
    pairs = zip(runs[::2], runs[1::2], strict=True)
    return frozenset(chain.from_iterable(range(first, first + length) for first, length in pairs))
