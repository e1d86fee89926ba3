"""Write misses as a folder of HTML pages: `index.html` with the sums, and pages for each source."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path

import cv2
import numpy as np

from common.arrays import Image
from common.image import InputError, load
from common.wording import counted
from crnn import Recognizer
from ocr.formats import save
from train.data.samples import LabelledPage
from train.evaluate.errors import (
    CAUSES,
    FINDING,
    READING,
    UNCOUNTED,
    Miss,
    Pair,
    find_misses,
    group_quads,
)
from train.evaluate.page_metrics import ReadLine, normalize

_LOG = logging.getLogger(__name__)

PER_PAGE = 400
"""Misses on one HTML page; with more, a browser takes long to lay it out."""
_PAIRS = 60
_VIEW = (900, 140)  # pixels of the pictures of misses: width at most, height at most
_STYLE = """
body{font:14px sans-serif;margin:1em 2em;color:#222;background:#fff}
table{border-collapse:collapse;margin:1em 0}td,th{padding:2px 8px;border:1px solid #ccc;text-align:right}
td:first-child,th:first-child{text-align:left}.sum{font-weight:bold;background:#f2f2f2}
.miss{margin:.6em 0 1.2em;padding-left:.6em;border-left:3px solid #ccc}.miss img{display:block;max-width:100%}
.text{font:16px monospace;white-space:pre-wrap;overflow-wrap:anywhere}.note{color:#777;font-size:12px}
.sub{background:#ffc9c9}.del{background:#ffd79a}.ins{background:#b9d9ff}.soft{background:#eee8aa}
.pairs td{font-size:16px;text-align:center}
"""
_LEGEND = (
    '<p>Truth above, reading below: <span class="sub">confused</span> <span class="del">missing'
    '</span> <span class="ins">too much</span> <span class="soft">differs in what the figures '
    "leave out</span>. In the pictures the truth's quads are green, those found red.</p>"
)


class ErrorPages:
    """Collects misses of page after page and writes them as HTML.

    Args:
        folder: where `index.html` goes; made if it is not there.
        recognizer: reads the truth's own quads, and says what the charset is.
    """

    def __init__(self, folder: Path, recognizer: Recognizer) -> None:
        self._folder = folder
        self._recognizer = recognizer
        self._characters: Counter[str] = Counter()
        self._lines: Counter[str] = Counter()
        self._misses: dict[str, list[tuple[Miss, str]]] = {}

    def add(self, page: LabelledPage, read: Sequence[ReadLine]) -> None:
        """Find the misses of one page and write their pictures; one that cannot be decoded is left out.

        Raises:
            OSError: the folder cannot be written.
        """
        try:
            image = load(page.path)
        except InputError as error:
            _LOG.warning("no misses shown: %s", error)
            return
        truth = [normalize(line.text) for line in page.lines if not line.ignore]
        self._characters[page.source] += sum(map(len, truth))
        self._lines[page.source] += sum(map(bool, truth))
        known = self._misses.setdefault(page.source, [])
        for miss in find_misses(page, read, image, self._texts, self._recognizer.charset):
            name = ""
            picture = view(miss, image)
            if picture is not None:
                name = f"{_file(page.source)}/{len(known):05d}.jpg"
                path = self._folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                ok, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
                if ok:
                    save(path, data.tobytes())
            known.append((miss, name))

    def write(self) -> Path:
        """Write all pages and return the path of the first.

        Raises:
            OSError: the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        links = []
        for source in sorted(self._misses):
            names = self._write_source(source)
            numbered = [f'<a href="{n}">{i}</a>' for i, n in enumerate(names, 1)]
            links.append(
                f"<li>{escape(source)}: {len(self._misses[source])} misses, page "
                f"{' '.join(numbered)}</li>"
            )
        every = [miss for misses in self._misses.values() for miss, _ in misses]
        body = [
            "<h1>What was read wrong, and why</h1>",
            self.table(),
            f"<ul>{''.join(links)}</ul>",
            _confusions(every),
        ]
        path = self._folder / "index.html"
        save(path, _document("What was read wrong", body))
        return path

    def sums(self) -> dict[str, dict[str, int]]:
        """Return characters lost, by source and cause."""
        return {
            source: dict(sum((Counter(miss.lost) for miss, _ in misses), Counter()))
            for source, misses in self._misses.items()
        }

    def table(self) -> str:
        """Lay out causes by sources: characters lost, their share of the truth's, and lines."""
        sources = sorted(self._misses)
        sums = self.sums()
        cases = {
            source: Counter(cause for miss, _ in self._misses[source] for cause in miss.lost)
            for source in sources
        }

        def row(name: str, causes: Iterable[str], kind: str = "") -> str:
            chosen = list(causes)
            cells = []
            for source in sources:
                lost = sum(sums[source].get(cause, 0) for cause in chosen)
                count = sum(cases[source][cause] for cause in chosen)
                share = lost / max(self._characters[source], 1)
                cells.append(f"<td>{lost} · {share:.1%} · {count}</td>" if count else "<td></td>")
            return f'<tr class="{kind}"><td>{escape(name)}</td>{"".join(cells)}</tr>'

        head = "".join(
            f"<th>{escape(s)}<br>{counted(self._characters[s], 'character')}, "
            f"{counted(self._lines[s], 'line')}</th>"
            for s in sources
        )
        rows = [row(c, [c]) for c in CAUSES if any(cases[s][c] for s in sources)]
        parts = [("finding lines", FINDING), ("reading lines", READING)]
        return (
            "<p>Characters lost · share of the truth's characters · cases. Lost by finding lines "
            "is what the same recognizer reads right in the truth's own quads; the last three "
            "causes do not count in the figures.</p>"
            f"<table><tr><th>cause</th>{head}</tr>{''.join(rows)}"
            + "".join(row(f"all: {name}", causes, "sum") for name, causes in parts)
            + row("all: not counted", UNCOUNTED, "sum")
            + "</table>"
        )

    def _texts(self, crops: Sequence[Image]) -> list[str]:
        return [reading.text for reading in self._recognizer(crops)]

    def _write_source(self, source: str) -> list[str]:
        """Write the pages of one source, misses grouped by cause, the worst first; their names."""
        misses = sorted(
            self._misses[source],
            key=lambda item: (CAUSES.index(item[0].cause), -sum(item[0].lost.values())),
        )
        names = []
        for start in range(0, max(len(misses), 1), PER_PAGE):
            body = [f"<h1>{escape(source)}</h1>", '<p><a href="index.html">all sources</a></p>']
            body += [_LEGEND, _confusions(miss for miss, _ in misses) if not start else ""]
            cause = ""
            for miss, picture in misses[start : start + PER_PAGE]:
                if miss.cause != cause:
                    cause = miss.cause
                    body.append(f"<h2>{escape(cause)}</h2>")
                body.append(_block(miss, picture))
            part = f"-{start // PER_PAGE + 1}" if start else ""
            names.append(f"{_file(source)}{part}.html")
            save(self._folder / names[-1], _document(source, body))
        return names


def view(miss: Miss, image: Image) -> Image | None:
    """Cut out what a miss is about, with room around and the quads drawn; None without any quad."""
    true, read = group_quads(miss.group.truth), group_quads(miss.group.read)
    if miss.page.cropped:
        return np.ascontiguousarray(image[:, :, :3])
    if not true and not read:
        return None
    corners = np.concatenate([*true, *read])
    room = 4 + 0.4 * (miss.height or 0.0)
    low = np.maximum(np.floor(corners.min(0) - room), 0).astype(int)
    high = np.ceil(corners.max(0) + room).astype(int)
    piece = image[low[1] : high[1], low[0] : high[0]]
    if not piece.size:
        return None
    wanted = 40.0 / max(miss.height or 40.0, 1.0)
    scale = min(max(wanted, 1.0), 4.0)
    scale = min(scale, _VIEW[0] / piece.shape[1])
    if piece.shape[0] * scale > _VIEW[1] and piece.shape[1] > piece.shape[0]:
        scale = max(_VIEW[1] / piece.shape[0], 0.5 * scale)
    size = tuple(max(1, round(side * scale)) for side in piece.shape[1::-1])
    large = cv2.resize(piece, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    picture = np.ascontiguousarray(large)
    for quads, color in ((true, (0, 160, 0)), (read, (230, 0, 0))):
        shifted = [np.round((quad - low) * scale).astype(np.int32) for quad in quads]
        cv2.polylines(picture, shifted, True, color, 1, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)


def marked(pairs: Sequence[Pair], side: Callable[[Pair], object]) -> str:
    """Write one side of a comparison as HTML, differences coloured."""
    parts = []
    for pair in pairs:
        mine = side(pair)
        if mine is None:
            continue
        sign = pair.true if mine is pair.true else pair.read
        assert sign is not None
        kind = ""
        if pair.true is None:
            kind = "ins"
        elif pair.read is None:
            kind = "del"
        elif pair.wrong:
            kind = "sub"
        elif pair.true.raw != pair.read.raw or pair.true.spaced != pair.read.spaced:
            kind = "soft"
        raw = escape((" " if sign.spaced else "") + sign.raw)
        parts.append(f'<span class="{kind}">{raw}</span>' if kind else raw)
    return "".join(parts)


def _block(miss: Miss, picture: str) -> str:
    losses = ", ".join(f"{escape(cause)} {count}" for cause, count in miss.lost.items())
    notes = [escape(miss.page.path.name), losses, escape(miss.detail)]
    if miss.height is not None:
        notes.append(f"{miss.height:.0f} px high")
    if miss.own is not None:
        notes.append(f"in the truth's quad: {escape(miss.own) or '(nothing)'}")
    image = f'<img src="{picture}" loading="lazy" alt="">' if picture else ""
    return (
        f'<div class="miss">{image}'
        f'<div class="text">{marked(miss.pairs, lambda pair: pair.true)}</div>'
        f'<div class="text">{marked(miss.pairs, lambda pair: pair.read)}</div>'
        f'<div class="note">{" · ".join(note for note in notes if note)}</div></div>'
    )


def _confusions(misses: Iterable[Miss]) -> str:
    """Lay out the pairs confused most often, eight to a row of the table."""
    counts = Counter(pair for miss in misses for pair in miss.confusions)
    cells = [
        f"<td>{escape(true) or '∅'} → {escape(read) or '∅'}</td><td>{count}</td>"
        for (true, read), count in counts.most_common(_PAIRS)
    ]
    rows = "".join(f"<tr>{''.join(cells[i : i + 6])}</tr>" for i in range(0, len(cells), 6))
    return (
        f"<h2>Characters confused most often (of {counts.total()})</h2>"
        f'<table class="pairs">{rows}</table>'
    )


def _document(title: str, body: Sequence[str]) -> bytes:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><body>{chr(10).join(body)}</body></html>\n"
    )
    return text.encode("utf-8", "backslashreplace")


def _file(source: str) -> str:
    """A source's name as a file name."""
    return "".join(char if char.isalnum() or char in "-_" else "_" for char in source) or "pages"
