"""Grids of characters: read along their columns only where the language says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.arrays import Floats, Quads
from common.quads import boxes_to_quads
from common.roles import Reading
from ocr.page.character_grid import Cell, apply, columns_of
from ocr.settings import Settings
from ocr.sheet import Models, Sheet
from ocr.table_settings import CharacterGrid

SETTINGS = CharacterGrid()
POEM = ("白日依山尽", "黄河入海流", "欲穷千里目", "更上一层楼")
"""Columns, the first on the right."""

SIZE = 30.0


def knows(*texts: str) -> object:
    """A language that knows pairs of characters of some texts: others are unlikely."""
    pairs = {text[i : i + 2] for text in texts for i in range(len(text) - 1)}

    def language(text: str) -> float:
        return sum(-3.0 if text[i : i + 2] in pairs else -8.0 for i in range(len(text) - 1))

    return language


def cells(step_x: float = 40, step_y: float = 48, jitter: float = 2.0) -> list[Cell]:
    rng = np.random.default_rng(3)
    return [
        Cell(character, 0.9, *(np.array([-step_x * i, step_y * j]) + rng.normal(0, jitter, 2)))
        for i, column in enumerate(POEM)
        for j, character in enumerate(column)
    ]


def texts(columns: list[list[Cell]]) -> list[str]:
    return ["".join(cell.text for cell in column) for column in columns]


def test_columns_from_the_right_where_they_make_sense() -> None:
    shuffled = sorted(cells(), key=lambda cell: hash(cell.text))
    assert texts(columns_of(shuffled, SIZE, knows(*POEM), SETTINGS)) == list(POEM)


def test_rows_stay_where_they_make_sense() -> None:
    rows = ["".join(column[j] for column in POEM[::-1]) for j in range(5)]
    assert not columns_of(cells(), SIZE, knows(*rows), SETTINGS)
    # Whatever a line's first character costs, and however many lines there are.
    assert not columns_of(cells(), SIZE, lambda text: -20.0 - 5.0 * len(text), SETTINGS)


def test_characters_of_print_touch_along_the_row() -> None:
    assert not columns_of(cells(step_x=30, step_y=60), SIZE, knows(*POEM), SETTINGS)


def test_an_uneven_grid_is_none() -> None:
    assert not columns_of(cells(jitter=9.0), SIZE, knows(*POEM), SETTINGS)
    moved = [cell._replace(x=cell.x - 25) if cell.x < -100 else cell for cell in cells()]
    assert not columns_of(moved, SIZE, knows(*POEM), SETTINGS)


def test_a_column_may_end_early_but_not_most_of_them() -> None:
    known = knows(*POEM)
    short = [cell for cell in cells() if cell.text not in "层楼"]
    assert texts(columns_of(short, SIZE, known, SETTINGS)) == [*POEM[:3], "更上一"]
    sparse = [cell for cell in cells() if cell.text not in "层楼里目海流"]
    assert not columns_of(sparse, SIZE, known, SETTINGS)


def rows_of_poem(step_x: float = 40, step_y: float = 48) -> tuple[Quads, tuple[Reading, ...]]:
    """The poem's rows as a detector takes them for lines, each with the places of its characters."""
    boxes, readings = [], []
    width = 3 * step_x + SIZE
    for j in range(5):
        top = 100 + step_y * j
        boxes.append([100, top, 100 + width, top + SIZE])
        text = "".join(column[j] for column in POEM[::-1])
        middles = [(SIZE / 2 + step_x * i) / width for i in range(4)]
        spans = tuple((x, x) for x in middles)
        readings.append(Reading(text, 0.9, (0.9,) * 4, spans))
    return boxes_to_quads(np.array(boxes, np.float32)), tuple(readings)


def never(*_: object, **__: object) -> None:
    raise AssertionError("what was read need not be read again")


@pytest.fixture
def settings() -> Settings:
    plain = Settings()
    return replace(plain, crop=replace(plain.crop, margin=0.0))


def test_the_step_puts_columns_in_the_place_of_rows(settings: Settings) -> None:
    quads, readings = rows_of_poem()
    heading = boxes_to_quads(np.array([[100, 20, 300, 90]], np.float32))
    sheet = Sheet(
        np.full((400, 400, 3), 255, np.uint8),
        quads=np.concatenate([heading, quads]),
        scores=np.full(6, 0.8, np.float32),
        readings=(Reading("登鹳雀楼", 0.9, (0.9,) * 4, ((0.1, 0.1),) * 4), *readings),
    )
    models = Models(never, never, language=knows(*POEM))  # type: ignore[arg-type]
    read = apply(sheet, models, settings)
    assert sorted(reading.text for reading in read.readings) == sorted([*POEM, "登鹳雀楼"])
    for reading, quad in read.lines():
        if reading.text in POEM:
            assert_is_column(quad, POEM.index(reading.text))
            assert np.allclose(
                [(a + b) / 2 for a, b in reading.char_spans],
                [(SIZE / 2 + 48 * j) / (4 * 48 + SIZE) for j in range(5)],
                atol=0.02,
            )


def assert_is_column(quad: Floats, index: int) -> None:
    right = 100 + 3 * 40 + SIZE - 40 * index
    wanted = [
        [right - SIZE, 100],
        [right, 100],
        [right, 100 + 4 * 48 + SIZE],
        [right - SIZE, 100 + 4 * 48 + SIZE],
    ]
    assert np.allclose(quad, wanted, atol=3)


def test_without_a_language_or_on_one_line_nothing_changes(settings: Settings) -> None:
    quads, readings = rows_of_poem()
    sheet = Sheet(
        np.zeros((9, 9, 3), np.uint8),
        quads=quads,
        scores=np.ones(5, np.float32),
        readings=readings,
    )
    known = knows(*POEM)
    assert apply(sheet, Models(never, never), settings) is sheet  # type: ignore[arg-type]
    line = sheet.having(single_line=True)
    assert apply(line, Models(never, never, language=known), settings) is line  # type: ignore[arg-type]
