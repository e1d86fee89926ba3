"""Read Synthetic Word (MJSynth): `annotation*.txt` of `./3000/7/182_slinking_71711.jpg 71711`, pictures of one word.

The text is the middle of the file's name, as it is written in the picture; the number is the word's line in
`lexicon.txt`, from 0, against which it is checked where the file is there. `annotation.txt` has every picture;
give the path of `annotation_train.txt` to read a part.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from common.wording import counted
from train.data.readers.files import label_files, numbered_lines, place_of, why
from train.data.readers.pages import make_line
from train.data.readers.pictures import locate
from train.data.readers.report import Report
from train.data.samples import LineSample


def read(folder: Path, report: Report) -> Iterator[LineSample]:
    for path in label_files(folder, "annotation.txt", "annotation_*.txt"):
        lexicon = _lexicon(path, report)
        for place, text in numbered_lines(path, report, place_of(path, folder)):
            try:
                name, word = _record(text, lexicon)
            except ValueError as error:
                report.skip(place, why(error))
                continue
            sample = make_line(locate(name, [path.parent]), name, word, report, place)
            if sample is not None:
                yield sample


def _lexicon(path: Path, report: Report) -> list[str]:
    """The words by number; none where the file is not there."""
    lexicon = path.parent / "lexicon.txt"
    if not lexicon.is_file():
        return []
    try:
        return lexicon.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        report.skip(lexicon.name, f"encoding: {error}")
        return []


def _record(text: str, lexicon: list[str]) -> tuple[str, str]:
    name, _, number = text.strip().rpartition(" ")
    parts = Path(name).stem.split("_")
    if not name or len(parts) < 3 or not number.isdecimal():
        raise ValueError(f"bad record: {text[:60]!r}, expected <n>_<word>_<number>.jpg <number>")
    word = "_".join(parts[1:-1])
    if lexicon and int(number) >= len(lexicon):
        raise ValueError(f"bad index: {number}, the lexicon has {counted(len(lexicon), 'line')}")
    if lexicon and lexicon[int(number)].strip().lower() != word.lower():
        raise ValueError(f"bad index: {number} is {lexicon[int(number)]!r}, the file says {word!r}")
    return name, word
