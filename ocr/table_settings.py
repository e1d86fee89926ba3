"""Hold the thresholds of reading tables and grids of characters; `ocr.settings.Settings` has both."""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import StepSettings, setting


@dataclass(frozen=True)
class Tables(StepSettings):
    """Grids of short cells are read cell by cell; lengths in pixels or in heights of a line."""

    ink_block: int = setting(25, "Pixels around a pixel that are its surroundings", 3)
    ink_contrast: int = setting(12, "Gray levels by which ink is darker than these", 1)
    min_rule: int = setting(40, "Pixels of a rule at least: characters have shorter strokes", 8)
    min_rule_share: float = setting(0.02, "The same in longer sides of the picture", 0, 1)
    max_dot: int = setting(4, "Thickness in pixels of dotted and dashed rules at most", 1)
    max_dot_share: float = setting(0.0035, "The same in longer sides of the picture", 0, 1)
    min_dotted_share: float = setting(
        0.15, "Length of such a level rule by the picture's width at least", 0, 1
    )
    min_cell: int = setting(8, "Pixels of a cell's shorter side at least", 1)
    min_cell_fill: float = setting(0.85, "Share of its box that a cell takes at least", 0, 1)
    max_pixels: int = setting(
        25_000_000, "Pixels of a picture that is searched for grids at most: bounds memory", 1
    )
    min_cells: int = setting(6, "Cells of a grid at least", 2)
    min_tiling: float = setting(0.65, "Share of a grid that its cells take at least", 0, 1)
    min_score: float = setting(0.6, "Score of a cell at least; see weak_share", 0, 1)
    weak_share: float = setting(0.15, "Share of cells that may score less than min_score", 0, 1)
    full_tiling: float = setting(
        0.85, "Share of a ruled grid that cells take at least that fill it", 0, 1
    )
    full_weak_share: float = setting(
        0.4, "The same as weak_share for a grid that its cells fill", 0, 1
    )
    min_filled: float = setting(0.5, "Share of a grid's cells with text in them at least", 0, 1)
    min_ink: int = setting(6, "Pixels of ink from which a cell is not empty", 1)
    min_row_gap: int = setting(2, "Pixels of white between the rows of a grid without rules", 1)
    min_in_cells: float = setting(
        0.5, "Share of a line in cells of a grid from which these stand for it", 0, 1
    )
    min_rows: int = setting(3, "Rows of a grid without rules at least", 2)
    min_columns: int = setting(3, "Columns of a grid without rules at least", 2)
    min_column_gap: int = setting(6, "Pixels of white between its columns at least", 1)
    column_gap: float = setting(0.6, "The same in heights of a row", 0)
    max_cell_width: float = setting(3.5, "Usual width of its columns in heights at most", 0)
    max_row_ratio: float = setting(1.6, "Height of its highest row in that of its lowest", 1)
    max_row_gap: float = setting(2.5, "Gap between its rows in heights at most", 0)
    edge_slack: float = setting(
        0.3, "Usual heights of a cell by which edges of one row or column differ at most", 0, 1
    )
    rule_slack: float = setting(
        0.02, "Lengths of rules by which the ends of those of one table differ at most", 0, 1
    )
    closed_share: float = setting(
        0.9, "Height of a stroke in that of a band at least that closes it: text is lower", 0, 1
    )
    min_bands: int = setting(2, "Bands between level rules of a table at least", 1)
    plain_bands: int = setting(
        3, "Bands up to which each may hold several rows: head, body and foot", 0
    )
    min_line: float = setting(
        0.25, "Height of a line in a cell against those of the table at least: less is dirt", 0, 1
    )
    max_lines: float = setting(1.8, "Height of a cell's ink in heights of a line at most", 1)
    min_plain: float = setting(
        0.5, "Share of its cells with digits or Latin letters: else it may be columns of Han", 0, 1
    )


@dataclass(frozen=True)
class Frames(StepSettings):
    """Lines are parted at frames around values; lengths in heights of the line."""

    max_pixels: int = setting(
        25_000_000, "Pixels of a picture that is searched at most: bounds memory", 1
    )
    min_height: float = setting(8.0, "Pixels of a frame's inside at least", 1)
    min_ratio: float = setting(1.5, "Its length by its height at least: letters are less", 1)
    min_fill: float = setting(0.9, "Share of its rectangle that it fills at least", 0, 1)
    min_ground: float = setting(
        0.1,
        "Share of the upright box around it that is ground, neither ink nor outside, at least",
        0,
        1,
    )
    min_ink: float = setting(
        0.02, "Share of its inside that is ink at least: letters that touch enclose specks", 0, 1
    )
    min_in_line: float = setting(0.75, "Height of a frame at least: parts of letters are less", 0)
    max_in_line: float = setting(2.5, "Height of a frame at most: it holds one line", 0)
    max_aside: float = setting(0.5, "How far its middle lies off the axis of the line", 0)
    min_piece: float = setting(0.5, "Length of a part at least: less is the rest of a frame", 0)
    max_stroke: float = setting(0.15, "Width of a frame's strokes by its height at most", 0, 1)


@dataclass(frozen=True)
class CharacterGrid(StepSettings):
    """Chinese characters in a regular grid are read along its columns where these make better sense."""

    min_cells: int = setting(9, "Characters of such a grid at least", 4)
    min_side: int = setting(3, "Rows and columns at least", 2)
    min_filled: float = setting(
        0.8, "Share of its places that is taken at least: lines end early", 0, 1
    )
    min_ratio: float = setting(
        0.7,
        "Distance of columns by that of rows at least: in lines of print characters touch",
        0,
    )
    max_spread: float = setting(
        0.5, "Distance in characters of two that are in one row or column at most", 0
    )
    max_uneven: float = setting(
        0.25, "Deviation of the distances of rows, and of columns, from the usual one at most", 0
    )
    max_size_change: float = setting(0.35, "The same of the sizes of their lines", 0)
    min_gain: float = setting(
        0.5, "Nats a character by which columns are more likely, as text, at least", 0
    )
