"""Diagnose why lines were read wrong: misses of a page by cause.

The characters of a miss are charged to causes one after the other. What the same recognizer reads
right in the truth's own quad was lost by finding the line (not found, split, merged, box); of the
rest, dots of leaders and characters without a class were lost as such, and what is left to the first that holds
of: vertical, small, low in contrast; else the characters themselves are hard, and the pairs that were
confused are counted. Spaces, width of punctuation and letter case do not count in the figures of
`train.evaluate.page_metrics`; they are counted here beside them. Whether a font was ever seen in training cannot be
told from a picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Image
from common.quads import VERTICAL_RATIO, boxes_to_quads, crop, quad_size
from recognition.charset import Charset
from recognition.charset import normalize as fold
from train.data.samples import LabelledPage, Line
from train.evaluate.error_alignment import AlignmentStep, LineGroup, align, groups
from train.evaluate.page_metrics import ReadLine, normalize

NOT_FOUND = tuple(f"line not found ({why})" for why in ("vertical", "small", "pale", "other"))
SPLIT, MERGED, BOX = "line split", "lines merged", "box too tight, loose or shifted"
EXTRA = "read where the truth has nothing"
CHARSET, VERTICAL, SMALL = "character not in charset", "vertical", "small text"
PALE, CHARACTERS, LEADERS = "low contrast", "wrong characters", "leader dots"
SPACE, WIDTH, CASE = "space", "punctuation width", "letter case"
FINDING = (*NOT_FOUND, SPLIT, MERGED, BOX, EXTRA)
READING = (LEADERS, CHARSET, VERTICAL, SMALL, PALE, CHARACTERS)
UNCOUNTED = (SPACE, WIDTH, CASE)
CAUSES = (*FINDING, *READING, *UNCOUNTED)

SMALL_PX = 16.0
"""Line height in pixels below which text is small: an x-height of about 7."""
PALE_LEVELS = 64.0
"""Grey levels between the line's darkest and lightest pixels below which its contrast is low."""
_LEADER = "...."  # as `normalize` leaves them; an ellipsis has three
_MARGIN = 0.08  # grown quads are what the pipeline cuts out

Recognize = Callable[[Sequence[Image]], Sequence[str]]


class NormalizedChar(NamedTuple):
    """One character that counts: as compared, as written, and whether white space stood before it."""

    key: str
    raw: str
    spaced: bool


class Pair(NamedTuple):
    """One step of the comparison of two texts; a side without a character is None."""

    true: NormalizedChar | None
    read: NormalizedChar | None

    @property
    def wrong(self) -> bool:
        """Whether the two differ in what the figures count."""
        return self.true is None or self.read is None or self.true.key != self.read.key


@dataclass(frozen=True)
class Miss:
    """Lines that belong together and were not read right.

    `lost` holds characters by cause, 0 where a line was split or merged and yet all its characters
    are right; `cause` is where most were lost. `own` is what is read in the truth's quads, None where
    that was not tried. `height` is the line's in pixels, None where the truth has no quad and nothing
    was found.
    """

    page: LabelledPage
    group: LineGroup
    pairs: tuple[Pair, ...]
    lost: dict[str, int]
    cause: str
    own: str | None = None
    detail: str = ""
    height: float | None = None
    confusions: tuple[tuple[str, str], ...] = ()


@dataclass
class _Facts:
    """What can be told of a group before its causes are."""

    page: LabelledPage
    group: LineGroup
    pairs: list[Pair]
    quads: list[Floats]
    own_text: str | None = None
    own_pairs: list[Pair] = field(default_factory=list)


def normalized_chars(text: str, *, alnum: bool = False) -> list[NormalizedChar]:
    """Take a text apart into the characters that the figures compare."""
    result, spaced = [], False
    for char in text:
        for key in normalize(char):
            if key.isalnum() or not alnum:
                result.append(NormalizedChar(key, char, spaced))
            spaced = False
        spaced |= char.isspace()
    return result


def compare(truth: str, read: str, *, alnum: bool = False) -> list[Pair]:
    """Put two texts side by side, character by character."""
    a, b = normalized_chars(truth, alnum=alnum), normalized_chars(read, alnum=alnum)
    steps: list[AlignmentStep] = align([sign.key for sign in a], [sign.key for sign in b])
    return [Pair(None if s.a is None else a[s.a], None if s.b is None else b[s.b]) for s in steps]


