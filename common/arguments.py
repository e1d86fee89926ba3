"""Check the values of command-line options."""

from __future__ import annotations

import argparse
from collections.abc import Iterable


def positive(text: str) -> int:
    """Return the number that a text holds.

    Raises:
        argparse.ArgumentTypeError: it is not a whole number from 1.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def check_folders(args: argparse.Namespace, names: Iterable[str]) -> None:
    """Check that the folders which options name are there; an option may be left out.

    Raises:
        ValueError: one is not; says which option named it.
    """
    for name in names:
        folder = getattr(args, name)
        if folder is not None and not folder.is_dir():
            raise ValueError(f"--{name.replace('_', '-')} {folder}: there is no such folder")
