"""Word what messages say of numbers."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Say how many there are of a thing: 1 page, 2 pages.

    Args:
        number: From 0.
        noun: One of them; its plural has an s.
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