def find_misses(
    page: LabelledPage,
    read: Sequence[ReadLine],
    image: Image,
    recognize: Recognize,
    charset: Charset,
) -> list[Miss]:
    """Compare what was read on a page with its truth and say why each miss was missed.

    Args:
        page: the truth.
        read: in reading order.
        image: (H, W, 3) uint8 RGB as shown.
        recognize: reads crops, one text each; it is given the truth's own quads.
        charset: what the recognizer has classes for.
    """
    known = [_facts(page, group, image) for group in groups(page, read)]
    missed = [facts for facts in known if _is_counted(facts) or _uncounted(facts)]
    _read_own([facts for facts in missed if _is_counted(facts)], image, recognize)
    return [_miss(facts, _charge(facts, image, charset), charset) for facts in missed]


def _facts(page: LabelledPage, group: LineGroup, image: Image) -> _Facts:
    joint = "" if page.cropped else " "
    truth = joint.join(line.text for line in group.truth)
    read = joint.join(line.text for line in group.read)
    quads = group_quads(group.truth) or group_quads(group.read)
    if page.cropped:
        height, width = image.shape[:2]
        quads = list(boxes_to_quads(np.array([[0, 0, width, height]], np.float32)))
    return _Facts(page, group, compare(truth, read, alnum=page.alnum), quads)


def group_quads(lines: Iterable[Line | ReadLine]) -> list[Floats]:
    """Return the quads of lines that have one."""
    quads = (line.box if isinstance(line, ReadLine) else line.quad for line in lines)
    return [np.asarray(quad, np.float32) for quad in quads if quad is not None]


def _is_counted(facts: _Facts) -> bool:
    """Whether the figures are lower for a group: characters lost, or lines not as in the truth."""
    return bool(_lost(facts.pairs, facts.page) or _structure(facts))


def _lost(pairs: Iterable[Pair], page: LabelledPage) -> list[Pair]:
    """The pairs that cost a character; more than the truth names is no error where it is partial."""
    return [pair for pair in pairs if pair.wrong and (pair.true or not page.partial)]


def _structure(facts: _Facts) -> str:
    """How lines were joined wrongly, whatever was read in them; empty where they were not."""
    truth, read = len(facts.group.truth), len(facts.group.read)
    if not truth:
        return EXTRA
    if facts.page.cropped or not read:
        return ""
    if read > 1:
        return SPLIT
    return MERGED if truth > 1 and not facts.page.word_level else ""


def _uncounted(facts: _Facts) -> Counter[str]:
    """Differences that the figures leave out: spaces between Latin words, width of signs, case."""
    counts: Counter[str] = Counter()
    if facts.page.alnum:
        return counts
    # Some sets are labelled in capitals, whatever the page has.
    cased = any(char.islower() for line in facts.page.lines for char in line.text)
    before: Pair | None = None
    for pair in facts.pairs:
        if pair.true and pair.read and not pair.wrong:
            if pair.true.raw != pair.read.raw:
                same = pair.true.raw.lower() == pair.read.raw.lower()
                counts[CASE if same else WIDTH] += cased or not same
            if before and before.true and before.true.key.isascii() and pair.true.key.isascii():
                counts[SPACE] += pair.true.spaced != pair.read.spaced
            before = pair
        else:
            before = None
    return +counts


def _read_own(missed: Sequence[_Facts], image: Image, recognize: Recognize) -> None:
    """Read the truth's own quads, all of a page at once."""
    known = [
        facts
        for facts in missed
        if facts.group.truth and all(line.quad is not None for line in facts.group.truth)
    ]
    crops = [crop(image, expanded(quad)) for facts in known for quad in facts.quads]
    texts = iter(recognize(crops) if crops else [])
    for facts in known:
        facts.own_text = " ".join(next(texts) for _ in facts.quads)
        truth = " ".join(line.text for line in facts.group.truth)
        facts.own_pairs = compare(truth, facts.own_text, alnum=facts.page.alnum)


