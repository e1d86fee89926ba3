"""Read label files as numbered lines or as JSON; report what cannot be decoded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from train.data.readers.report import Report

RECORD_ERRORS = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError)
"""What taking a record apart raises when it is not of the format."""

_SNIFFED = 1 << 16


def label_files(folder: Path, *patterns: str) -> list[Path]:
    """Files of the first pattern that has any, anywhere below `folder`, sorted; `folder` itself if it is a file.

    Raises:
        FileNotFoundError: none of the patterns has a file.
    """
    if folder.is_file():
        return [folder]
    for pattern in patterns:
        found = sorted(path for path in folder.rglob(pattern) if path.is_file())
        if found:
            return found
    raise FileNotFoundError(
        f"{folder} has no {' or '.join(patterns)}: give the folder with the labels and the pictures"
    )


def place_of(path: Path, folder: Path) -> str:
    """How the report names a file: by its path below the folder."""
    return path.relative_to(folder).as_posix() if folder in path.parents else path.name


def why(error: Exception) -> str:
    """A reason for the report from what taking a record apart raised."""
    if type(error) is ValueError:
        return str(error) if ":" in str(error) else f"broken record: {error}"
    return f"broken record: {type(error).__name__} {str(error)[:120]}"


def numbered_lines(
    path: Path, report: Report, place: str, *, gbk: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield (place:line, text) of the lines that are not blank, without line ends or byte order mark.

    Lines are read one at a time. A file without any goes to the report: it is half a download as often as a
    page without text, and must not teach that there is none.

    `gbk`: the file may be in GBK, as Chinese Windows writes it.
    """
    empty = True
    try:
        with path.open("rb") as stream:
            encoding = _encoding(stream.read(_SNIFFED), gbk)
            if encoding == "utf-16":
                raise ValueError("encoding: UTF-16 is not read; save the file as UTF-8")
            stream.seek(0)
            for number, raw in enumerate(stream, 1):
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                if not raw.strip():
                    continue
                empty = False
                try:
                    text = raw.decode(encoding)
                except UnicodeDecodeError:
                    report.skip(f"{place}:{number}", f"encoding: the line is not {encoding}")
                    continue
                yield f"{place}:{number}", text.rstrip("\r\n")
        if empty:
            report.skip(place, "empty label file")
    except (OSError, ValueError) as error:
        report.skip(place, why(error) if isinstance(error, ValueError) else f"unreadable: {error}")


def load_json(path: Path, report: Report, place: str) -> Any:
    """What a JSON file holds; None where it is broken, which the report then says."""
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        report.skip(f"{place}:{error.lineno}", f"broken JSON: {error.msg}, column {error.colno}")
    except (OSError, UnicodeDecodeError, RecursionError, ValueError) as error:
        report.skip(place, f"broken JSON: {error}")
    return None


def load_object(path: Path, report: Report, place: str) -> dict[str, Any]:
    """The members of a JSON file's object; none where it is broken or something else, which the report then says."""
    value = load_json(path, report, place)
    if isinstance(value, dict):
        return value
    if value is not None:
        report.skip(place, f"broken record: {type(value).__name__}, expected an object")
    return {}


def split_numbers(line: str, count: int) -> tuple[list[float], str | None]:
    """The first numbers of a line, divided by commas, and the text after them; None where the line ends.

    Raises:
        ValueError: there are fewer numbers.
    """
    parts = line.split(",", count)
    try:
        numbers = [float(part) for part in parts[:count]]
    except ValueError as error:
        raise ValueError(f"bad numbers: {line[:60]!r}, expected {count} of them") from error
    if len(numbers) < count:
        raise ValueError(f"bad numbers: {line[:60]!r} has {len(numbers)}, expected {count}")
    return numbers, parts[count] if len(parts) > count else None


def unquote(text: str, *, escapes: bool = False) -> str:
    """Text without the quotes around it; with `escapes`, a backslash stands for nothing but what follows it.

    Raises:
        ValueError: a quote opens and does not close.
    """
    text = text.strip()
    if text.startswith('"'):
        if len(text) < 2 or not text.endswith('"'):
            raise ValueError(f"bad label: {text[:60]} has no closing quote")
        text = text[1:-1]
    return re.sub(r"\\(.)", r"\1", text) if escapes else text


def text_after(separator: str, line: str) -> tuple[str, str]:
    """What stands before and after the first separator.

    Raises:
        ValueError: the line has none.
    """
    name, found, text = line.partition(separator)
    if not found:
        raise ValueError(f"bad record: no {separator!r} in {line[:60]!r}")
    return name, text


def _encoding(head: bytes, gbk: bool) -> str:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if not gbk:
        return "utf-8"
    lines: Sequence[bytes] = [line for line in head.split(b"\n") if not line.isascii()]
    if len(head) == _SNIFFED:
        lines = lines[:-1]  # perhaps cut within a character
    # A line of GBK is next to never valid UTF-8: one good line shows that the others are damaged.
    if not lines or any(decodes(line, "utf-8") for line in lines):
        return "utf-8"
    return "gbk" if all(decodes(line, "gbk") for line in lines) else "utf-8"


def decodes(line: bytes, encoding: str) -> bool:
    """Whether bytes are text in an encoding."""
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
