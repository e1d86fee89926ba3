"""Choose the faces that training draws with, and how often it draws with which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.characters import is_wide
from train.synth.fonts.cache import cache_folder, training_folder
from train.synth.fonts.families import PACKAGES, STYLES, held_out_names
from train.synth.typesetting.face import Face
from train.synth.typesetting.face_file import SUFFIXES, face_of
from train.synth.typesetting.face_index import VERSION, FaceIndex

FOLDERS = (Path("/usr/share/fonts"), Path.home() / ".local/share/fonts")
MIN_HAN, MIN_LATIN = 15, 30

HAN_FOR_LATIN = 0.2
"""Share of Latin text in a Chinese face: inside Chinese documents that draws most of it."""

# Shares of styles where the page leaves the style open, of Latin and of Chinese faces.
LATIN_SHARES = {
    **{"sans": 0.36, "serif": 0.22, "mono": 0.08},
    **{"display": 0.13, "script": 0.09, "hand": 0.09, "pixel": 0.03},
}
HAN_SHARES = {
    **{"sans": 0.42, "serif": 0.30, "mono": 0.01},
    **{"display": 0.10, "hand": 0.15, "pixel": 0.02},
}
# What a page gets that asks for a style: lettering is of many kinds, and Chinese has hardly a fixed pitch.
LATIN_ASKED = {
    "display": {"display": 0.70, "script": 0.12, "hand": 0.12, "pixel": 0.06},
    "hand": {"hand": 0.65, "script": 0.35},
}
HAN_ASKED = {"mono": {"sans": 0.6, "serif": 0.25, "mono": 0.15}}

COMMON_SHARE = 0.6
"""Of faces of `COMMON_STYLES` the share that documents, receipts and signs are really set in."""

COMMON_STYLES = frozenset({"sans", "serif", "mono", "hand"})

# These families, by how often they are met; names begin with these words.
COMMON = {
    **dict.fromkeys(("FreeSans", "Open Sans", "Hack", "OCR", "Droid"), 2),
    **dict.fromkeys(("DejaVu", "FreeSerif", "Carlito", "Roboto"), 3),
    **{"WenQuanYi": 4, "Nimbus": 5, "Noto Serif": 5, "Noto Sans": 6, "AR PL": 6, "Liberation": 8},
}
_TRIES = 8


class FontLibrary:
    """The faces that training may draw with, sorted by name so that a seed means the same everywhere."""

    def __init__(self, faces: Iterable[Face]) -> None:
        every = sorted(faces, key=lambda face: (face.name, str(face.path), face.index))
        self.bitmap = [face for face in every if face.pixels]
        self.faces = [face for face in every if not face.pixels]
        self.han = [face for face in self.faces if face.han]
        self.latin = [face for face in self.faces if not face.han]
        self._pools = {
            (han, style): _FontPool.mixed(self.han if han else self.latin, shares)
            for han in (False, True)
            for style, shares in _wishes(han).items()
        }
        self._able: dict[str, NDArray[np.bool_]] = {}

    @classmethod
    def load(cls, folder: Path | None = None) -> FontLibrary:
        """Read every usable face below `folder`, or of the system and of the fetched library.

        Faces of held-out families are left out wherever they lie.

        Raises:
            FileNotFoundError: fewer than 15 Chinese or 30 Latin faces; the message has the command
                to get them.
        """
        folders = (*FOLDERS, training_folder()) if folder is None else (Path(folder),)
        faces = [face for face in read_faces(folders) if face.family not in held_out_names()]
        library = cls(faces)
        if len(library.han) < MIN_HAN or len(library.latin) < MIN_LATIN:
            raise FileNotFoundError(
                f"{len(library.han)} Chinese and {len(library.latin)} Latin faces in "
                f"{', '.join(map(str, folders))}, expected at least {MIN_HAN} and {MIN_LATIN}; on Debian: "
                f"xargs apt-get install -y --no-install-recommends < {PACKAGES}"
            )
        return library

    def choose_bitmap(self, rng: np.random.Generator, text: str) -> Face | None:
        """Draw a bitmap face that covers `text`, None where there is none."""
        able = [face for face in self.bitmap if face.covers(text)]
        return able[int(rng.integers(len(able)))] if able else None

    def choose(self, rng: np.random.Generator, text: str, *, style: str | None = None) -> Face:
        """Draw a face that covers `text`, of `style` where there is one.

        Raises:
            LookupError: no face has all the characters.
        """
        within = rng.random() < HAN_FOR_LATIN and bool(self.han)
        han = within or any(map(is_wide, text))
        capitals = len(text) > 2 and text.isupper()
        for pool in (self._pools[(han, style)], self._pools[(han, None)]):
            for _ in range(_TRIES if pool else 0):
                face = pool.draw(rng)
                # Nobody sets words in the capitals of a script: they are made to begin words.
                if face.covers(text) and not (capitals and face.style == "script"):
                    return face
        able = np.flatnonzero(self._covering(text))
        if not len(able):
            raise LookupError(f"no face draws all of {text!r}; take such characters out first")
        return self.faces[int(able[int(rng.integers(len(able)))])]

    def _covering(self, text: str) -> NDArray[np.bool_]:
        """Say of every face whether it covers `text`; what is known of a character is remembered."""
        able = np.ones(len(self.faces), np.bool_)
        for c in set(text) - {" "}:
            if c not in self._able:
                self._able[c] = np.array([ord(c) in face.codes for face in self.faces], np.bool_)
            able &= self._able[c]
        return able


def read_faces(folders: Sequence[Path]) -> list[Face]:
    """Read every usable face below folders, hidden ones left out; what was read before is remembered."""
    paths = sorted(
        path
        for root in folders
        for path in root.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )
    raws = FaceIndex(cache_folder() / f"faces-{VERSION}.json").read(paths)
    faces = (face_of(path, raw) for path, found in raws.items() for raw in found)
    return [face for face in faces if face is not None]


class _FontPool:
    """Families of faces, and how likely each is drawn; false where there is none.

    Args:
        families: faces that share a design, one of which is drawn evenly.
        weights: of the families, above 0.
    """

    def __init__(self, families: list[list[Face]], weights: Sequence[float]) -> None:
        self._families = families
        self._bounds = np.cumsum(weights)

    @classmethod
    def mixed(cls, faces: Iterable[Face], shares: Mapping[str, float]) -> _FontPool:
        """Mix styles by their shares; what no face has a style for falls to the other styles."""
        styles: dict[str, dict[str, list[Face]]] = {}
        for face in faces:
            if face.style in shares:
                styles.setdefault(face.style, {}).setdefault(_design(face), []).append(face)
        families: list[list[Face]] = []
        weights: list[float] = []
        for style, designs in sorted(styles.items()):
            often = COMMON if style in COMMON_STYLES else {}
            common = {design: often[design] for design in designs if design in often}
            rest = len(designs) - len(common)
            share = COMMON_SHARE if common and rest else float(bool(common))
            for design, members in sorted(designs.items()):
                weight = (
                    share * common[design] / sum(common.values())
                    if design in common
                    else (1.0 - share) / rest
                )
                families.append(members)
                weights.append(shares[style] * weight)
        return cls(families, weights)

    def __bool__(self) -> bool:
        return bool(self._families)

    def draw(self, rng: np.random.Generator) -> Face:
        """Draw a family, then one of its faces."""
        at = np.searchsorted(self._bounds, rng.random() * self._bounds[-1], side="right")
        family = self._families[min(int(at), len(self._families) - 1)]
        return family[int(rng.integers(len(family)))]


def _wishes(han: bool) -> dict[str | None, dict[str, float]]:
    """Return, for every style that a page may ask for, and for none, the shares of styles that it gets."""
    shares, asked = (HAN_SHARES, HAN_ASKED) if han else (LATIN_SHARES, LATIN_ASKED)
    return {None: shares, **{style: asked.get(style, {style: 1.0}) for style in STYLES}}


def _design(face: Face) -> str:
    """Return the common family that a face is of, else its own."""
    return next((name for name in COMMON if face.name.startswith(name)), face.family)
