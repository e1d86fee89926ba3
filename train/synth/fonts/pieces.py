"""Group the files of a package into faces: a web font comes in pieces by subset."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

_FILE = re.compile(
    r"files/.+?-(?P<subset>\d+|latin|greek|chinese-[a-z]+|japanese)-(?P<weight>\d{3})-(?P<slope>normal|italic)\.woff2$"
)
# No character of the charset is in the other subsets of alphabets: latin-ext, cyrillic, vietnamese.
_LETTERS = ("latin", "greek")
_REGULAR, _BOLD, _BOLD_FROM = 400, 700, 600


def choose_pieces(names: Iterable[str], *, name: str, han: bool) -> dict[str, list[str]]:
    """Choose the faces to build and the pieces of each: regular and bold, upright, and for Latin slanted too.

    Args:
        names: every path inside the package.
        name: of the family, which starts the file names of its faces.
        han: whether the family draws Han characters.

    Returns:
        File stem of a face to its pieces, that with the Latin letters first.
    """
    every = sorted(n for n in names if n.endswith(".woff2"))
    if any("/dist/" in n for n in every):
        return _by_folder(every, name)
    faces: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for path in every:
        match = _FILE.search(path)
        if match and path.split("/files/")[1].startswith(f"{name}-{match['subset']}-"):
            faces[(match["slope"], int(match["weight"]))][match["subset"]] = path
    return {
        f"{name}-{weight}-{slope}": _ordered(pieces, han=han)
        for (slope, weight), pieces in sorted(faces.items())
        if weight in _weights(w for s, w in faces if s == slope) and not (han and slope == "italic")
    }


def _weights(weights: Iterable[int]) -> set[int]:
    """Choose the weights nearest to regular and to bold."""
    every = sorted(weights)
    bold = min(every, key=lambda w: abs(w - _BOLD))
    return {min(every, key=lambda w: abs(w - _REGULAR)), *([bold] if bold >= _BOLD_FROM else [])}


def _ordered(pieces: Mapping[str, str], *, han: bool) -> list[str]:
    """Return the Latin pieces, then the others; a subset that also comes in numbered pieces only in these."""
    numbered = any(subset.isdigit() for subset in pieces)
    kept = [s for s in pieces if s in _LETTERS or han and s.isdigit() >= numbered]
    return [pieces[s] for s in sorted(kept, key=lambda s: (s != "latin", s))]


def _by_folder(paths: list[str], name: str) -> dict[str, list[str]]:
    """Return the faces of a package with one folder for each: those called regular or bold, or all of two at most."""
    folders: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        folders[PurePosixPath(path).parent.name].append(path)
    if len(folders) > 2:
        folders = {
            f: p
            for f, p in folders.items()
            if f.endswith(("Regular", "Bold")) and "Semi" not in f and "Extra" not in f
        }  # type: ignore[assignment]
    return {
        f"{name}-{_BOLD if f.endswith('Bold') else _REGULAR}-normal": folders[f] for f in folders
    }
