"""Find tables with horizontal rules alone: under each row, or above and below; white parts their columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from ocr.layout.spans import Box
from ocr.page.grids import Grid, Mask, cells_between, column_runs, grid_of, text_rows
from ocr.table_settings import Tables


class Rule(NamedTuple):
    """A level rule: its box in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def banded_grids(ink: Mask, rules: Mask, settings: Tables) -> list[Grid]:
    """Find tables between level rules.

    Args:
        ink: (H, W) of the picture.
        rules: (H, W) all rules of it; those that uprights touch are left out.
        settings: Of this step.
    """
    text = ink & (1 - rules)
    grids = []
    for stack in _stacks(_level_rules(rules, settings), settings):
        grid = _grid_of_stack(stack, text, settings)
        if grid:
            grids.append(grid)
    return grids


def _level_rules(rules: Mask, settings: Tables) -> Iterator[Rule]:
    """Rules that stand alone."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(rules, connectivity=8)
    for left, top, width, height, _ in stats[1:count].tolist():
        if width >= settings.min_rule and height < settings.min_cell:
            yield Rule(left, top, left + width, top + height)


def _stacks(rules: Iterator[Rule], settings: Tables) -> list[list[Rule]]:
    """Rules from the top that begin and end at one place."""
    stacks: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda each: each.top):
        slack = max(settings.min_cell / 2, settings.rule_slack * (rule.right - rule.left))
        for stack in stacks:
            last = stack[-1]
            if abs(last.left - rule.left) <= slack and abs(last.right - rule.right) <= slack:
                stack.append(rule)
                break
        else:
            stacks.append([rule])
    return [stack for stack in stacks if len(stack) > settings.min_bands]


def _grid_of_stack(stack: list[Rule], text: Mask, settings: Tables) -> Grid | None:
    """The table between some rules; None where it has no columns."""
    left, right = min(rule.left for rule in stack), max(rule.right for rule in stack)
    bands: list[Box] = [
        (left, above.bottom, right, below.top)
        for above, below in pairwise(stack)
        if below.top - above.bottom >= settings.min_cell
    ]
    if any(_is_closed(text, band, settings) for band in bands):
        return None
    rows: list[tuple[int, int]] = []
    for band in bands:
        found = text_rows(text, band, settings)
        if found and len(bands) > settings.plain_bands:
            found = [(found[0][0], found[-1][1])]
        rows += found
    if len(rows) < 2:
        return None
    inside = np.zeros_like(text)
    inside[:, left:right] = text[:, left:right]
    height = float(np.median([stop - start for start, stop in rows]))
    columns = column_runs(inside, rows, height, settings)
    if len(columns) < 2:
        return None
    cells = cells_between(inside, rows, columns, height, settings)
    # As far as its rules, so that lines that a detector drew wide are inside.
    wide = [
        (
            left if x0 == min(cell[0] for cell in cells) else x0,
            y0,
            right if x1 == max(cell[2] for cell in cells) else x1,
            y1,
        )
        for x0, y0, x1, y1 in cells
    ]
    return grid_of(wide, inside, settings, ruled=True)


def _is_closed(text: Mask, band: Box, settings: Tables) -> bool:
    """Whether strokes, too short for rules, close a band at both ends: it is a field or button of a form."""
    left, top, right, bottom = band
    ends = [
        text[top:bottom, max(x - settings.min_cell, 0) : x + settings.min_cell].any(axis=1).mean()
        for x in (left, right)
    ]
    return bool(min(ends) >= settings.closed_share)
