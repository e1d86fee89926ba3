"""Read text lines from pictures: `ocr.load()` gives a `Reader`, `reader.read(source)` a `Page`."""

from common.image import InputError
from ocr.batch.read_many import read_many
from ocr.models import load
from ocr.reader import STEPS, Reader
from ocr.result import Page, Table, TableCell, TextLine
from ocr.settings import Settings
from ocr.weights import WeightsError

__all__ = [
    "STEPS",
    "InputError",
    "Page",
    "Reader",
    "Settings",
    "Table",
    "TableCell",
    "TextLine",
    "WeightsError",
    "load",
    "read_many",
]
