"""Suppress non-maxima: the compiled version where it was built, else the numpy definition.

The one place that looks at what is installed: all give the same answer, so the choice is only
speed, it is logged, and `implementation` overrides it.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from common.arrays import Boxes, Scores
from ctpn.nms import nms_numpy

Suppress = Callable[[Boxes, Scores, float], NDArray[np.intp]]

_log = logging.getLogger(__name__)


def _cython() -> Suppress | None:
    try:
        compiled = importlib.import_module("ctpn.nms.nms_cython")
    except ImportError:
        return None

    def suppress(boxes: Boxes, scores: Scores, threshold: float) -> NDArray[np.intp]:
        by_x = np.argsort(boxes[:, 0], kind="stable")
        place = np.empty(len(by_x), np.int64)
        place[by_x] = np.arange(len(by_x))
        order = place[np.argsort(-np.asarray(scores), kind="stable")]
        ranks = np.empty_like(order)
        ranks[order] = np.arange(len(order))
        kept = np.empty_like(order)
        ranked = np.ascontiguousarray(boxes[by_x], np.float32)
        count = compiled.suppress_sorted(ranked, order, ranks, threshold, kept)
        return by_x[kept[:count]]

    return suppress


def _cuda() -> Suppress:
    from ctpn.nms import nms_cuda

    try:
        return nms_cuda.load()
    except OSError as error:
        raise ValueError(f"NMS on the GPU: {error}") from error


@lru_cache(maxsize=4)
def implementation(name: str = "auto") -> Suppress:
    """Return the function that suppresses.

    Args:
        name: "numpy", "cython", "cuda", or "auto" for Cython's where it was built. The GPU is never
            chosen by itself: a page's proposals are decided before they would have got there.

    Raises:
        ValueError: an unknown name, or a compiled version that was not built or has no GPU.
    """
    if name == "numpy":
        return nms_numpy.suppress
    if name == "cuda":
        return _cuda()
    if name not in {"auto", "cython"}:
        raise ValueError(f"NMS implementation is {name!r}, expected auto, cython, cuda or numpy")
    compiled = _cython()
    if compiled is None:
        if name == "cython":
            raise ValueError(
                "NMS is not compiled: run `python -m common.build_cython ctpn/nms/nms_cython.pyx` or use numpy"
            )
        _log.info("NMS: numpy (the compiled version is not built)")
        return nms_numpy.suppress
    _log.info("NMS: cython")
    return compiled
