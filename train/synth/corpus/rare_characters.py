"""Draw rare characters as often as common ones, each in a sentence that holds it.

In running text a few hundred characters are most of what is written, and thousands come once in a million; drawn by
themselves they teach strokes only, in a sentence also what stands beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PLACES = 12
"""Lines remembered for a character: enough that none is learned by heart."""


class RareCharacters:
    """Lines by the Han characters in them.

    Args:
        texts: lines of each text; lines are taken in an order of chance, the same each time.
        characters: those to look up; the others are not.
    """

    def __init__(self, texts: Sequence[Sequence[str]], characters: Sequence[str]) -> None:
        wanted = set(characters)
        found: dict[str, list[str]] = {}
        rng = np.random.default_rng(0)
        for lines in texts:
            for i in rng.permutation(len(lines)):
                line = lines[int(i)]
                # A character that has its lines is no longer looked for.
                for character in wanted.intersection(line):
                    places = found.setdefault(character, [])
                    places.append(line)
                    if len(places) == PLACES:
                        wanted.discard(character)
        self.characters = sorted(found)
        """Characters that the texts hold."""
        self._lines = found

    def draw(self, rng: np.random.Generator) -> tuple[str, str]:
        """Draw a character, each as likely as any other, and a line that holds it.

        Raises:
            LookupError: The texts hold none of the characters.
        """
        if not self.characters:
            raise LookupError("the texts hold none of the characters that are looked up")
        character = self.characters[int(rng.integers(len(self.characters)))]
        lines = self._lines[character]
        return character, lines[int(rng.integers(len(lines)))]


def around(rng: np.random.Generator, line: str, character: str, length: int) -> str:
    """Cut at most `length` characters out of a line, anywhere so that a character of it is among them."""
    places = [i for i, each in enumerate(line) if each == character]
    place = places[int(rng.integers(len(places)))]
    first = int(rng.integers(max(0, place - length + 1), place + 1))
    return line[first : first + length]
