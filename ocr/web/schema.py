"""Describe pages as JSON for OpenAPI, in both directions: what was read goes out, what was edited comes back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from ocr.layout.table_texts import with_texts_of_lines
from ocr.result import Angle, Character, Elapsed, Page, Table, TableCell, TextLine
from ocr.web.errors import ServiceError
from ocr.web.intake import bad_option
from ocr.web.reading import Document

Corner = tuple[
    Annotated[float, Field(allow_inf_nan=False)], Annotated[float, Field(allow_inf_nan=False)]
]
Share = Annotated[float, Field(ge=0, le=1)]


class CharacterModel(BaseModel):
    """One character and the part of its line, as shares of the line's length, that it takes."""

    text: str
    score: Share = 1.0
    start: Share
    stop: Share


class LineModel(BaseModel):
    """One line of text."""

    text: str
    score: Share = 1.0
    box: Annotated[
        list[Corner],
        Field(
            min_length=4,
            max_length=4,
            description="Corners x, y in pixels of the picture as a viewer shows it, clockwise "
            "from the text's own top left.",
        ),
    ]
    vertical: bool = Field(False, description="The text runs down its box.")
    characters: list[CharacterModel] = Field(
        default_factory=list, description="Only where they were asked for."
    )


class TableCellModel(BaseModel):
    """A cell of a table; `ocr/schema.json` describes each field."""

    row: int = Field(ge=0, lt=10_000)
    column: int = Field(ge=0, lt=10_000)
    row_span: int = Field(1, ge=1, lt=10_000)
    column_span: int = Field(1, ge=1, lt=10_000)
    text: str = ""
    box: list[Corner] = Field(min_length=4, max_length=4)


class TableModel(BaseModel):
    """A table; its texts are those of lines, which are in lines too."""

    box: list[Corner] = Field(min_length=4, max_length=4)
    rows: int = Field(1, ge=1, lt=10_000)
    columns: int = Field(1, ge=1, lt=10_000)
    cells: list[TableCellModel] = Field(min_length=1, max_length=20_000)


class AngleModel(BaseModel):
    """How far clockwise the content is turned."""

    degrees: int = Field(default=0, json_schema_extra={"enum": [0, 90, 180, 270]})
    score: Share = 1.0


class ElapsedModel(BaseModel):
    """Milliseconds."""

    decode: float = 0.0
    angle: float = 0.0
    detect: float = 0.0
    recognize: float = 0.0
    total: float = 0.0


class PageModel(BaseModel):
    """One page, its lines in reading order."""

    page: int = Field(0, ge=0, description="From 0 within its document.")
    width: int = Field(ge=1, le=10**6)
    height: int = Field(ge=1, le=10**6)
    image: str = ""
    angle: AngleModel = AngleModel()
    lines: list[LineModel] = Field(max_length=20_000)
    tables: list[TableModel] = Field(default_factory=list, max_length=1000)
    elapsed_ms: ElapsedModel = ElapsedModel()
    schema_: int = Field(1, alias="schema")


class FailedPageModel(BaseModel):
    """A page that could not be read while others of its document could."""

    page: int
    message: str


class DocumentModel(BaseModel):
    """A document that was read; a page without text is a page with no lines."""

    pages: list[PageModel]
    failed: list[FailedPageModel]


_PAGES = TypeAdapter(list[PageModel])


def document_json(document: Document, *, characters: bool) -> bytes:
    """A document as `DocumentModel` describes it, UTF-8."""
    content = {
        "pages": [_page_content(page, characters) for page in document.pages],
        "failed": [{"page": page.page, "message": page.message} for page in document.failed],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def parse_pages(text: str) -> list[Page]:
    """Pages as `document_json` wrote them, with whatever was edited since.

    Characters that no longer make up their line's text are dropped, as nobody knows where the edited
    ones stand, and so are lines without text.

    Raises:
        ServiceError: "bad_option": the text is no JSON, or none of this form.
    """
    try:
        models = _PAGES.validate_json(text)
    except ValidationError as error:
        raise bad_option(error.errors()) from error
    if not models:
        raise ServiceError("bad_option", "pages is empty, expected one or more")
    return [_page(model) for model in models]


def _page_content(page: Page, characters: bool) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(page.to_json())
    for line, line_content in zip(page.lines, content["lines"], strict=True):
        if line.vertical:
            line_content["vertical"] = True
        if characters:
            line_content["characters"] = [
                {
                    "text": character.text,
                    "score": round(character.score, 4),
                    "start": round(character.start, 5),
                    "stop": round(character.stop, 5),
                }
                for character in line.characters
            ]
    return content


def _page(model: PageModel) -> Page:
    page = Page(
        model.image,
        model.page,
        model.width,
        model.height,
        Angle(model.angle.degrees, model.angle.score),
        tuple(_line(line) for line in model.lines if line.text.strip()),
        Elapsed(**model.elapsed_ms.model_dump()),
        tuple(_table(table) for table in model.tables),
    )
    return with_texts_of_lines(page)


def _table(model: TableModel) -> Table:
    cells = (
        TableCell(
            cell.row, cell.column, cell.row_span, cell.column_span, cell.text, tuple(cell.box)
        )
        for cell in model.cells
    )
    return Table(tuple(model.box), tuple(cells))


def _line(model: LineModel) -> TextLine:
    text = " ".join(model.text.split("\n"))
    known = _fitting(model.characters, text)
    return TextLine(text, model.score, tuple(model.box), known, model.vertical)


def _fitting(models: Sequence[CharacterModel], text: str) -> tuple[Character, ...]:
    if "".join(model.text for model in models) != text:
        return ()
    return tuple(Character(model.text, model.score, model.start, model.stop) for model in models)
