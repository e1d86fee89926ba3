"""Hold every threshold of the reading chain, one frozen dataclass for each step.

In Python `ocr.load(settings=Settings(retry=Retry(below_score=0.9)))`, in commands `--set retry.below_score=0.9`.
Scores and shares are from 0 to 1; lengths are in pixels, or in heights of the line where it says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from angle.settings import Patches
from common.settings import StepSettings, setting
from ctpn.method import CTPN
from detection.scales import ScaleSettings
from detection.small_print import SmallPrint
from ocr.column_settings import Columns, Vertical
from ocr.special_settings import Plausibility, Seals, UpsideDown
from ocr.table_settings import CharacterGrid, Frames, Tables
from recognition.decoding.lexicon import LexiconSettings
from recognition.decoding.prefix_search import Weights
from recognition.decoding.script_consistency import ScriptSettings


@dataclass(frozen=True)
class Orientation(StepSettings):
    """How far the page is turned: by patches of it, then by its lines, their text and the scene."""

    accept_upright_score: float = setting(
        0.98, "Score of the patches from which an upright page is believed; more costs time", 0, 1
    )
    accept_turned_score: float = setting(
        0.999,
        "The same for a turned page: few are, and dense columns look like rows on their side",
        0,
        1,
    )
    accept_score: float = setting(
        0.98, "Probability from which neither text is read nor the scene asked after that", 0, 1
    )
    min_score: float = setting(
        0.6, "Probability below which a page is left as it is; less turns more pages wrongly", 0, 1
    )
    min_short_score: float = setting(
        0.99,
        "The same for one or two short strings: less turns numbers and words that read both ways",
        0,
        1,
    )
    short_lines: int = setting(2, "Strings that these are at most", 0)
    short_length: float = setting(3.0, "Their length together in heights at most", 0)
    min_side: int = setting(
        800,
        "Long side in pixels at which lines are searched at least: on its side, text needs more",
        0,
    )
    lines: int = setting(
        6, "Largest lines that are classified and read on each axis; more cost time", 1
    )
    row_ratio: float = setting(
        1.2,
        "Height of a line in its widths from which it is not read: crops of it would be turned",
        0,
    )
    min_prior_score: float = setting(
        0.6, "Score from which the patches have a vote among the lines'", 0, 1
    )
    prior_weight: float = setting(0.5, "Weight of that vote: they show much the same text", 0)
    reading_weight: float = setting(
        3.0, "Nats by which a surely read character speaks for its turn", 0
    )
    reading_floor: float = setting(
        0.6, "Score of a reading that says nothing: text upside down often reaches it", 0, 1
    )
    min_characters: int = setting(
        2, "Characters of a reading that speaks: 8, H and 中 read both ways", 1
    )
    characters_per_height: float = setting(
        2.0,
        "Characters that count at most for each height of a crop's width: nonsense can be long",
        0,
    )
    text_weight: float = setting(
        0.5, "Weight of text beside the scene: votes of a few blurred words err together", 0
    )
    scene_floor: float = setting(
        0.06,
        "Probability that the scene leaves to each turn: it was learned from few photographs",
        1e-9,
        1,
    )


@dataclass(frozen=True)
class Deskew(StepSettings):
    """Pages photographed at an angle are deskewed; angles in degrees."""

    min_skew: float = setting(5.0, "Skew below which a page is read as it is", 0, 90)
    max_skew: float = setting(40.0, "Skew beyond which lines are no rows of this page", 0, 90)
    max_rest: float = setting(1.5, "Skew of a deskewed page below which it is straight", 0, 90)
    rounds: int = setting(5, "Rotations at most; each costs a detection", 1)
    min_aspect: float = setting(1.5, "Length in heights from which a line tells its direction", 0)
    max_deviation: float = setting(
        5.0, "Difference from the median up to which a line agrees", 0, 90
    )
    min_agreement: float = setting(
        0.8,
        "Share of the lines' length that agrees where their skew is the page's; signs differ",
        0,
        1,
    )
    min_level_agreement: float = setting(
        0.95, "Share from which lines without skew are believed; below, the picture is asked", 0, 1
    )
    min_lines: int = setting(
        8, "Lines of a page torn to pieces: fewer that differ are signs of a street", 1
    )
    many_lines: int = setting(100, "Lines from which pieces are suspected even where they agree", 1)
    min_agreement_by_lines: float = setting(
        0.6, "Share that agrees on a page deskewed by its lines, or it stays what it was", 0, 1
    )
    min_agreement_by_projection: float = setting(
        0.9, "The same on a page deskewed by its projection profile", 0, 1
    )
    min_kept: float = setting(
        0.9, "Share of the lines' length, weighed by score, that a deskewed page must keep", 0
    )
    profile_side: int = setting(
        640, "Long side in pixels of the picture whose profile is taken", 16
    )
    stroke_share: float = setting(0.1, "Share of its pixels that count as strokes", 1e-3, 1)


@dataclass(frozen=True)
class Order(StepSettings):
    """Reading order: rows, unless a gutter parts columns; lengths in line heights."""

    min_column_rows: int = setting(3, "Rows that each side of a gutter needs to be a column", 1)
    min_column_share: float = setting(
        1 / 3,
        "Share of the lines that a gutter must part: one row of long cells is no column",
        0,
        1,
    )
    min_column_width: float = setting(
        6.0, "Width of running text; narrower is a cell of a table", 0
    )
    min_coverage: float = setting(
        0.85, "Share of its row that running text covers in 4 rows of 5", 0, 1
    )
    min_fill: float = setting(
        0.7, "Median row as a share of its column: wrapped text reaches the edge", 0, 1
    )
    min_gutter: float = setting(0.5, "Width of a gutter", 0)
    max_number_width: float = setting(3.0, "Width of a line's number in the margin", 0)
    max_common_rows: float = setting(
        0.6,
        "Share of a side's rows level with rows across the gutter, up to which these are columns",
        0,
        1,
    )
    direction_noise: float = setting(
        0.1, "Height by which a line's ends are up and down by chance: less skew is none", 0
    )
    level: float = setting(0.25, "Distance of two rows' middles up to which they are level", 0)
    row_overlap: float = setting(
        0.5, "Share of the lower line's height that lines of one row share", 0, 1
    )
    couplet_ratio: float = setting(
        3.0, "Height in widths of vertical writing on a horizontal page", 1
    )
    max_gutters: int = setting(8, "Gutters tried, those first that cross the fewest lines", 1)


@dataclass(frozen=True)
class Crop(StepSettings):
    """Lines are cut out of the page."""

    margin: float = setting(
        0.08,
        "Share of its height by which a line grows on each side; more lets neighbours in",
        0,
        1,
    )
    batch_bytes: int = setting(
        64_000_000, "Bytes of crops held at a time; a page with more is read in several goes", 1
    )


@dataclass(frozen=True)
class Vote(StepSettings):
    """A single word of low score is read in many views, which vote; only with `single_line`."""

    below_score: float = setting(0.95, "Score below which a word is read in all views", 0, 1)
    max_aspect: float = setting(8.0, "Width in heights of a word: longer ones cannot be tilted", 0)
    tilts: tuple[float, ...] = setting(
        (0.0, -8.0, 8.0, -16.0, 16.0, -24.0, 24.0), "Tilts in degrees", -45, 45
    )
    stretches: tuple[float, ...] = setting((1.0, 1.35, 1.8, 2.4), "Factors of the width", 0.1, 10)
    trim: float = setting(
        0.12, "Share of the height cut off above and below in some views", 0, 0.45
    )
    trimmed_tilts: int = setting(3, "The first so many tilts are also tried trimmed", 0)
    trimmed_stretches: int = setting(3, "The first so many stretches, likewise", 0)
    shears: tuple[float, ...] = setting((-0.5, -0.25, 0.25, 0.5), "Columns a row of shear", -2, 2)
    tall_ratio: float = setting(1.1, "Height in widths from which a word may run up or down", 0)
    min_tilted_height: float = setting(
        0.45, "Least share of the height that a tilted view keeps", 0, 1
    )
    tilted_margin: float = setting(1.15, "Height of a tilted view in heights of the line in it", 0)
    score_power: float = setting(4.0, "Power of the score in a reading's vote", 0)
    length_power: float = setting(0.5, "Power of the length in it: bad views lose letters", 0)
    language_weight: float = setting(0.1, "Weight of the language model's log-probability", 0)
    letter_bonus: float = setting(0.4, "Nats that each letter gains to make up for that", 0)
    latin_width: float = setting(0.58, "Heights that a Latin letter takes along a crop", 0.01)
    wide_width: float = setting(0.88, "The same for a Chinese character", 0.01)
    width_deviation: float = setting(0.4, "Deviation of the logarithm of these widths", 0.01)


@dataclass(frozen=True)
class Retry(StepSettings):
    """Lines of low score with narrow letters are read again, stretched."""

    below_score: float = setting(
        0.95, "Score below which a line is read again; more costs time", 0, 1
    )
    min_score: float = setting(0.3, "Score below which there is no text to be made out", 0, 1)
    max_pitch: float = setting(
        0.7, "Heights of a crop for each character from which the network's steps suffice", 0
    )
    stretch: float = setting(1.25, "Factor of the width", 1, 10)
    lost_characters: int = setting(4, "Characters that a reading lacks if it has lost some", 1)
    lost_share: float = setting(0.25, "The same as a share of those it has", 0, 1)
    trusted_score: float = setting(
        0.7, "Score from which the longer of two readings is believed", 0, 1
    )


@dataclass(frozen=True)
class Split(StepSettings):
    """Lines are parted at gaps that no space between words has; gaps in line heights."""

    han_gap: float = setting(
        1.05, "Gap that parts a line with Chinese; a full-width space is less", 0
    )
    punctuated_gap: float = setting(1.3, "The same beside full-width punctuation", 0)
    number_gap: float = setting(1.25, "Gap between numbers in a line without Chinese", 0)
    amount_gap: float = setting(1.0, "Gap beside an amount of money, which has its own column", 0)
    lettering_share: float = setting(
        0.035, "Height, by the picture's shorter side, of lettering in which any space parts", 0, 1
    )
    lettering_height: float = setting(20.0, "Height of such lettering in pixels at least", 0)
    trim: float = setting(0.08, "Share of the crop's height left out above and below", 0, 0.45)
    max_spread: float = setting(
        12.0, "Grey levels by which an empty column differs at most", 0, 255
    )
    max_spread_share: float = setting(0.22, "The same as a share of the crop's contrast", 0, 1)
    max_ground_share: float = setting(
        0.5, "Contrast up to which an even column is ground, no ink", 0, 1
    )


@dataclass(frozen=True)
class Accept(StepSettings):
    """What was found is text if the detector is sure of it or it can be read."""

    min_detection_score: float = setting(
        0.7,
        "Detector's score from which a line is text whatever it reads; less keeps more noise, "
        "above 1 all has to be read",
        0,
        2,
    )
    min_reading_score: float = setting(
        0.5, "Reading's score from which a less likely one is too", 0, 1
    )
    min_rule: int = setting(
        4, "Dots or dashes alone that are a rule, no text: an ellipsis is less", 1
    )


@dataclass(frozen=True)
class Settings:
    """Hold the settings of all steps, and of the models that they ask.

    `patches` are the classifier's; `detect` the detector's, whatever its method, `ctpn` that method's; `search`,
    `script` and `lexicon` the recognizer's, where it reads by CTC.
    """

    patches: Patches = field(default_factory=Patches)
    orientation: Orientation = field(default_factory=Orientation)
    detect: ScaleSettings = field(default_factory=ScaleSettings)
    ctpn: CTPN = field(default_factory=CTPN)
    deskew: Deskew = field(default_factory=Deskew)
    small_print: SmallPrint = field(default_factory=SmallPrint)
    order: Order = field(default_factory=Order)
    crop: Crop = field(default_factory=Crop)
    vote: Vote = field(default_factory=Vote)
    retry: Retry = field(default_factory=Retry)
    vertical: Vertical = field(default_factory=Vertical)
    columns: Columns = field(default_factory=Columns)
    split: Split = field(default_factory=Split)
    accept: Accept = field(default_factory=Accept)
    search: Weights = field(default_factory=Weights)
    script: ScriptSettings = field(default_factory=ScriptSettings)
    lexicon: LexiconSettings = field(default_factory=LexiconSettings)
    upside_down: UpsideDown = field(default_factory=UpsideDown)
    plausibility: Plausibility = field(default_factory=Plausibility)
    seals: Seals = field(default_factory=Seals)
    character_grid: CharacterGrid = field(default_factory=CharacterGrid)
    frames: Frames = field(default_factory=Frames)
    tables: Tables = field(default_factory=Tables)
