"""Fill a column with text from the top down: paragraphs, headings, rows with a gap."""

from __future__ import annotations

from dataclasses import dataclass, replace

from numpy.random import Generator

from train.synth.drawing.canvas import Canvas, Color, Ink
from train.synth.drawing.resources import Resources
from train.synth.typesetting.typeset import Stamp, Type, justified, wrap


@dataclass
class Flow:
    """A box on a canvas and the height reached in it.

    Args:
        x0: left side; `x1` the right one, `y` where the next line goes, `y1` the foot, in pixels.
        kind: the face of the running text.
        leading: distance of lines in sizes of the face.
        align: "left", "justify", "center" or "right".
        indent: of a paragraph's first line, in sizes of the face.
    """

    canvas: Canvas
    resources: Resources
    rng: Generator
    lang: str
    kind: Type
    ink: Ink
    x0: float
    x1: float
    y: float
    y1: float
    leading: float = 1.5
    align: str = "justify"
    indent: float = 2.0
    hyphens: bool = False

    @property
    def width(self) -> float:
        """Pixels between the sides."""
        return self.x1 - self.x0

    @property
    def full(self) -> bool:
        """No further line of running text fits."""
        return self.y + 1.1 * self.kind.size > self.y1

    def space(self, sizes: float) -> None:
        """Leave a gap, in sizes of the face."""
        self.y += sizes * self.kind.size

    def place(
        self, stamp: Stamp, align: str, ink: Ink | None = None, *, indent: float = 0.0
    ) -> bool:
        """Print one line at the present height without moving on."""
        x = self.x0 + indent
        if align == "center":
            x = (self.x0 + self.x1 - stamp.width) / 2
        elif align == "right":
            x = self.x1 - stamp.width
        if self.y + stamp.height > self.y1 + 0.3 * self.kind.size:
            return False
        return self.canvas.put(stamp, x, self.y, ink or self.ink)

    def line(
        self, text: str, *, kind: Type | None = None, align: str = "left", ink: Ink | None = None
    ) -> bool:
        """Print one line, shortened to the width, and move on; say whether it was printed."""
        kind = kind or self.kind
        lines = wrap(kind, kind.clean(text), self.width)
        if not lines:
            return False
        done = self.place(kind.draw(lines[0]), align, ink)
        self.y += self.leading * kind.size
        return done

    def paragraph(
        self, text: str, *, indent: float | None = None, hang: float = 0.0, most: int = 99
    ) -> int:
        """Print wrapped text, at most `most` lines; all but the first stand `hang` pixels in."""
        first = (self.indent if indent is None else indent) * self.kind.size
        lines = wrap(self.kind, text, self.width - hang, indent=first - hang, hyphens=self.hyphens)[
            :most
        ]
        for number, line in enumerate(lines):
            if self.full:
                return number
            start = first if number == 0 else hang
            stamp = self.kind.draw(line)
            last = number == len(lines) - 1
            if self.align == "justify" and not last:
                stamp = justified(stamp, round(self.width - start))
            align = "left" if self.align == "justify" else self.align
            self.place(stamp, align, indent=start)
            self.y += self.leading * self.kind.size
        return len(lines)

    def running_text(self, lines: float) -> None:
        """Print a paragraph of the corpus, about so many lines long."""
        mean = float(self.kind.measure("the rain" if self.lang == "en" else "文字").mean())
        chars = int(lines * self.width / max(mean, 1.0))
        self.paragraph(self.resources.paragraph(self.rng, self.kind, self.lang, max(4, chars)))

    def heading(
        self,
        text: str,
        scale: float,
        *,
        align: str = "left",
        bold: bool = True,
        color: Color | None = None,
    ) -> None:
        """Print a heading in up to two lines, larger than the running text."""
        kind = replace(self.kind.at(self.kind.size * scale), bold=1.0 if bold else self.kind.bold)
        ink = Ink(color) if color is not None else self.ink
        for line in wrap(kind, kind.clean(text), self.width)[:2]:
            if self.y + 1.1 * kind.size > self.y1:
                return
            self.place(kind.draw(line), align, ink)
            self.y += 1.3 * kind.size

    def pair(
        self,
        left: str,
        right: str,
        *,
        kind: Type | None = None,
        leader: Color | None = None,
        dx: float = 0.0,
    ) -> None:
        """Print a label and, at the right side, a value: two lines, `leader` dots between them."""
        kind = kind or self.kind
        value = kind.draw(right) if right.strip() else None
        room = self.width - dx - (value.width + 2 * kind.size if value is not None else 0)
        lines = wrap(kind, kind.clean(left), max(room, 2 * kind.size))
        if lines:
            label = kind.draw(lines[0])
            self.place(label, "left", indent=dx)
            if leader is not None and value is not None:
                foot = self.y + 0.8 * kind.size
                start, end = (
                    self.x0 + dx + label.width + 0.7 * kind.size,
                    self.x1 - value.width - 0.7 * kind.size,
                )
                self.canvas.rule(start, foot, end, foot, leader, dash=max(1.0, kind.size / 8))
        if value is not None:
            self.place(value, "right")
        self.y += self.leading * kind.size
