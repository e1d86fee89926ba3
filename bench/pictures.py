"""Make the pictures of the README: pages of `test/data` with the lines that were found, beside what was read.

python -m bench.pictures docs
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image as Pillow

import ocr
from common.image import load, rotate_ccw
from ocr.formats.draw import draw

DATA = Path(__file__).resolve().parent.parent / "test" / "data"
PICTURES = {
    "page": ("page.png", 0),
    "turned": ("page.png", 90),
    "receipt": ("receipt.png", 0),
    "sign": ("sign.png", 0),
}
"""File written to the picture shown in it, and how far clockwise it is turned first."""

HEIGHT = 560


def shown(reader: ocr.Reader, name: str, degrees: int) -> Pillow.Image:
    """Read a picture and return its drawing, no higher than `HEIGHT`."""
    image = rotate_ccw(load(DATA / name), -degrees % 360)
    drawing = Pillow.fromarray(draw(image, reader.read(image)))
    drawing.thumbnail((4 * HEIGHT, HEIGHT), Pillow.Resampling.LANCZOS)
    return drawing


def main() -> None:
    """Read the command line and write the pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    reader = ocr.load()
    for name, (source, degrees) in PICTURES.items():
        shown(reader, source, degrees).save(out / f"{name}.jpg", quality=82, optimize=True)


if __name__ == "__main__":
    main()
