"""List free typeface families of the npm registry: which, of what style, and which are held out from training.

`families.tsv` lists them, one a line: package, version, sha512 of its tarball as npm states it,
licence, script (what else than Latin it draws), style and use. Held out are 60 Latin families, 4
Chinese hands and 4 Chinese display faces, drawn once by a seed (22) from those that share their
design with no other family of the list and none of Debian's packages. Which they are never changes:
figures of unseen typefaces would be of seen ones.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).parent / "families.tsv"
PACKAGES = Path(__file__).parents[1] / "font-packages.txt"
"""Debian's packages of typefaces that training also draws with."""

STYLES = ("sans", "serif", "mono", "display", "script", "hand", "pixel")
LICENCES = frozenset({"OFL-1.1", "Apache-2.0", "CC0-1.0", "MIT", "UFL-1.0", "Unlicense"})
CAPITALS = frozenset({"cinzel-decorative", "rock-salt"})
"""Families whose small letters are capitals of another design: comparing shapes does not tell that."""

_SCRIPTS = frozenset({"latin", "han"})
_USES = frozenset({"train", "held-out"})


@dataclass(frozen=True)
class Family:
    """One line of the list.

    Attributes:
        package: name in the npm registry.
        version: of the package; with `integrity` it names the same bytes for ever.
        integrity: `sha512-` and the base64 of the tarball's hash.
        licence: identifier of SPDX, as the font file states it, else as the package does.
        script: latin or han.
        style: one of `STYLES`.
        use: train or held-out.
    """

    package: str
    version: str
    integrity: str
    licence: str
    script: str
    style: str
    use: str

    @property
    def name(self) -> str:
        """Return the package's name without its scope, as the family's folder is called."""
        return self.package.rpartition("/")[2]


@functools.cache
def read_families(path: Path = LIST) -> tuple[Family, ...]:
    """Read the list.

    Raises:
        ValueError: a line has an unknown licence, script, style or use, or a name comes twice.
    """
    with path.open(encoding="utf8", newline="") as stream:
        families = [Family(**row) for row in csv.DictReader(stream, delimiter="\t")]
    names = set()
    for family in families:
        for value, known in (
            (family.licence, LICENCES),
            (family.script, _SCRIPTS),
            (family.style, frozenset(STYLES)),
            (family.use, _USES),
        ):
            if value not in known:
                raise ValueError(
                    f"{path}: {family.package} has {value!r}, expected one of {sorted(known)}"
                )
        if family.name in names:
            raise ValueError(f"{path}: {family.name} comes twice")
        names.add(family.name)
    return tuple(families)


@functools.cache
def held_out_names() -> frozenset[str]:
    """Return the names of the families that training never draws with."""
    return frozenset(family.name for family in read_families() if family.use == "held-out")
