"""Measure how well tables are found: TEDS on rendered ones, by kind.

python -m bench.tables --count 100 --seed 1

TEDS is the tree edit distance based similarity of Zhong et al., "Image-based table recognition: data, model, and
evaluation" (2020): 1 less the edit distance of the two trees of rows and cells over the nodes of the larger one; cells
of the same spans differ by the share of their characters that does. The page's largest table counts; a page without one
has 0, or 1 less what is missing. Writes one line of JSON a page to --out, and the means by kind.
"""

from __future__ import annotations

import argparse
import collections
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

import ocr
from bench.table_pages import TablePage, table_page
from common.edit_distance import edit_distance
from ocr.result import Page, TableCell
from train.synth.backgrounds import Backgrounds
from train.synth.corpus.sentences import Corpus
from train.synth.drawing.resources import Resources
from train.synth.typesetting.fonts import FontLibrary


@dataclass
class Node:
    """A node of a table's tree: the table, a row, or a cell with its text and spans."""

    tag: str
    text: str = ""
    children: list[Node] = field(default_factory=list)


def tree(cells: Sequence[TableCell]) -> Node:
    """The tree of a table; rows without cells of their own count too."""
    rows = max((cell.row + cell.row_span for cell in cells), default=0)
    root = Node("table", children=[Node("tr") for _ in range(rows)])
    for cell in sorted(cells, key=lambda each: (each.row, each.column)):
        text = "".join(cell.text.split())
        root.children[cell.row].children.append(
            Node(f"td {cell.row_span} {cell.column_span}", text)
        )
    return root


def teds(truth: Sequence[TableCell], found: Sequence[TableCell], *, texts: bool = True) -> float:
    """The similarity of two tables, from 0 to 1; without their texts, that of their structures."""
    from apted import APTED, Config

    class Costs(Config):  # type: ignore[misc]
        def rename(self, a: Node, b: Node) -> float:
            if a.tag != b.tag:
                return 1.0
            if not texts or not (a.text or b.text):
                return 0.0
            return edit_distance(a.text, b.text) / max(len(a.text), len(b.text))

    trees = tree(truth), tree(found)
    larger = max(
        1 + len(each.children) + sum(len(r.children) for r in each.children) for each in trees
    )
    return 1 - float(APTED(*trees, Costs()).compute_edit_distance()) / larger


def largest(page: Page) -> tuple[TableCell, ...]:
    """The cells of the page's table with most of them; none where it has no table."""
    return max((table.cells for table in page.tables), key=len, default=())


def resources() -> Resources:
    """What the pages are drawn with: the fonts of this machine."""
    return Resources(FontLibrary.load(None), Corpus.load(None), Backgrounds.load(None))


def score(reader: ocr.Reader, made: TablePage) -> tuple[float, float]:
    """TEDS of a page, with texts and without."""
    found = largest(reader.read(made.image))
    return teds(made.cells, found), teds(made.cells, found, texts=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser("python -m bench.tables", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", default=None, help="as demo.py has them")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="folder for the pictures and pages.jsonl")
    args = parser.parse_args(arguments)
    reader = ocr.load(**({"models": args.models} if args.models else {}), threads=args.threads)
    drawn = resources()
    kinds: dict[str, list[tuple[float, float]]] = collections.defaultdict(list)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    for number in range(args.first, args.first + args.count):
        made = table_page(drawn, args.seed, number)
        result = score(reader, made)
        for kind in ("all tables", *(f"{i} {part}" for i, part in enumerate(made.name.split("-")))):
            kinds[kind].append(result)
        if args.out:
            Pillow.fromarray(made.image).save(args.out / f"{number}.png")
            with (args.out / "pages.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps([number, made.name, *result]) + "\n")
    for kind, results in sorted(kinds.items()):
        with_texts, structure = np.mean(results, axis=0)
        print(f"{kind:16s} {len(results):4d}  TEDS {with_texts:.3f}  structure {structure:.3f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
