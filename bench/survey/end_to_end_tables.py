"""Lay out what finds and reads in one, and chains that do the same in two steps, as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.detector_scores import ALL
from bench.survey.end_to_end import PARTIAL
from bench.survey.measure import Figures
from bench.survey.papers import System, of
from bench.survey.systems import CHAINS
from bench.survey.tables import NONE, Results, megabytes, paper, share, table, why
from bench.survey.words import group, say


def spotters(results: Results, sets: int, language: str) -> str:
    """Lay out a row for each spotter and chain: lines found and read right, what it costs, what its paper reports."""
    head = [say("system", language)]
    for number in range(1, sets + 1):
        title = say("set {}", language, number)
        head += [f"{title}: {say('R / P / H end to end', language)}", say("H found", language)]
        head.append("1-NED")
    names = ("CPU ms a page", "MB", "parameters", "reported", "paper")
    head += [say(name, language) for name in names]
    rows = [
        _row(one.title, results.get(one.key), sets, language, paper(one, language))
        for one in of("spotter")
    ]
    for chain in CHAINS:
        found = results.get(chain.key, {"error": ""})
        if "error" not in found:
            rows.append(_row(_titles()[chain.key], found, sets, language, [NONE, NONE]))
    return table(head, rows)


def _row(
    title: str, found: Figures | None, sets: int, language: str, published: list[str]
) -> list[str]:
    if found is None or "error" in found:
        return [title, say(why(found), language), *[NONE] * (3 * sets + 2), *published]
    cells = [title]
    for rows in found["sets"]:
        at: Mapping[str, Any] = rows.get(ALL, {})
        cells.append(" / ".join(share(at.get(name)) for name in ("recall", "precision", "hmean")))
        cells += [share(at.get("found")), share(at.get("1-NED"))]
    ms = NONE if found["cpu_ms"] is None else f"{found['cpu_ms']:.0f}"
    return [*cells, ms, megabytes(found), f"{found['parameters']:,}", *published]


def spotters_by_source(results: Results, language: str) -> str:
    """Lay out Hmean end to end by set and source; recall where the truth names part of the text."""
    titles = {key: title for key, title in _titles().items() if "sets" in results.get(key, {})}
    measured = [results[key]["sets"] for key in titles]
    rows = []
    for number, sets in enumerate(zip(*measured, strict=True), 1):
        for source in sorted(set().union(*sets) - {ALL}):
            figures = [rows_of.get(source, {}) for rows_of in sets]
            lines = max(one.get("lines", 0) for one in figures)
            which = "recall" if source.endswith(PARTIAL) else "hmean"
            name = f"{say('set {}', language, number)}: {_source(source, language)}"
            rows.append([name, f"{lines:.0f}", *(share(one.get(which)) for one in figures)])
    return table([say("source", language), say("lines", language), *titles.values()], rows)


def _source(name: str, language: str) -> str:
    """Return a source's name, with what is counted of it where that is recall alone."""
    return group(f"source {name}", language).removeprefix(f"{say('source', language)} ")


def _titles() -> dict[str, str]:
    """Return the titles of spotters, then those of chains, by their keys."""
    known: dict[tuple[str, str], System] = {
        (one.task, one.key): one
        for task in ("detector", "recognizer", "spotter")
        for one in of(task)
    }
    titles = {one.key: one.title for one in of("spotter")}
    for chain in CHAINS:
        finds, reads = known["detector", chain.detector], known["recognizer", chain.recognizer]
        titles[chain.key] = f"{finds.title} + {reads.title}"
    return titles
