"""Suppress non-maxima greedily on a GPU: the binding of `nms_cuda.cu`, which setup.sh builds."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Boxes, Scores

LIBRARY = Path(__file__).with_name("nms_cuda.dll" if sys.platform == "win32" else "libnms_cuda.so")
"""What `python -m ctpn.nms.build_cuda` builds."""


def _open() -> Any:  # noqa: ANN401
    library = ctypes.CDLL(str(LIBRARY))
    library.nms_error.restype = ctypes.c_char_p
    library.nms_suppress.restype = ctypes.c_int64
    library.nms_suppress.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_float,
        ctypes.c_void_p,
        ctypes.c_int,
    ]
    return library


def load(*, on_host: bool = False) -> Callable[[Boxes, Scores, float], NDArray[np.intp]]:
    """Open the library and return the function that suppresses; see `nms_numpy.suppress`.

    Args:
        on_host: run the kernel's code on the CPU, which is slow and there to be tested.

    Raises:
        OSError: it was not built, or there is no GPU to run it on.
    """
    if not LIBRARY.is_file():
        raise OSError(
            f"{LIBRARY.name} is not built: run `python -m ctpn.nms.build_cuda` (needs nvcc)"
        )
    library = _open()
    if not on_host and not library.nms_devices():
        raise OSError("no GPU with a driver of CUDA was found: use cython or numpy")

    def suppress(boxes: Boxes, scores: Scores, threshold: float) -> NDArray[np.intp]:
        order = np.argsort(-np.asarray(scores), kind="stable")
        ranked = np.ascontiguousarray(boxes[order], np.float32)
        kept = np.empty(len(order), np.int64)
        found = library.nms_suppress(
            ranked.ctypes.data, len(ranked), threshold, kept.ctypes.data, int(on_host)
        )
        if found < 0:
            message = library.nms_error(int(-1 - found)).decode()
            raise RuntimeError(f"NMS on the GPU failed: {message}; use cython or numpy")
        result: NDArray[np.intp] = order[kept[:found]]
        return result

    return suppress
