"""Hold the thresholds of vertical writing; `ocr.settings.Settings` has them as `vertical` and `columns`."""

from __future__ import annotations

from dataclasses import dataclass

from common.settings import StepSettings, setting


@dataclass(frozen=True)
class Vertical(StepSettings):
    """Tall crops are read again: characters set upright, upside down, and as they stand; lengths in widths."""

    accept_score: float = setting(
        0.95, "Score from which a column is not read upside down as well", 0, 1
    )
    max_glyph_aspect: float = setting(
        3.2, "Height below which a box may be a narrow character: 1, l", 0
    )
    max_cell: float = setting(1.15, "Height of an upright character's cell at most", 0.1)
    min_pitch: float = setting(0.5, "Least distance of characters that can be right", 0)
    max_pitch: float = setting(3.0, "Greatest distance, likewise", 0)


@dataclass(frozen=True)
class Columns(StepSettings):
    """Pages that read badly are searched for columns of vertical writing."""

    max_page_score: float = setting(
        0.7,
        "Mean score by area below which rows may cut across columns; more searches more pages",
        0,
        1,
    )
    large_share: float = setting(
        0.3, "Share of the page from which a line may hold several columns", 0, 1
    )
    accept_score: float = setting(0.95, "Score from which such a line is believed", 0, 1)
    poor_score: float = setting(0.7, "Score below which a tall box may hold several columns", 0, 1)
    min_thickness: float = setting(1.5, "Width of such a box in heights of the page's rows", 0)
    min_score: float = setting(0.6, "Score from which a found column is text", 0, 1)
    min_gain: float = setting(
        1.6, "Characters by score that it must bring for each that it replaces", 0
    )
    min_piece_gain: float = setting(
        0.85, "The same for one that was read in pieces: at their ends characters come twice", 0
    )
    max_letters: float = setting(
        0.1, "Share of the pieces of a column that may be read as letters or digits", 0, 1
    )
    max_overlap: float = setting(0.3, "Share of a column that may lie in a better one", 0, 1)
    max_replaced: float = setting(0.5, "Share of a line up to which it stays beside columns", 0, 1)
    max_replaced_poor: float = setting(0.2, "The same for tall lines and those of poor score", 0, 1)
