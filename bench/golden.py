"""Read the golden pages with the shipped weights, and compare with what was recorded.

python -m bench.golden            says what has changed
python -m bench.golden --write    records what is read now, and says which line CHANGELOG.md must get

The pages were made once by `python -m train.synth.generate --kind pages --seed 77` and
`python -m train.synth.example_pictures`.
Exit status: 0 nothing has changed, or it was written; 1 something has.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ocr
from ocr.formats import save
from ocr.weights import models

DATA = Path(__file__).resolve().parent.parent / "test" / "data"
RECORD = DATA / "golden.json"


def pictures() -> list[Path]:
    """The golden pages."""
    examples = [DATA / f"{name}.png" for name in ("page", "receipt", "sign")]
    return [*sorted((DATA / "golden").glob("*.png")), *examples]


def read(reader: ocr.Reader) -> dict[str, list[str]]:
    """The lines of every golden page, by its path under test/data."""
    return {
        path.relative_to(DATA).as_posix(): [line.text for line in reader.read(path).lines]
        for path in pictures()
    }


def digest(pages: dict[str, list[str]]) -> str:
    """Twelve characters that change when any text does."""
    content = json.dumps(pages, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def changelog_line(pages: dict[str, list[str]]) -> str:
    """What CHANGELOG.md says of the texts."""
    return f"Golden pages {digest(pages)}"


def shipped() -> dict[str, str]:
    """SHA-256 of the weights that pages are read with, by file."""
    return {row.file: row.sha256 for row in models() if row.name == "small"}


def record(pages: dict[str, list[str]]) -> dict[str, Any]:
    """What is kept of the texts and of how they came about."""
    return {"weights": shipped(), "digest": digest(pages), "pages": pages}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser("python -m bench.golden", description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {RECORD.name}")
    args = parser.parse_args(arguments)
    known = json.loads(RECORD.read_text("utf-8"))["pages"] if RECORD.exists() else {}
    found = read(ocr.load(threads=1))
    for name, lines in found.items():
        if lines != known.get(name):
            print(f"{name}:")
            print(*(f"  - {line}" for line in known.get(name, [])), sep="\n")
            print(*(f"  + {line}" for line in lines), sep="\n")
    if args.write:
        content = json.dumps(record(found), ensure_ascii=False, indent=1) + "\n"
        save(RECORD, content.encode())
        print(f'CHANGELOG.md needs "{changelog_line(found)}", with why it changed', file=sys.stderr)
        return 0
    return int(found != known)


if __name__ == "__main__":
    raise SystemExit(main())
