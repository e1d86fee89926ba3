"""Convert Chinese from one script to the other with OpenCC."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache


@cache
def converter(name: str) -> Callable[[str], str]:
    """Return one of OpenCC's conversions: "s2t", simplified to traditional, "t2s" and so on.

    Raises:
        ModuleNotFoundError: OpenCC is not installed.
    """
    try:
        from opencc import OpenCC
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "traditional and simplified characters are turned into each other by OpenCC; "
            "pip install -r requirements-train.txt"
        ) from error
    convert: Callable[[str], str] = OpenCC(name).convert
    return convert
