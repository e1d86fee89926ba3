"""Compare labels with a charset: how many lines hold characters that no network of it can write.

    python -m train.data.coverage LABELS [--charset NAME]

LABELS is a folder of labelled pages (`labels.jsonl`) or a text file with one label a line.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from common.wording import counted
from recognition.charset import Charset, normalize

SHOWN = 20
"""Characters that a report names, the commonest first."""


@dataclass(frozen=True)
class Coverage:
    """What a charset makes of labels.

    Attributes:
        lines: labels looked at; empty ones are not counted.
        left_out: those with at least one character that is missing.
        missing: how often each missing character comes.
    """

    lines: int
    left_out: int
    missing: Counter[str]

    def report(self) -> str:
        """Say it in words, with what to do about it."""
        if not self.missing:
            return f"all characters of {counted(self.lines, 'line')} are in the charset"
        named = ", ".join(
            f"{c!r} U+{ord(c):04X} x{count}" for c, count in self.missing.most_common(SHOWN)
        )
        more = len(self.missing) - SHOWN
        rest = f" and {more} more" if more > 0 else ""
        return (
            f"{self.left_out} of {counted(self.lines, 'line')} cannot be learned: they hold "
            f"{counted(len(self.missing), 'character')} that the charset lacks: {named}{rest}. "
            "Take these lines out of the data, correct their "
            "labels, or append the characters to recognition/charsets and start with --init from the weights there are"
        )


def coverage(labels: Iterable[str], charset: Charset) -> Coverage:
    """Count what a charset lacks; look-alikes are folded first, as for training."""
    lines = left_out = 0
    missing: Counter[str] = Counter()
    for label in labels:
        text = normalize(label).strip()
        if not text:
            continue
        lines += 1
        absent = charset.missing(text)
        left_out += bool(absent)
        missing.update(c for c in text if c in absent)
    return Coverage(lines, left_out, missing)


def _labels(path: Path) -> Iterable[str]:
    if path.is_dir():
        from train.data.readers.jsonl import read_pages

        return (line.text for page in read_pages(path) for line in page.lines if not line.ignore)
    return path.read_text(encoding="utf8").splitlines()


def main() -> None:
    """Read the command line and print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labels", type=Path)
    parser.add_argument(
        "--charset", help="of recognition/charsets (default: the one that is trained)"
    )
    args = parser.parse_args()
    charset = Charset.load(args.charset) if args.charset else Charset.load()
    print(coverage(_labels(args.labels), charset).report())


if __name__ == "__main__":
    main()
