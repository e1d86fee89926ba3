"""Check a labelled set and report each fault with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from common.quads import iou, quad_size
from common.wording import counted
from recognition.charset import Charset, normalize
from train.data.duplicates import Print, fingerprint, near_pairs
from train.data.readers.report import Report
from train.data.samples import MIN_CROP_HEIGHT, Line, LineSample, PageSample

OUTSIDE_SLACK = 1.0
"""Pixels that a corner may lie beyond the page: labelling tools round."""
SAME_PLACE_IOU = 0.9
NO_TEXT = "no text"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `kind` is one of a few, `place` says where to look."""

    kind: str
    place: str
    detail: str

    def __str__(self) -> str:
        return f"{self.place}: {self.kind}: {self.detail}"


@dataclass(frozen=True)
class _Seen:
    """What is kept of a sample until all have been seen."""

    place: str
    print: Print
    texts: tuple[str, ...]
    is_line: bool


def check(
    samples: Iterable[PageSample | LineSample], report: Report, charset: Charset
) -> Iterator[Finding]:
    """Look at every sample once and yield what is wrong with it; then at the set as a whole.

    Kinds: `no text`, `character`, `tiny`, `outside`, `flat`, `same line`, `same picture`, `other label`, and `left out`
    for records that could not be read. Of an ignored line the box alone is looked at.

    Args:
        samples: of a reader.
        report: of the same reader; its losses are the last findings.
        charset: of the recognizer to be trained; texts are folded as it folds them.
    """
    seen: list[_Seen] = []
    # A set of boxes alone has no text anywhere: that is one finding, not thousands.
    wordless: list[Finding] = []
    any_text = False
    for number, sample in enumerate(samples, 1):
        place, texts = sample.place or f"sample {number}", _texts(sample)
        seen.append(_Seen(place, fingerprint(sample.image), texts, isinstance(sample, LineSample)))
        any_text = any_text or any(text.strip() for text in texts)
        for finding in _check_sample(sample, place, charset):
            if finding.kind == NO_TEXT and not any_text:
                wordless.append(finding)
            else:
                yield finding
        if any_text:
            yield from wordless
            wordless.clear()
    if len(wordless) > 1:
        detail = f"none of {len(wordless)} lines has text; the first is {wordless[0].place}"
        wordless = [Finding(NO_TEXT, "the whole set", detail)]
    yield from wordless
    yield from _same_pictures(seen)
    yield from (Finding("left out", skip.place, skip.reason) for skip in report.skipped)
    if report.lost > len(report.skipped):
        yield Finding("left out", "the whole set", f"{report.lost - len(report.skipped)} more")


def summary(findings: Counter[str], samples: int) -> str:
    """One line: how many samples, how many findings of which kind."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in findings.most_common())
    found = f"{counted(samples, 'sample')}, {counted(findings.total(), 'finding')}"
    return found + (f": {kinds}" if kinds else "")


def page_place(place: str, number: int) -> str:
    """Name line `number`, from 1, of the page at a place."""
    return f"{place}, line {number}"


def _check_sample(
    sample: PageSample | LineSample, place: str, charset: Charset
) -> Iterator[Finding]:
    if isinstance(sample, LineSample):
        yield from _check_text(sample.text, place, charset)
        if sample.image.shape[0] < MIN_CROP_HEIGHT:
            yield Finding("tiny", place, f"{sample.image.shape[0]} pixels high")
        return
    for number, line in enumerate(sample.lines, 1):
        where = page_place(place, number)
        yield from _check_box(line, where, sample.image.shape[:2])
        if not line.ignore:
            yield from _check_text(line.text, where, charset)
    yield from _same_lines(sample, place)


def _check_text(text: str, place: str, charset: Charset) -> Iterator[Finding]:
    if not text.strip():
        yield Finding(NO_TEXT, place, "the label is empty and the line is not ignored")
        return
    missing = sorted(charset.missing(normalize(text)))
    if missing:
        named = " ".join(f"{c!r} (U+{ord(c):04X})" for c in missing[:8])
        more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
        yield Finding("character", place, f"{named}{more} not in the charset, in {text[:40]!r}")


def _check_box(line: Line, place: str, size: tuple[int, ...]) -> Iterator[Finding]:
    height, width = size[:2]
    low, high = line.quad.min(axis=0), line.quad.max(axis=0)
    beyond = max(float(-low.min()), float((high - (width, height)).max()))
    if beyond > OUTSIDE_SLACK:
        yield Finding("outside", place, f"{beyond:.0f} pixels beyond the page of {width}x{height}")
    short = min(quad_size(line.quad))
    if short < 1:
        yield Finding("flat", place, f"the box is {short:.1f} pixels high")
    elif short < MIN_CROP_HEIGHT and not line.ignore:
        yield Finding("tiny", place, f"{short:.1f} pixels high: {line.text[:40]!r}")


def _same_lines(page: PageSample, place: str) -> Iterator[Finding]:
    """Find lines that stand on each other."""
    quads = [line.quad for line in page.lines]
    if len(quads) < 2:
        return
    low, high = np.min(quads, axis=1), np.max(quads, axis=1)  # (M, 2)
    apart = ((low[:, None] >= high[None]) | (high[:, None] <= low[None])).any(axis=2)
    for i, j in np.argwhere(~apart & np.triu(np.ones_like(apart), 1)):
        a, b = page.lines[i], page.lines[j]
        if not (a.ignore and b.ignore) and iou(a.quad, b.quad) >= SAME_PLACE_IOU:
            what = "the same" if a.text == b.text else f"{a.text[:30]!r} and {b.text[:30]!r}"
            detail = f"stands on line {i + 1}, text {what}"
            yield Finding("same line", page_place(place, int(j) + 1), detail)


def _same_pictures(seen: list[_Seen]) -> Iterator[Finding]:
    """Find pictures that come again.

    Nearly equal ones only if their texts are equal: two screens of one game look nearly the same and say other things.
    Lines only if their pixels are equal: other text may look nearly the same.
    """
    told: set[int] = set()
    for first, again in near_pairs([one.print for one in seen]):
        a, b = seen[first], seen[again]
        is_equal, same_texts = a.print.digest == b.print.digest, a.texts == b.texts
        if again in told or not (is_equal or (same_texts and not (a.is_line or b.is_line))):
            continue
        told.add(again)
        yield Finding("same picture", b.place, f"{'' if is_equal else 'nearly '}equal to {a.place}")
        if not same_texts:
            was, is_now = ("|".join(one.texts)[:40] for one in (a, b))
            yield Finding("other label", b.place, f"{is_now!r}, but {was!r} at {a.place}")


def _texts(sample: PageSample | LineSample) -> tuple[str, ...]:
    if isinstance(sample, LineSample):
        return (sample.text,)
    return tuple(line.text for line in sample.lines if not line.ignore)
