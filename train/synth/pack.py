"""Pack what rendering needs into one small folder, to train on a machine that has none of it.

    python -m train.synth.pack .pack --corpus CORPUS --backgrounds PHOTOGRAPHS --megabytes 44

writes `.pack/fonts` (faces cut down to the charset, bitmap faces whole), `.pack/corpus` (lines drawn evenly from every
file), `.pack/backgrounds` (photographs at most 512 pixels wide) and, where they were fetched, `.pack/strokes`, from
which lines by hand are drawn. Trainings take the three with `--fonts`, `--corpus` and `--backgrounds`, and the strokes
with OCR_FONTS_CACHE=.pack. The fonts keep their licences: do not publish the folder.
"""

from __future__ import annotations

import argparse
import logging
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from fontTools import subset
from fontTools.ttLib import TTFont

from common.characters import is_han
from common.wording import counted
from recognition.charset import Charset
from train.synth.fonts.stroke_data import strokes_path
from train.synth.typesetting.fonts import Face, FontLibrary

log = logging.getLogger("pack")
_SHARES = {"fonts": 0.62, "corpus": 0.23, "backgrounds": 0.15}
_BITMAP_SHARE = 0.18  # of the bytes for fonts: two or three sizes of pixels
_HAN_SHARE = 0.7  # of the rest of those bytes

_REFUSED = 5  # faces in a row that do not fit: what is left fits none

_TIERS = ((1, None), (3, 3000), (None, 1200))
"""So many Chinese faces, the next, and the rest, get so many of the most frequent Han characters; None is all: a face
with every character takes 3 MB, and training wants many faces more than rare characters in each."""


def main() -> None:
    """Read the command line and write the folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--fonts", type=Path, help="folder of fonts (default: the system's)")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--backgrounds", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=44.0, help="size of the folder at most")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    limit = int(args.megabytes * 1e6)
    limit -= _strokes(args.out / "strokes")
    library = FontLibrary.load(args.fonts)
    budget = int(limit * _SHARES["fonts"])
    _bitmaps(library.bitmap, args.out / "fonts", int(budget * _BITMAP_SHARE))
    budget = int(budget * (1 - _BITMAP_SHARE))
    folder, texts = args.out / "fonts", _texts(args.corpus)
    _fonts(library.han, folder, int(budget * _HAN_SHARE), texts)
    _fonts(library.latin, folder, int(budget * (1 - _HAN_SHARE)), texts[:1])
    _corpus(args.corpus, args.out / "corpus", int(limit * _SHARES["corpus"]))
    _photographs(args.backgrounds, args.out / "backgrounds", int(limit * _SHARES["backgrounds"]))


def _strokes(folder: Path) -> int:
    """Copy the strokes of characters with their licence, where they were fetched; return how many bytes these are."""
    if not strokes_path().is_file():
        return 0
    shutil.copytree(strokes_path().parent, folder, dirs_exist_ok=True)
    size = sum(path.stat().st_size for path in folder.iterdir())
    log.info("strokes of characters, %.1f MB", size / 1e6)
    return size


def _bitmaps(faces: list[Face], folder: Path, limit: int) -> None:
    """Copy bitmap faces, which nothing here can cut down, as long as they fit."""
    folder.mkdir(parents=True, exist_ok=True)
    written, count = 0, 0
    for i in np.random.default_rng(0).permutation(len(faces)):
        path = faces[int(i)].path
        if written + path.stat().st_size <= limit:
            shutil.copyfile(path, folder / path.name)
            written, count = written + path.stat().st_size, count + 1
    log.info("%d of %d bitmap faces, %.1f MB", count, len(faces), written / 1e6)


def _texts(corpus: Path) -> list[str]:
    """Return the characters of each Chinese face in turn, see `_TIERS`; the last for all that follow."""
    characters = Charset.load().characters
    counts = Counter(
        character
        for path in sorted(corpus.glob("zh*.txt"))
        for line in path.read_text(encoding="utf8").splitlines()[::20]
        for character in line
    )
    han = [c for c in characters if is_han(c)]
    others = "".join(c for c in characters if not is_han(c))
    han.sort(key=lambda c: -counts[c])
    return [others + "".join(han[:kept]) for faces, kept in _TIERS for _ in range(faces or 1)]


def _fonts(faces: list[Face], folder: Path, limit: int, texts: Sequence[str]) -> None:
    """Write faces by turns of their families, as long as they fit; `texts` says what of each."""
    folder.mkdir(parents=True, exist_ok=True)
    written, count, refused = 0, 0, 0
    for face in _by_turns(faces):
        if refused == _REFUSED:
            break
        path = folder / f"{face.path.stem}-{face.index}.ttf"
        _subset(face, texts[min(count, len(texts) - 1)], path)
        size = path.stat().st_size
        if written + size > limit:
            path.unlink()
            refused += 1
            continue
        written, count, refused = written + size, count + 1, 0
    log.info("%d of %d faces, %.1f MB", count, len(faces), written / 1e6)


def _by_turns(faces: Sequence[Face]) -> list[Face]:
    """Return one face of every family, then another of each, families in an order that mixes them."""
    families: dict[str, list[Face]] = {}
    for i in np.random.default_rng(0).permutation(len(faces)):
        families.setdefault(faces[int(i)].family, []).append(faces[int(i)])
    longest = max(map(len, families.values()), default=0)
    return [members[n] for n in range(longest) for members in families.values() if n < len(members)]


def _subset(face: Face, text: str, path: Path) -> None:
    options = subset.Options(
        hinting=False, layout_features=[], name_IDs=[1, 2], notdef_outline=True
    )
    # Brush fonts have broken gasp tables; colors would need another library.
    options.drop_tables = [*options.drop_tables, "gasp", "SVG ", "COLR", "CPAL"]
    number = face.index if face.path.suffix.lower() == ".ttc" else -1
    with TTFont(str(face.path), fontNumber=number, lazy=True) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(text=text)
        cutter.subset(font)
        font.save(str(path))


def _corpus(source: Path, folder: Path, limit: int) -> None:
    """Write an even share of every text: every n-th line, n so that all fit."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted(source.glob("*.txt"))
    total = sum(path.stat().st_size for path in paths)
    step = max(1, -(-total // limit))
    for path in paths:
        lines = path.read_text(encoding="utf8").splitlines()[::step]
        (folder / path.name).write_text("\n".join(lines) + "\n", encoding="utf8")
    log.info("%s, one line in %d", counted(len(paths), "text"), step)


def _photographs(source: Path, folder: Path, limit: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted(p for p in source.iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
    written, count = 0, 0
    for i in np.random.default_rng(0).permutation(len(paths)):
        picture = cv2.imread(str(paths[int(i)]))
        if picture is None:
            continue
        scale = min(1.0, 512 / picture.shape[1])
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
        if written + len(data) > limit:
            break
        (folder / f"{paths[int(i)].stem}.jpg").write_bytes(data)
        written, count = written + len(data), count + 1
    log.info("%d of %d photographs, %.1f MB", count, len(paths), written / 1e6)


if __name__ == "__main__":
    main()