def _charge(facts: _Facts, image: Image, charset: Charset) -> dict[str, int]:
    """Share the lost characters of a group out among causes."""
    lost: Counter[str] = Counter()
    wrong = _lost(facts.pairs, facts.page)
    if not facts.group.read:
        trait = {VERTICAL: 0, SMALL: 1, PALE: 2}.get(_trait(facts, image), 3)
        return {NOT_FOUND[trait]: len(wrong)}
    structure = _structure(facts)
    if structure == EXTRA:
        return {EXTRA: len(wrong)}
    left = wrong
    if facts.own_text is not None:
        own = _lost(facts.own_pairs, facts.page)
        if len(own) < len(wrong):
            lost[structure or BOX] = len(wrong) - len(own)
            left = own
    if structure:
        lost[structure] += 0
    leaders = sum(_is_leader(pair, facts) for pair in left)
    unknown = sum(not _has_class(pair, charset) for pair in left)
    lost[LEADERS], lost[CHARSET] = leaders, unknown
    lost[_trait(facts, image) or CHARACTERS] += len(left) - leaders - unknown
    kept = {cause: count for cause, count in lost.items() if count or cause == structure}
    return kept | dict(_uncounted(facts))


def _is_leader(pair: Pair, facts: _Facts) -> bool:
    """Whether a character of the truth is one of the dots between a title and its page number."""
    dotted = any(_LEADER in normalize(line.text) for line in facts.group.truth)
    return dotted and pair.true is not None and pair.true.key == "."


def _has_class(pair: Pair, charset: Charset) -> bool:
    if pair.true is None:
        return True
    return pair.true.key in charset or fold(pair.true.raw) in charset


def _trait(facts: _Facts, image: Image) -> str:
    """What makes a group's lines hard as a whole: vertical, small or pale; empty for nothing of these."""
    if not facts.quads:
        return ""
    sizes = [quad_size(quad) for quad in facts.quads]
    long = len(facts.pairs) > 1
    if long and all(height >= VERTICAL_RATIO * width for height, width in sizes):
        return VERTICAL
    if min(min(size) for size in sizes) < SMALL_PX:
        return SMALL
    return PALE if min(contrast(image, quad) for quad in facts.quads) < PALE_LEVELS else ""


def contrast(image: Image, quad: Floats) -> float:
    """Return the grey levels between the darkest and the lightest pixels of a quad, strays left out."""
    grey: NDArray[np.uint8] = np.asarray(cv2.cvtColor(crop(image, quad), cv2.COLOR_RGB2GRAY))
    low, high = np.percentile(grey, [2, 98])
    return float(high - low)


def expanded(quad: Floats, margin: float = _MARGIN) -> Floats:
    """Grow a quad by a share of its short side on every side."""
    grow = margin * min(quad_size(quad))
    right, down = quad[1] - quad[0], quad[3] - quad[0]
    right = right * (grow / max(float(np.linalg.norm(right)), 1e-6))
    down = down * (grow / max(float(np.linalg.norm(down)), 1e-6))
    return np.asarray(
        quad + np.stack([-right - down, right - down, right + down, down - right]), np.float32
    )


def _miss(facts: _Facts, lost: dict[str, int], charset: Charset) -> Miss:
    counted = {cause: count for cause, count in lost.items() if cause not in UNCOUNTED}
    cause = max(counted or lost, key=lambda name: lost[name])
    heights = [min(quad_size(quad)) for quad in facts.quads]
    own = _lost(facts.own_pairs, facts.page)
    wrong = _lost(facts.pairs, facts.page)
    by_reading = own if facts.own_text is not None and len(own) < len(wrong) else wrong
    confusions = tuple(
        (pair.true.raw if pair.true else "", pair.read.raw if pair.read else "")
        for pair in by_reading
        if facts.group.read and facts.group.truth
        if _has_class(pair, charset) and not _is_leader(pair, facts)
    )
    return Miss(
        facts.page,
        facts.group,
        tuple(facts.pairs),
        lost,
        cause,
        facts.own_text,
        _box_detail(facts.group) if BOX in lost else "",
        min(heights) if heights else None,
        confusions,
    )


def _box_detail(group: LineGroup) -> str:
    """Whether a box is tighter or looser than the truth's, by its area."""
    areas = [
        sum(float(np.prod(quad_size(quad))) for quad in group_quads(side))
        for side in (group.truth, group.read)
    ]
    ratio = areas[1] / max(areas[0], 1.0)
    return f"{'tight' if ratio < 0.8 else 'loose' if ratio > 1.25 else 'shifted'} ({ratio:.2f} x)"
