"""Hold every share of the line renderer: how often lines are of a kind, say what, and get which effect."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Rng = np.random.Generator

SCENE_WIDTH = 300
"""Columns of the widest lines that are words on walls and boards."""

NARROW_KINDS: Mapping[str, float] = {
    "document": 0.30,  # print on paper and everything like it
    "screen": 0.205,  # small text of menus and games, drawn to the pixel and hardly damaged
    "scene": 0.225,  # words on walls and boards, seen from aside, badly lit
    "sizes": 0.055,  # several sizes and faces on one line: prices, posters, shop fronts
    "curved": 0.035,  # along an arc or a wave, in an upright crop
    "far": 0.035,  # 10 to 16 pixels of a camera, enlarged
    "display": 0.045,  # seven segments, LED matrix
    "framed": 0.02,  # a value in a frame beside its unit
    "column": 0.025,  # one character under the other
    "hand": 0.055,  # strokes along their middle lines, where these were fetched
}
"""Kinds of lines of up to `SCENE_WIDTH` columns."""

WIDE_KINDS: Mapping[str, float] = {
    **{
        "document": 0.57,
        "screen": 0.26,
        "sizes": 0.03,
        "far": 0.02,
        "display": 0.01,
        "hand": 0.08,
        "column": 0.03,
    }
}
"""Kinds of wider lines."""

TEXTS: Mapping[str, float] = {
    "zh": 0.265,
    "en": 0.17,
    "words": 0.07,
    "number": 0.045,  # numbers, dates and addresses of the corpus
    "value": 0.08,  # codes, amounts, measures, formulas
    "cell": 0.025,  # one to three characters
    "context": 0.06,  # chats, exam papers, games, notes
    "random": 0.065,
    "rare": 0.055,
    "mixed": 0.075,
    "entry": 0.03,
    "point": 0.03,
    "leaders": 0.03,
}
"""What lines say that are not signs."""

EFFECTS: Mapping[str, float] = {
    "scanned": 0.40,  # of print: black on white, hardly damaged
    "spaced": 0.15,  # letters further apart, or touching
    "photographed": 0.16,  # of the other print: low, a little out of focus, a page taken whole
    "parted": 0.08,  # of print: one space is as wide as between columns of a table
    "latin_face": 0.35,  # of Chinese text: Latin in a Latin face
    "clear_display": 0.6,  # of displays seen from before: hardly damaged
    "shrunk": 0.65,  # of screens: saved smaller than they were
    "painted": 0.35,  # of large print: edges, shadows and shades
    "painted_scene": 0.32,  # of scenes
    "neon": 0.06,  # of painted lines: tubes that glow along the letters' edges
    "embossed": 0.08,  # of painted lines: raised out of a plate or sunk into it
    "fill_as_ground": 0.30,  # of edged letters: as light inside as the ground
    "stretched": 0.10,  # of print: .5 to 1.8 as wide
    "unsteady": 0.5,  # of print in faces of hands, and of signs in them
    "brushed": 0.08,  # of signs: streaks of a dry brush
    "weathered": 0.06,  # of signs: flakes of paint are gone
    "worn": 0.03,  # pale and uneven, as of thermal printers
    "struck": 0.02,
    "boxed": 0.02,
    "highlighted": 0.02,
    "sealed": 0.01,
    "squared_paper": 0.25,  # of what is written by hand: a character in each square
    "ruled_paper": 0.4,  # of the rest: a line below, or above, too
    "glare": 0.03,
    "cut_short": 0.07,  # the first or last letter is partly or wholly gone
    "faint": 0.04,  # 12 to 40 grey levels between the darkest and the lightest
    "squashed": 0.04,  # strong compression
}
"""Of the lines that can have it, the share that gets an effect."""


def happens(rng: Rng, effect: str) -> bool:
    """Draw whether a line gets an effect."""
    return bool(rng.random() < EFFECTS[effect])


def draw(rng: Rng, shares: Mapping[str, float]) -> str:
    """Draw a name by its share; the shares need not sum to 1."""
    left = rng.random() * sum(shares.values())
    for name, share in shares.items():
        left -= share
        if left < 0:
            return name
    return name
