"""Count the edits between two texts."""

from __future__ import annotations


def edit_distance(a: str, b: str) -> int:
    """Count the insertions, deletions and substitutions that turn `a` into `b` (Levenshtein).

    Bit-parallel over a whole column of the table (Myers 1999; Hyyrö 2003) in Python's long integers: pages
    of thousands of characters take milliseconds.
    """
    if not a or not b:
        return len(a) + len(b)
    positions: dict[str, int] = {}
    for i, char in enumerate(a):
        positions[char] = positions.get(char, 0) | 1 << i
    full, last = (1 << len(a)) - 1, 1 << len(a) - 1
    plus, minus, distance = full, 0, len(a)  # vertical steps of +1 and -1 in the current column
    for char in b:
        equal = positions.get(char, 0)
        diagonal = ((equal & plus) + plus) ^ plus | equal | minus
        across_plus = (minus | ~(diagonal | plus)) & full
        across_minus = plus & diagonal
        distance += bool(across_plus & last) - bool(across_minus & last)
        across_plus = across_plus << 1 | 1
        across_minus <<= 1
        kept = equal | minus
        plus = (across_minus | ~(kept | across_plus)) & full
        minus = across_plus & kept & full
    return distance
