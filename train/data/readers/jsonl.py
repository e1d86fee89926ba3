"""Read a folder of labelled pictures, one page at a time.

The folder holds `labels.jsonl`, one JSON object a line: `{"image", "source", "kind", "lang",
"lines": [{"quad", "text", "ignore"}]}`. `image` is a path inside the folder, `quad` four corners or
null. Optional fields say what the labels may be used for: `level` is "word" where `lines` holds words;
`recall_only` where they name part of the text; `crop` where the picture is one line (`kind` "line" says so, too).
Other fields are ignored.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.wording import counted
from train.data.readers.pages import AnnotatedPicture, Mark, make_line, make_page
from train.data.readers.report import Report
from train.data.samples import LabelledPage, Line, LineSample, PageSample

_LOG = logging.getLogger(__name__)

LABELS = "labels.jsonl"


def read_pages(folder: Path) -> Iterator[LabelledPage]:
    """Yield the pages of `folder` in the order of its `labels.jsonl`, reading one record at a time.

    A broken record (no JSON, no picture, a quad of other than four corners) is logged and left out,
    and the number of those left out is logged at the end. Blank lines are no records.

    Raises:
        FileNotFoundError: the folder has no `labels.jsonl`.
    """
    labels, broken = folder / LABELS, 0
    for number, page in _pages(labels):
        if isinstance(page, LabelledPage):
            yield page
        else:
            broken += 1
            _LOG.warning("%s, line %d left out: %s: %s", labels, number, type(page).__name__, page)
    if broken:
        _LOG.warning("%s: %d broken records left out", labels, broken)


def read(folder: Path, report: Report) -> Iterator[PageSample | LineSample]:
    """Iterate over the same pages with their pictures decoded; a picture that is one line is a `LineSample`.

    A line whose text alone is known, one of several on its page, is reported and left out.
    """
    labels, number = folder if folder.is_file() else folder / LABELS, 0
    for number, page in _pages(labels):
        place = f"{labels.name}:{number}"
        if not isinstance(page, LabelledPage):
            report.skip(place, _reason(page))
            continue
        boxed = [line for line in page.lines if line.quad is not None]
        if not boxed and (page.cropped or len(page.lines) == 1):
            sample: PageSample | LineSample | None = _line_sample(page, place, report)
        else:
            sample = _page_sample(page, place, report)
        if sample is not None:
            yield sample
    if not number:
        report.skip(labels.name, "empty label file")


def _line_sample(page: LabelledPage, place: str, report: Report) -> LineSample | None:
    if len(page.lines) != 1 or page.lines[0].ignore:
        report.skip(
            place, f"no label: {counted(len(page.lines), 'line')}, or an ignored one, on a crop"
        )
        return None
    return make_line(page.path, page.path.name, page.lines[0].text, report, place)


def _page_sample(page: LabelledPage, place: str, report: Report) -> PageSample | None:
    marks, failed = [], 0
    for index, line in enumerate(page.lines):
        where = f"{place}[{index}]"
        if line.quad is None:
            report.skip(where, "no box: the line's place on the page is not known")
            failed += 1
        else:
            marks.append(Mark(where, line.quad.astype(np.float64), line.text, line.ignore))
    return make_page(
        AnnotatedPicture(place, page.path.name, page.path, failed=failed), marks, report
    )


def select_pages(
    pages: Iterable[LabelledPage],
    *,
    limit: int | None = None,
    sources: Sequence[str] = (),
    cropped: bool = False,
) -> Iterator[LabelledPage]:
    """Keep the pages (or the pictures of single lines) of some sources, the first `limit` of each.

    No sources means all of them.
    """
    seen: Counter[str] = Counter()
    for page in pages:
        if page.cropped != cropped or (sources and page.source not in sources):
            continue
        seen[page.source] += 1
        if limit is None or seen[page.source] <= limit:
            yield page


def _pages(labels: Path) -> Iterator[tuple[int, LabelledPage | Exception]]:
    """Yield (number of the line, the page or what is wrong with it) of a label file."""
    if not labels.is_file():
        raise FileNotFoundError(
            f"{labels} does not exist: give a folder that holds {LABELS} and the pictures it names"
        )
    with labels.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            if not raw.strip():
                continue
            try:
                yield number, _page(labels.parent, json.loads(raw.decode("utf-8-sig")))
            except (
                ValueError,
                KeyError,
                TypeError,
                AttributeError,
                OSError,
                RecursionError,
            ) as error:
                yield number, error


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"no picture: {error}"
    if isinstance(error, json.JSONDecodeError):
        return f"broken JSON: {error.msg}, column {error.colno}"
    return f"broken record: {type(error).__name__} {error}"


def _page(folder: Path, record: dict[str, Any]) -> LabelledPage:
    path = folder / record["image"]
    if not path.is_file():
        raise FileNotFoundError(f"no picture {path}")
    source, kind = str(record.get("source") or folder.name), str(record.get("kind") or "")
    is_word, cropped = record.get("level") == "word", bool(record.get("crop", kind == "line"))
    return LabelledPage(
        path,
        source,
        kind,
        str(record.get("lang") or ""),
        tuple(_line(line) for line in record["lines"]),
        word_level=is_word and not cropped,
        partial=bool(record.get("recall_only")),
        cropped=cropped,
        alnum=is_word and cropped,
    )


def _line(record: dict[str, Any]) -> Line:
    if not isinstance(record, dict):
        raise ValueError(f"a line must be an object, found {record!r}")
    quad = None
    if record.get("quad"):
        quad = np.asarray(record["quad"], np.float32)
        if quad.shape != (4, 2) or not np.isfinite(quad).all():
            raise ValueError(f"quad must be four finite corners [x, y], found {record['quad']!r}")
    return Line(quad, str(record.get("text") or ""), bool(record.get("ignore")))
