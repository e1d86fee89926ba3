"""Guess the format of a labelled folder from the names and the beginnings of its files."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

_MAX_FILES = 20_000  # looked at; a set of millions shows its form early
_HEAD = 4096
_EIGHT = r"(?:\s*-?\d+(?:\.\d+)?\s*,){8}"
_ONLY_EIGHT = r"(?:\s*-?\d+(?:\.\d+)?\s*,){7}\s*-?\d+(?:\.\d+)?\s*$"
_FOUR = r"\s*-?\d+(?:\.\d+)?(?:[,\s]+-?\d+(?:\.\d+)?){3}[,\s]\s*\"?[^\s\d,]"
_SCRIPTS = r"(?:Arabic|Latin|Chinese|Japanese|Korean|Bangla|Hindi|Symbols|Mixed|None)"

# A name pattern (of the path below the folder) to the format that it alone decides; the first that fits wins.
_NAMES: tuple[tuple[str, str], ...] = (
    (r"labels\.jsonl", "jsonl"),
    (r"(.*/)?data\.mdb|[^/]*\.mdb", "lmdb"),
    (r"(.*/)?Label\.txt", "paddle_pages"),
    (r"(.*/)?rec_gt[^/]*\.txt", "paddle_lines"),
    (r"(.*/)?char_std[^/]*\.txt", "caffe_ocr"),
    (r"(.*/)?annotation(_train|_val|_test)?\.txt", "mjsynth"),
    (r"(.*/)?(train_full_labels|[^/]*full_labels)\.json", "lsvt"),
    (r"(.*/)?train(_task2)?_labels\.json", "art"),
    (r"(.*/)?(cocotext|COCO_Text)[^/]*\.json", "coco_text"),
    (r"(.*/)?(poly|rect)_gt_img[^/]*\.(txt|mat)", "total_text"),
    (r"(.*/)?Annotations/[^/]*\.xml", "ctpn_voc"),
    (r"(.*/)?(charset_size[^/]*\.txt|[^/]*\.tfrecords?|[^/]*-\d{5}-of-\d{5})", "fsns"),
    (r"(.*/)?txt_(train|test)/[^/]*\.txt", "mtwi2018"),
    (r"(.*/)?gt\.mat|(.*/)?[^/]*\.(h5|hdf5)", "synthtext"),
)

_Test = Callable[[str], bool]


def guess(folder: Path, names: tuple[str, ...]) -> str:
    """Name the format; see `train.data.readers.detect`."""
    if not folder.exists():
        raise FileNotFoundError(f"{folder} does not exist: give the folder of a labelled set")
    files = [folder.name] if folder.is_file() else _files(folder)
    root = folder.parent if folder.is_file() else folder
    for pattern, name in _NAMES:
        if any(re.fullmatch(pattern, file) for file in files):
            return name
    for suffixes, test, name in _CONTENTS:
        # A few of each kind: one readme among labels, or one damaged file, decides nothing.
        for file in [file for file in files if file.lower().endswith(suffixes)][:20]:
            if test(_head(root / file)):
                return name
    raise ValueError(
        f"{folder} is of no known format: it holds {_found(files)}. Name the format: {', '.join(names)}"
    )


def _files(folder: Path) -> list[str]:
    """Paths below the folder, those of its own files first."""
    found: list[str] = []
    for root, folders, files in os.walk(folder):
        folders.sort()
        found += [Path(root, file).relative_to(folder).as_posix() for file in sorted(files)]
        if len(found) >= _MAX_FILES:
            break
    return found


def _found(files: list[str]) -> str:
    kinds = Counter(Path(file).suffix.lower() or "no suffix" for file in files)
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(6))
    return f"{counts} (such as {files[0]})" if files else "no files"


def _head(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD).decode("utf-8-sig", errors="replace")
    except OSError:
        return ""


def _first_line(pattern: str) -> _Test:
    """Whether one of the first lines of a file has a form."""
    form = re.compile(pattern)

    def test(head: str) -> bool:
        return any(form.match(line) for line in head.splitlines()[:5])

    return test


def _has(*keys: str) -> _Test:
    """Whether the beginning of a JSON file has some keys."""
    return lambda head: all(f'"{key}"' in head for key in keys)


def _is_doctr(head: str) -> bool:
    if any(f'"{key}"' in head for key in ("polygons", "typed_words")):
        return True
    # {"name.png": "text", …}, whose beginning is not whole
    return bool(re.match(r'\s*\{\s*"[^"]+\.\w{3,4}"\s*:\s*"', head))


def _is_paddle_pages(head: str) -> bool:
    _, found, records = (head.splitlines() or [""])[0].partition("\t")
    return bool(found) and bool(re.match(r'\s*\[(\s*\]|\s*\{\s*"(transcription|points)")', records))


def _is_paddle_lines(head: str) -> bool:
    line = (head.splitlines() or [""])[0]
    return bool(re.match(r"[^\t]+\.(jpe?g|png|bmp|webp)\"?\]?\t.", line, re.IGNORECASE))


def _is_ctw(head: str) -> bool:
    try:
        return "annotations" in json.loads(head.splitlines()[0])
    except (ValueError, IndexError, TypeError):  # records are longer than what was read
        return '"annotations"' in head and '"file_name"' in head


_CONTENTS: tuple[tuple[tuple[str, ...], _Test, str], ...] = (
    (("train.jsonl", "val.jsonl"), _is_ctw, "ctw"),
    ((".json",), _has("chars", "points", "transcription"), "rects"),
    ((".json",), _has("shapes", "version"), "labelme"),
    ((".json",), _has("shapes", "points"), "labelme"),
    ((".json",), _is_doctr, "doctr"),
    ((".json",), _has("imgs", "anns"), "coco_text"),
    ((".json",), _has("transcription", "points", "illegibility"), "art"),
    ((".txt",), _is_paddle_pages, "paddle_pages"),
    (("gt.txt",), _first_line(r"[^,\t]+\.(png|jpg)\s*,\s*\""), "icdar_words"),
    ((".txt",), _is_paddle_lines, "paddle_lines"),
    ((".txt",), _first_line(r"\S+\.jpg(\s+\d+){10}\s*$"), "caffe_ocr"),
    ((".txt",), _first_line(r"\./\S+_\S+_\d+\.jpg \d+\s*$"), "mjsynth"),
    ((".txt",), _first_line(rf"{_EIGHT}\s*[01]\s*,\s*\""), "rctw17"),
    ((".txt",), _first_line(rf"{_EIGHT}\s*{_SCRIPTS}\s*,"), "mlt2017"),
    ((".txt",), _first_line(rf"(?=[\d\s,-]*\d\.\d){_EIGHT}"), "mtwi2018"),
    ((".txt",), _first_line(rf"{_EIGHT}|{_ONLY_EIGHT}"), "icdar2015"),
    ((".txt",), _first_line(_FOUR), "icdar2013"),
    ((".xml",), lambda head: "<bndbox>" in head, "ctpn_voc"),
)
