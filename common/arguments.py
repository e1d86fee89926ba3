"""Check the values of command-line options."""

from __future__ import annotations

import argparse


def positive(text: str) -> int:
    """Return the number that a text holds.

    Raises:
        argparse.ArgumentTypeError: it is not a whole number from 1.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)
