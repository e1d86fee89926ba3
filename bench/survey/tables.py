"""Lay out the figures as Markdown tables, in either language; systems without weights have none there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.detector_scores import ALL, RECALL, ordered
from bench.survey.measure import Figures
from bench.survey.papers import System, of
from bench.survey.words import group, say

NONE = "–"
DEFAULT = {"detector": "ctpn", "recognizer": "crnn"}
"""What the others are compared with."""

MARGIN = 0.05
"""From which a difference is said; groups of fewer than `LEAST_LINES` are too few to say it."""
LEAST_LINES = 10

Results = Mapping[str, Figures]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table; all columns but the first are set to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def share(value: float | None) -> str:
    """Write a share as .875; a dash where nothing is known."""
    return NONE if value is None else f"{value:.3f}".removeprefix("0")


def detectors(results: Results, sets: int, language: str) -> str:
    """Lay out a row for each detector: what it reached on each set, what it costs, what its paper reports."""
    head = [say("system", language)]
    for number in range(1, sets + 1):
        title = say("set {}", language, number)
        head += [f"{title}: {say('R / P / H at .5', language)}", say("H at .7", language)]
    head += [
        say(one, language) for one in ("CPU ms a page", "MB", "parameters", "reported", "paper")
    ]
    return table(head, (_detector_row(one, results, sets, language) for one in of("detector")))


def _detector_row(system: System, results: Results, sets: int, language: str) -> list[str]:
    found = results.get(system.key)
    cells = [system.title]
    if found is None or "error" in found:
        cells += [say(why(found), language)] + [NONE] * (2 * sets + 2)
        return [*cells, *paper(system, language)]
    for rows in found["sets"]:
        at = rows.get(ALL, {})
        half = at.get("0.5", {})
        cells.append(" / ".join(share(half.get(name)) for name in ("recall", "precision", "hmean")))
        cells.append(share(at.get("0.7", {}).get("hmean")))
    ms = NONE if found["cpu_ms"] is None else f"{found['cpu_ms']:.0f}"
    return [*cells, ms, megabytes(found), f"{found['parameters']:,}", *paper(system, language)]


def why(found: Figures | None) -> str:
    """Return the wording for a system without figures."""
    return "no weights shipped" if found is None else "could not be measured"


def megabytes(found: Figures) -> str:
    """Sizes of its files; of those below a megabyte with one digit more."""
    return " + ".join(f"{s / 1e6:.{1 if s >= 1e6 else 2}f}" for s in found["bytes"])


def paper(system: System, language: str) -> list[str]:
    """What the paper reports, and where it is; a list's figures say so."""
    reported = system.reported
    if system.listed:
        reported += f" ({say('the list of results', language)})"
    where = system.note or f"[{system.arxiv}](https://arxiv.org/abs/{system.arxiv})"
    return [reported, f"{system.year}, {where}"]


def _columns(task: str, results: Results) -> list[System]:
    return [one for one in of(task) if "error" not in results.get(one.key, {"error": ""})]


def lines_by_group(results: Results, language: str) -> str:
    """Lay out Hmean at IoU 0.5 by aspect ratio, direction and height of the lines, of all sets together."""
    return _grouped(results, language, ("ratio ", "direction ", "height ", ALL))


def lines_by_source(results: Results, language: str) -> str:
    """Lay out Hmean at IoU 0.5 by source: of words by DetEval, recall where the truth names part of the text."""
    return _grouped(results, language, ("source ",))


def _grouped(results: Results, language: str, begins: tuple[str, ...]) -> str:
    systems = _columns("detector", results)
    names = ordered({name for one in systems for name in results[one.key]["rows"]})
    rows = []
    for name in names:
        if not name.startswith(begins):
            continue
        found = [_measure(results[one.key]["rows"].get(name, {}), name) for one in systems]
        count = max(lines for lines, _ in found)
        if count:
            rows.append([group(name, language), str(count), *(share(value) for _, value in found)])
    first = say("lines of text", language)
    return table([first, say("lines", language), *(one.title for one in systems)], rows)


def _measure(row: Mapping[str, Any], name: str) -> tuple[int, float | None]:
    """Number of lines and the measure that the truth of a group allows."""
    if not row:
        return 0, None
    first = row[min(row)]  # the least overlap, or DetEval
    return int(first["lines"]), first["recall" if name.endswith(RECALL) else "hmean"]


def compared(results: Results, language: str) -> str:
    """Lay out where each detector finds more or less than the default one does, by groups of lines."""
    default = DEFAULT["detector"]
    rows = []
    for system in _columns("detector", results):
        if system.key == default or "error" in results.get(default, {"error": ""}):
            continue
        better, worse = list[str](), list[str]()
        own, usual = results[system.key]["rows"], results[default]["rows"]
        for name in ordered(usual):
            count, before = _measure(usual[name], name)
            _, after = _measure(own.get(name, {}), name)
            if before is None or after is None or count < LEAST_LINES or name == ALL:
                continue
            if name.startswith("kind "):
                continue
            side = better if after - before >= MARGIN else worse
            if abs(after - before) >= MARGIN:
                side.append(f"{group(name, language)} ({share(before)} → {share(after)})")
        nothing = say("nowhere", language)
        rows.append([system.title, "<br>".join(better) or nothing, "<br>".join(worse) or nothing])
    usual_title = next(one.title for one in of("detector") if one.key == default)
    head = [
        say("system", language),
        say("better than {} by .05 or more", language, usual_title),
        say("worse by .05 or more", language),
    ]
    return table(head, rows)


def recognizers(results: Results, language: str) -> str:
    """Lay out a row for each recognizer: over all lines, what it costs, what its paper reports."""
    names = ("lines", "exact", "CER", "CPU ms a line", "MB", "parameters", "reported", "paper")
    rows = []
    for system in of("recognizer"):
        found = results.get(system.key)
        if found is None:
            cells = [say("no weights shipped", language)] + [NONE] * 5
        else:
            total = found["all"]
            cells = [f"{total['lines']:.0f}", share(total["exact"]), share(total["cer"])]
            cells += [f"{total['ms']:.1f}", megabytes(found), f"{found['parameters']:,}"]
        rows.append([system.title, *cells, *paper(system, language)])
    return table([say("system", language), *(say(name, language) for name in names)], rows)


def recognizers_by_source(results: Results, language: str) -> str:
    """Lay out the share of lines read exactly, by set and source."""
    systems = _columns("recognizer", results)
    rows = []
    for number, _ in enumerate(results[systems[0].key]["sets"] if systems else ()):
        found = [results[one.key]["sets"][number] for one in systems]
        for source in sorted({name for one in found for name in one}):
            lines = max(one[source]["lines"] for one in found if source in one)
            cells = [share(one[source]["exact"]) if source in one else NONE for one in found]
            title = f"{say('set {}', language, number + 1)}: {source}"
            rows.append([title, f"{lines:.0f}", *cells])
    head = [say("source", language), say("lines", language), *(one.title for one in systems)]
    return table(head, rows)
