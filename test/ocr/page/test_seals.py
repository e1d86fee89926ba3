"""Round and oval red seals: found, taken off the page, read by themselves; other red things are left alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import PIL.Image
import PIL.ImageChops
import PIL.ImageDraw
import pytest

import ocr
from common.arrays import Image, Quads, Scores
from common.roles import Reading
from ocr.formats.draw import find_font
from ocr.page import seals
from ocr.page.seal_shapes import find_seals, redness, without_seals
from ocr.page.seal_texts import with_texts
from ocr.settings import Settings
from ocr.sheet import Models, Sheet

SETTINGS = Settings()
RED = (205, 40, 45)


def ring(image: Image, x: int, y: int, radius: int, *, inside: bool = True) -> Image:
    """Stamp a seal of marks instead of characters; ink lets what is dark below it through."""
    ink = np.full_like(image, 255)
    cv2.circle(ink, (x, y), radius, RED, max(3, radius // 20), cv2.LINE_AA)
    for i in range(9 * inside):
        angle = math.radians(150 + 30 * i)
        at = round(x + 0.75 * radius * math.cos(angle)), round(y + 0.75 * radius * math.sin(angle))
        cv2.circle(ink, at, radius // 9, RED, -1, cv2.LINE_AA)
    if inside:
        wide, high = round(0.4 * radius), round(0.08 * radius)
        low = y + round(0.55 * radius)
        for left in range(x - wide, x + wide, 3 * high):
            cv2.rectangle(ink, (left, low - high), (left + 2 * high, low + high), RED, -1)
    return np.asarray(np.minimum(image, ink), np.uint8)


def page() -> Image:
    image = np.full((600, 800, 3), 245, np.uint8)
    for y in range(60, 560, 50):
        cv2.putText(image, "words of a page", (60, y), cv2.FONT_HERSHEY_SIMPLEX, 1, (20,) * 3, 2)
    return image


def test_a_seal_is_found_and_taken_off() -> None:
    clean = page()
    stamped = ring(clean, 300, 300, 90)
    (seal,) = find_seals(stamped, SETTINGS.seals)
    assert np.hypot(seal.x - 300, seal.y - 300) < 4 and abs(seal.radius - 91) < 5
    assert len(with_texts(stamped, seal, SETTINGS.seals).texts) == 2
    removed = without_seals(stamped, [seal], SETTINGS.seals)
    assert int(redness(removed).max()) < 45
    # The page's own strokes stay, and nothing comes in their place.
    grey, before = removed.min(axis=2).astype(int), clean.min(axis=2).astype(int)
    assert np.abs(grey - before)[before < 60].max() < 60
    assert np.abs(grey - before)[cv2.erode(clean.min(axis=2), np.ones((7, 7))) > 230].max() < 40
    assert np.array_equal(removed[:190], stamped[:190])


@pytest.mark.parametrize(
    "kind",
    [
        "none",
        "empty ring",
        "disc",
        "words",
        "red page",
        "frame",
        "slim oval",
        "upright oval",
        "grey",
    ],
)
def test_what_is_no_seal(kind: str) -> None:
    image = page()
    if kind == "empty ring":
        image = ring(image, 300, 300, 90, inside=False)
    elif kind == "disc":
        cv2.circle(image, (300, 300), 90, RED, -1)
    elif kind == "words":
        cv2.putText(image, "SALE 50%", (100, 300), cv2.FONT_HERSHEY_SIMPLEX, 4, RED, 12)
    elif kind == "red page":
        image[:] = (190, 30, 30)
    elif kind == "frame":
        cv2.rectangle(image, (100, 200), (400, 380), RED, 5)
    elif kind == "slim oval":
        cv2.ellipse(image, (300, 300), (180, 60), 0, 0, 360, RED, 6)
        cv2.putText(image, "NEW", (240, 310), cv2.FONT_HERSHEY_SIMPLEX, 1, RED, 3)
    elif kind == "upright oval":
        cv2.ellipse(image, (300, 300), (80, 140), 0, 0, 360, RED, 6)
        cv2.putText(image, "NEW", (260, 310), cv2.FONT_HERSHEY_SIMPLEX, 1, RED, 3)
    elif kind == "grey":
        image = np.repeat(ring(image, 300, 300, 90).mean(axis=2, keepdims=True), 3, axis=2)
    assert find_seals(np.ascontiguousarray(image, np.uint8), SETTINGS.seals) == []


def nothing(image: Image, *, min_side: int = 0) -> tuple[Quads, Scores]:
    raise AssertionError("lines are not searched for here")


def named(texts: Sequence[str], score: float = 0.99) -> Models:
    return Models(nothing, lambda crops: [Reading(t, score) for t in texts[: len(crops)]])


def test_its_texts_are_lines_of_their_own_with_a_low_score() -> None:
    stamped = Sheet(ring(page(), 300, 300, 90), detected=True)
    models = named(["、某某有限公司，", "合同专用章"])
    sheet = seals.remove(stamped, models, SETTINGS)
    assert not sheet.detected  # lines are searched for without it
    sheet = seals.add_lines(sheet, models, SETTINGS)
    assert [each.text for each in sheet.readings] == ["某某有限公司", "合同专用章"]
    assert all(each.score <= 0.5 for each in sheet.readings)
    low, high = sheet.quads[0].min(axis=0), sheet.quads[0].max(axis=0)
    assert np.abs([*low - (209, 209), *high - (391, 391)]).max() < 6


def oval(image: Image, tilt: float, *, below: bool = True) -> Image:
    """Stamp an oval seal of marks."""
    ink = np.full_like(image, 255)
    middle, (a, b) = (320, 300), (120, 85)
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    cv2.ellipse(ink, middle, (a, b), tilt, 0, 360, RED, 6, cv2.LINE_AA)
    at = [(0.78 * a * math.cos(t), 0.7 * b * math.sin(t)) for t in np.linspace(2.7, 6.7, 10)]
    at += [(x, 0.56 * b) for x in range(-45, 46, 15)] * below
    for along, across in at:
        x, y = middle[0] + cos * along - sin * across, middle[1] + sin * along + cos * across
        cv2.circle(ink, (round(x), round(y)), 7, RED, -1, cv2.LINE_AA)
    return np.asarray(np.minimum(image, ink), np.uint8)


@pytest.mark.parametrize("tilt", [0, 14, -25])
def test_an_oval_seal_is_found_and_taken_off(tilt: float) -> None:
    clean = page()
    stamped = oval(clean, tilt)
    (seal,) = find_seals(stamped, SETTINGS.seals)
    assert np.hypot(seal.x - 320, seal.y - 300) < 4
    assert abs(seal.radius - 123) < 5 and abs(seal.flatness - 88 / 123) < 0.05
    assert abs(seal.tilt - tilt) < 4
    ring, below = with_texts(stamped, seal, SETTINGS.seals).texts
    # Both are level rows of marks as high as these are.
    assert ring.shape[1] > 12 * ring.shape[0] and ring.shape[0] < 35
    assert 4 * below.shape[0] < below.shape[1] and below.shape[0] < 25
    removed = without_seals(stamped, [seal], SETTINGS.seals)
    assert int(redness(removed).max()) < 45
    grey, before = removed.min(axis=2).astype(int), clean.min(axis=2).astype(int)
    assert np.abs(grey - before)[before < 60].max() < 60
    assert np.array_equal(removed[:170], stamped[:170])


def test_an_oval_with_a_single_text_stays() -> None:
    """A logo: its name is a line of the page."""
    sheet = Sheet(oval(page(), 0, below=False), detected=True)
    assert find_seals(sheet.image, SETTINGS.seals)
    assert seals.remove(sheet, named(["Fine Food"] * 2), SETTINGS) is sheet
    sealed = seals.remove(Sheet(oval(page(), 0)), named(["某某公司", "专用章"]), SETTINGS)
    assert [each.text for each in sealed.seals[0].readings] == ["某某公司", "专用章"]


def test_a_ring_without_text_that_can_be_read_stays() -> None:
    """A badge of a shop, a traffic sign."""
    sheet = Sheet(ring(page(), 300, 300, 90))
    for models in (named(["x" * 9] * 2, 0.3), named(["。", "8"])):
        assert seals.remove(sheet, models, SETTINGS) is sheet


def test_on_a_deskewed_page_they_are_where_the_seal_is() -> None:
    models = named(["某某公司", "专用章"])
    sheet = seals.remove(Sheet(ring(page(), 300, 300, 90)), models, SETTINGS)
    shift = np.array([[1.0, 0, 50], [0, 1.0, 20]])  # from the deskewed picture to the page
    sheet = seals.add_lines(sheet.having(to_upright=shift), models, SETTINGS)
    assert np.abs(sheet.quads[0].mean(axis=0) - (250, 280)).max() < 4


def test_a_page_without_seals_and_a_single_line_are_left_alone() -> None:
    plain, single = Sheet(page()), Sheet(ring(page(), 300, 300, 90), single_line=True)
    for sheet in (plain, single):
        assert seals.remove(sheet, named([]), SETTINGS) is sheet
    assert seals.add_lines(plain, named([]), SETTINGS) is plain


def seal_of(text: str, below: str, radius: int) -> PIL.Image.Image:
    """A company's seal, white behind it: characters along the ring with their feet to the middle."""
    side = 2 * radius
    image = PIL.Image.new("RGB", (side, side), "white")
    pen = PIL.ImageDraw.Draw(image)
    pen.ellipse((3, 3, side - 3, side - 3), outline=RED, width=max(3, radius // 18))
    font, small = find_font(radius // 4), find_font(radius // 6)
    cell = radius // 3
    for i, character in enumerate(text):
        angle = -210 + 240 * i / (len(text) - 1)
        one = PIL.Image.new("L", (cell, cell))
        PIL.ImageDraw.Draw(one).text((cell / 2, cell / 2), character, 255, font, "mm")
        one = one.rotate(-angle - 90, PIL.Image.Resampling.BICUBIC)
        x, y = (
            radius * (1 + 0.7 * f(math.radians(angle))) - cell / 2 for f in (math.cos, math.sin)
        )
        image.paste(RED, (round(x), round(y)), one)
    pen.text((radius, radius), "★", RED, font, "mm")
    pen.text((radius, 1.55 * radius), below, RED, small, "mm")
    return image


@pytest.mark.slow
@pytest.mark.skipif(find_font(20) is None, reason="needs a typeface with Chinese")
@pytest.mark.parametrize(("radius", "at"), [(125, (250, 60)), (90, (330, 90)), (110, (620, 160))])
def test_a_contract(shipped_reader: ocr.Reader, radius: int, at: tuple[int, int]) -> None:
    """What stands below a seal is read as without it; the seal's own text is no part of other lines."""
    lines = [
        "甲方（盖章）：青松物业管理有限公司",
        "日期：2026年1月1日",
        "本合同一式两份，双方各执一份。",
    ]
    image = PIL.Image.new("RGB", (1000, 420), "white")
    for i, text in enumerate(lines):
        PIL.ImageDraw.Draw(image).text((80, 130 + 70 * i), text, "black", find_font(26))
    layer = PIL.Image.new("RGB", image.size, "white")
    layer.paste(seal_of("红杉树贸易有限公司", "合同专用章", radius), at)
    read = shipped_reader.read(PIL.ImageChops.multiply(image, layer))
    assert [line.text for line in read.lines][:3] == lines
    own = {line.text: line.score for line in read.lines[3:]}
    assert set(own) == {"红杉树贸易有限公司", "合同专用章"}
    assert max(own.values()) <= 0.5 < min(line.score for line in read.lines[:3])
