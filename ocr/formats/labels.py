"""Write pages as labels, to correct what was read instead of typing it: ours, PaddleOCR's and ICDAR's.

Each names pictures as the pages do: whoever writes the file makes that the path which the programs expect.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ocr.formats.words import plain_text
from ocr.result import Box, Page

SOURCE = "ocr"
"""What the labels call the origin of their records."""


def to_labels(pages: Sequence[Page]) -> str:
    """`labels.jsonl`: a JSON object a line for each page, as `train.evaluate` and training read it."""
    return "".join(_record(page) for page in pages)


def _record(page: Page) -> str:
    lines = [
        {"quad": _corners(line.box), "text": plain_text(line.text), "ignore": False}
        for line in page.lines
    ]
    content = {"image": page.image, "source": SOURCE, "kind": "page", "lang": "", "lines": lines}
    return json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"


def to_paddle(pages: Sequence[Page]) -> str:
    """`Label.txt` of PaddleOCR and PPOCRLabel: path, tab, JSON list of transcriptions with whole-pixel corners."""
    rows = []
    for page in pages:
        lines = [
            {
                "transcription": plain_text(line.text),
                "points": [[round(x), round(y)] for x, y in line.box],
                "difficult": False,
            }
            for line in page.lines
        ]
        rows.append(f"{plain_text(page.image)}\t{json.dumps(lines, ensure_ascii=False)}\n")
    return "".join(rows)


def to_icdar(pages: Sequence[Page]) -> str:
    """`gt_<picture>.txt` of ICDAR 2015: eight whole coordinates and the text a line, divided by commas.

    Args:
        pages: One; each picture has a file of its own.
    """
    (page,) = pages
    return "".join(
        ",".join(str(round(value)) for corner in line.box for value in corner)
        + f",{plain_text(line.text)}\n"
        for line in page.lines
    )


def _corners(box: Box) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in box]
