"""Make the example pictures of the README and the tests: our own words, printed and photographed by the renderer.

    python -m train.synth.example_pictures test/data

writes page.png (a photographed page, turned by a few degrees), receipt.png and sign.png, each with its text beside
it in a file of the same name that ends in .txt, one line a line in reading order.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from common.arrays import Image, Quads
from common.quads import boxes_to_quads
from train.synth.effects import geometric as geometry
from train.synth.effects import paper as paper
from train.synth.effects import photometric as fx
from train.synth.effects.photometric import Effect, apply
from train.synth.typesetting.draw_line import draw_text
from train.synth.typesetting.fonts import Face, FontLibrary


@dataclass(frozen=True)
class Printed:
    """One line of a sheet: left edge and baseline block in pixels, size in pixels, face by part of its name."""

    x: int
    y: int
    size: int
    face: str
    text: str


PAGE = (
    Printed(250, 70, 54, "Noto Serif CJK SC Bold", "社区图书馆开放通知"),
    Printed(100, 190, 30, "Noto Serif CJK SC Regular", "各位读者："),
    Printed(
        160,
        245,
        30,
        "Noto Serif CJK SC Regular",
        "自2026年9月1日起，本馆每周二至周日开放，上午9:00",
    ),
    Printed(
        100,
        300,
        30,
        "Noto Serif CJK SC Regular",
        "开门，晚上8:30闭馆，周一休息。借书证请随身携带，每人",
    ),
    Printed(
        100,
        355,
        30,
        "Noto Serif CJK SC Regular",
        "最多可借10册，期限为30天。逾期每册每天收费0.20元。",
    ),
    Printed(100, 430, 32, "Noto Sans CJK SC Bold", "For our English-speaking readers"),
    Printed(
        100,
        485,
        29,
        "Liberation Serif Regular",
        "The library is open Tuesday to Sunday. Please bring your card:",
    ),
    Printed(
        100,
        535,
        29,
        "Liberation Serif Regular",
        "ten books may be kept for thirty days. Ask at the desk about the",
    ),
    Printed(
        100, 585, 29, "Liberation Serif Regular", "reading club (every Friday, 7 p.m., room 204)."
    ),
    Printed(100, 660, 32, "WenQuanYi Micro Hei Regular", "联系方式"),
    Printed(100, 715, 28, "WenQuanYi Micro Hei Regular", "电话：021-5550 0172"),
    Printed(560, 715, 28, "WenQuanYi Micro Hei Regular", "邮箱：books@example.org"),
    Printed(100, 765, 28, "WenQuanYi Micro Hei Regular", "地址：青松路18号二楼"),
    Printed(640, 850, 30, "AR PL UKai CN", "青松社区图书馆"),
    Printed(640, 900, 30, "AR PL UKai CN", "2026年8月20日"),
)

RECEIPT = (
    Printed(150, 40, 40, "Noto Sans CJK SC Bold", "CORNER CAFE"),
    Printed(130, 105, 26, "Liberation Mono Regular", "12 Harbour Street"),
    Printed(115, 145, 26, "Liberation Mono Regular", "Tel: (555) 018-2764"),
    Printed(40, 215, 26, "Liberation Mono Regular", "2026-08-20"),
    Printed(415, 215, 26, "Liberation Mono Regular", "14:05"),
    Printed(40, 285, 26, "Liberation Mono Regular", "2 x Flat White"),
    Printed(415, 285, 26, "Liberation Mono Regular", "8.40"),
    Printed(40, 330, 26, "Liberation Mono Regular", "Lemon tart"),
    Printed(415, 330, 26, "Liberation Mono Regular", "4.75"),
    Printed(40, 375, 26, "Liberation Mono Regular", "Tomato soup"),
    Printed(415, 375, 26, "Liberation Mono Regular", "6.90"),
    Printed(40, 450, 32, "Liberation Mono Bold", "TOTAL"),
    Printed(385, 450, 32, "Liberation Mono Bold", "$20.05"),
    Printed(40, 510, 26, "Liberation Mono Regular", "Cash"),
    Printed(400, 510, 26, "Liberation Mono Regular", "25.00"),
    Printed(40, 555, 26, "Liberation Mono Regular", "Change"),
    Printed(415, 555, 26, "Liberation Mono Regular", "4.95"),
    Printed(105, 630, 26, "Liberation Mono Regular", "THANK YOU, COME AGAIN"),
)

SIGN = (
    Printed(70, 60, 120, "Noto Sans CJK SC Black", "青松书店"),
    Printed(160, 215, 60, "Liberation Sans Bold", "BOOKSTORE"),
    Printed(110, 320, 46, "WenQuanYi Zen Hei Regular", "新书八折 欢迎光临"),
)


def render(
    lines: tuple[Printed, ...],
    size: tuple[int, int],
    ground: tuple[int, int, int],
    ink: tuple[int, int, int],
    effects: list[Effect],
    seed: int,
) -> Image:
    """Print lines on a plain sheet of (height, width) `size` and damage it.

    Raises:
        LookupError: a face is not installed.
    """
    faces = FontLibrary.load().faces
    sheet = np.empty((*size, 3), np.float32)
    sheet[:] = ground
    boxes = []
    for line in lines:
        mask = draw_text(line.text, _face(faces, line.face).at(line.size)).mask
        rows, columns = mask.shape
        target = sheet[line.y : line.y + rows, line.x : line.x + columns]
        alpha = mask[:, : target.shape[1], None] / np.float32(255)
        target[:] = target * (1 - alpha) + np.float32(ink) * alpha
        boxes.append([line.x, line.y, line.x + columns, line.y + rows])
    quads: Quads = boxes_to_quads(np.array(boxes, np.float32))
    image, _ = apply(effects, sheet.astype(np.uint8), quads, np.random.default_rng(seed))
    return image


def _face(faces: list[Face], name: str) -> Face:
    for face in faces:
        if face.name.startswith(name):
            return face
    raise LookupError(
        f"no face named {name!r}; install the packages of train/synth/font-packages.txt"
    )


def main() -> None:
    """Read the command line and write the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    photographed = [paper.paper_texture, geometry.perspective]
    photographed += [fx.uneven_light, fx.shadow, fx.gaussian_blur]
    pictures = {
        "page": (PAGE, (1000, 1000), (250, 248, 240), (35, 35, 45), photographed),
        "receipt": (
            RECEIPT,
            (700, 540),
            (244, 242, 238),
            (60, 60, 66),
            [geometry.skew, fx.uneven_light],
        ),
        "sign": (
            SIGN,
            (420, 640),
            (150, 30, 25),
            (250, 225, 120),
            [geometry.perspective, fx.uneven_light],
        ),
    }
    out.mkdir(parents=True, exist_ok=True)
    for seed, (name, (lines, size, ground, ink, effects)) in enumerate(pictures.items(), 11):
        image = render(lines, size, ground, ink, effects, seed)
        Pillow.fromarray(image).save(out / f"{name}.png", optimize=True)
        text = "\n".join(line.text for line in lines) + "\n"
        (out / f"{name}.txt").write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
