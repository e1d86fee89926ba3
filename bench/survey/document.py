"""Put generated parts into a page between their marks; all else that stands there is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping


def mark(name: str, part: str) -> str:
    """Return a part with its marks, which Markdown does not show."""
    return f"<!-- generated: {name} -->\n\n{part.strip()}\n\n<!-- end of {name} -->"


def with_parts(page: str, parts: Mapping[str, str], where: str = "the page") -> str:
    """Return a page with the text between the marks of each part replaced.

    Args:
        page: with `<!-- generated: NAME -->` and `<!-- end of NAME -->`, each once, for each part.
        parts: name to text.
        where: what messages call the page.

    Raises:
        ValueError: marks of a part are missing, are there twice, or are in the wrong order, or a part of another
            name is marked.
    """
    for name, part in parts.items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
        counts = page.count(begin), page.count(end)
        if counts != (1, 1) or page.index(begin) > page.index(end):
            raise ValueError(
                f"{where} has {counts[0]} times {begin!r} and {counts[1]} times {end!r}, expected each once, in "
                "this order; put them where the table should stand"
            )
        before, rest = page.split(begin)
        page = before + mark(name, part) + rest.split(end)[1]
    marked = set(re.findall(r"<!-- generated: (.*?) -->", page))
    if unknown := marked - set(parts):
        raise ValueError(f"{where} marks {', '.join(sorted(unknown))}, which nothing generates")
    return page
