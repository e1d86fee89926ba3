"""Build what finds lines and what reads them: a detector and a recognizer, or a spotter that is both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from common.settings import changed
from ocr.settings import Settings
from ocr.weights.untrained import find_trained


def finding_and_reading(
    names: tuple[str, str | None, str | None, str | None],
    make: Callable[..., Any],
    settings: Settings,
    reading: Mapping[str, Any],
    threads: int,
    *,
    vertical: bool,
) -> tuple[Any, Any, Any]:
    """Build them.

    Args:
        names: Of both models where they are not named, of the detector, the recognizer and the spotter.
        make: From a name, a task, `threads` and `options` to a model, as `ocr.models.build`.
        settings: Of all steps.
        reading: Options of whoever reads.
        threads: Of a recognizer's network.
        vertical: All lines run from top to bottom.

    Returns:
        A `common.roles.Detector`, a `Recognizer`, and the `Spotter` whose parts they are, or None.

    Raises:
        ValueError: A spotter is asked for besides what it replaces, or settings of another method are changed.
        WeightsError: A weight file is missing or damaged.
    """
    models, detector, recognizer, spotter = names
    if spotter is not None:
        check_alone(detector, recognizer, vertical)
        whole = make(spotter, "spotter", options=spotter_options(settings, reading))
        return whole.find, whole.read, whole
    detector = detector or models
    finds = finding(detector, settings) | ({"vertical": True} if vertical else {})
    reads = make(recognizer or models, "recognizer", threads=threads, options=reading)
    return make(detector, "detector", options=finds), reads, None


def finding(name: str, settings: Settings) -> dict[str, Any]:
    """Return `options` of `build` for a detector: the settings that differ from its defaults.

    Args:
        name: As in the manifest.
        settings: Of all steps.

    Raises:
        ValueError: There is no such detector, or settings of another method are changed.
    """
    package, own = find_trained(name, "detector").package, changed(settings.ctpn)
    if own and package != "ctpn":
        raise ValueError(f"ctpn.{next(iter(own))} is set, but detector {name!r} is no CTPN")
    return changed(settings.detect) | own


def spotter_options(settings: Settings, reading: Mapping[str, Any]) -> dict[str, Any]:
    """Return `options` of `ocr.models.build` for a spotter.

    Args:
        settings: Of all steps.
        reading: `options` as for a recognizer.

    Raises:
        ValueError: Settings of CTPN are changed.
    """
    if own := changed(settings.ctpn):
        raise ValueError(f"ctpn.{next(iter(own))} is set, but a spotter has no CTPN")
    return {"margin": settings.crop.margin, "reading": dict(reading), **changed(settings.detect)}


def check_alone(detector: str | None, recognizer: str | None, vertical: bool) -> None:
    """Check that nothing is asked for besides a spotter that it is itself.

    Raises:
        ValueError: It is.
    """
    if detector or recognizer or vertical:
        raise ValueError(
            "found a spotter beside a detector, a recognizer or vertical=True, all of which it is: leave them out"
        )
