import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from common.wording import counted

ROOT = Path(__file__).parents[2]
_COUNTED = {
    "document",
    "event",
    "finding",
    "input",
    "line",
    "model",
    "page",
    "picture",
    "sample",
    "text",
    "worker",
}
"""What messages count."""


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages"), (1000, "1000 pages")]
)
def test_one_has_no_plural(number: int, words: str) -> None:
    assert counted(number, "page") == words


def _plurals(source: str) -> Iterator[str]:
    """Values in f-strings that a plural follows: of 1 they say `1 lines`. "3 of 7 lines" is right."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        before = ""
        for value, text in pairwise([ast.Constant(""), *node.values]):
            if isinstance(value, ast.Constant):
                before = str(value.value)
            elif isinstance(text, ast.Constant) and not before.endswith(" of "):
                word = re.match(r" ([a-z]+)s\b(?!/)", str(text.value))
                if word and word[1] in _COUNTED:
                    yield f"line {node.lineno}: {word[1]}s"


def test_messages_that_count_know_the_singular() -> None:
    """Of what is printed for users: the command line, the service, data tools."""
    files = [ROOT / "demo.py", *(ROOT / "ocr").rglob("*.py"), *(ROOT / "train/data").rglob("*.py")]
    found = {path: list(_plurals(path.read_text("utf8"))) for path in files}
    assert {path: words for path, words in found.items() if words} == {}


def test_plurals_after_numbers_are_found() -> None:
    assert list(_plurals('f"{n} lines, {m} of {n} pages; {n} pictures"')) == [
        "line 1: lines",
        "line 1: pictures",
    ]
