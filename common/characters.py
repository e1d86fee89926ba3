"""Facts of writing that more than one package goes by."""

from __future__ import annotations

WIDE_FROM = "\u2e80"
"""Characters from here on (Han, kana, full-width signs) fill a square."""
