"""The pages of one input in; the contents of an output file out, by format name."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ocr.result import Page

PAGE_BREAK = "\f"
"""Between pages of plain text, as other tools write it."""


def to_txt(pages: Sequence[Page]) -> str:
    """Lines of text, each with a line break; pages divided by form feeds."""
    return PAGE_BREAK.join(page.text + "\n" if page.lines else "" for page in pages)


def to_json(pages: Sequence[Page]) -> str:
    """One JSON object a line for each page."""
    return "".join(page.to_json() + "\n" for page in pages)


FORMATS: dict[str, Callable[[Sequence[Page]], str]] = {"txt": to_txt, "json": to_json}
"""Format name, which is also the file's extension, to the function that writes it."""


def save(path: Path, content: bytes) -> None:
    """Write a file so that it is never seen half written.

    Raises:
        OSError: It cannot be written; what was at the path is left as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
