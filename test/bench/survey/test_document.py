"""Parts of a page between their marks: replaced there and nowhere else; marks that do not fit are said."""

from __future__ import annotations

import pytest

from bench.survey.document import mark, with_parts

PAGE = f"# Title\n\nBefore.\n\n{mark('a', 'old')}\n\nBetween $1 \\1.\n\n{mark('b', '')}\n\nAfter.\n"


def test_parts_are_replaced_and_all_else_is_kept() -> None:
    page = with_parts(PAGE, {"a": "| new |", "b": r"\1 | $2"})
    assert page == PAGE.replace("old", "| new |").replace(mark("b", ""), mark("b", r"\1 | $2"))


def test_the_same_parts_again_change_nothing() -> None:
    once = with_parts(PAGE, {"a": "x\n", "b": "\ny"})
    assert with_parts(once, {"a": "x\n", "b": "\ny"}) == once


@pytest.mark.parametrize(
    ("page", "parts", "message"),
    [
        ("no marks", {"a": ""}, "page has 0 times '<!-- generated: a -->'"),
        (mark("a", "") * 2, {"a": ""}, "2 times"),
        ("<!-- end of a -->\n<!-- generated: a -->", {"a": ""}, "in this order"),
        (PAGE, {"a": ""}, "marks b, which nothing generates"),
    ],
)
def test_marks_that_do_not_fit(page: str, parts: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        with_parts(page, parts)
