"""Draw a contact sheet: one line in every family, to look at what training draws with."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from common.files import replace_when_written
from train.synth.typesetting.face import Face
from train.synth.typesetting.fonts import read_faces

COLUMNS, CELL_WIDTH, CELL_HEIGHT, SIZE = 5, 380, 54, 26
LATIN = "Hamburgefonts 0123 &?$"
HAN = "永和九年岁在癸丑國書Ag8"
_MISSING = "."


def write_sheet(folder: Path, out: Path) -> int:
    """Draw a line in the first face of each family below `folder`, by style and name.

    Characters that the face does not draw stand as small dots.

    Returns:
        How many faces were drawn.

    Raises:
        FileNotFoundError: there are none.
    """
    first: dict[str, Face] = {}
    for face in sorted(
        read_faces([folder]), key=lambda f: ("400-normal" not in f.path.stem, f.name)
    ):
        first.setdefault(face.family, face)
    if not first:
        raise FileNotFoundError(f"no faces in {folder}; python -m train.synth.fonts fetch")
    faces = sorted(first.values(), key=lambda f: (f.han, f.style, f.family))
    rows = -(-len(faces) // COLUMNS)
    sheet = Image.new("L", (COLUMNS * CELL_WIDTH, rows * CELL_HEIGHT), 255)
    for i, face in enumerate(faces):
        place = (i // rows * CELL_WIDTH + 6, i % rows * CELL_HEIGHT)
        _draw(ImageDraw.Draw(sheet), face, place)
    with replace_when_written(out) as partial:
        sheet.save(partial, format="PNG")
    return len(faces)


def _draw(draw: ImageDraw.ImageDraw, face: Face, place: tuple[int, int]) -> None:
    x, y = place
    label = f"{face.family}  {face.style}"
    draw.text((x, y + 2), label, fill=110, font=ImageFont.load_default(11))
    text = "".join(c if face.covers(c) else _MISSING for c in (HAN if face.han else LATIN))
    draw.text((x, y + CELL_HEIGHT - 12), text, fill=0, font=face.at(SIZE), anchor="ls")
