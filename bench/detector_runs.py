"""Run each detector in a process of its own over the same pictures: quads, time, memory, parameters."""

from __future__ import annotations

import importlib
import logging
import math
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from bench.engines import peak_mib
from common.arrays import Quads, Scores
from common.image import load
from common.roles import Detector
from detection import METHODS
from ocr.models import build
from ocr.onnx_runtime import load_onnx
from ocr.weights import WEIGHTS, ModelRow, checked_path, find, models
from ocr.weights.file import is_onnx, read_file

_LOG = logging.getLogger(__name__)


class Candidate(NamedTuple):
    """A detector to be measured."""

    name: str
    method: str
    """Of `detection.METHODS`."""
    weights: Path | None = None
    """ONNX or safetensors; None takes those of the manifest."""
    folder: Path = WEIGHTS
    """Of the manifest."""


class Detected(NamedTuple):
    """What a detector found on one picture."""

    quads: Quads
    scores: Scores
    seconds: float
    """Without decoding of the picture's file."""
    cpu_seconds: float
    """The same of all threads together, whatever else the machine does meanwhile."""


@dataclass
class DetectorRun:
    """What a detector found and cost; where it failed on a picture stands None."""

    parameters: int = 0
    load_s: float = 0.0
    peak_mib: float = 0.0
    found: list[Detected | None] = field(default_factory=list)


class DetectorError(RuntimeError):
    """A detector's process ended before its last picture, or never had a detector."""


def shipped(folder: Path = WEIGHTS) -> list[Candidate]:
    """List the methods whose weights are in the manifest of a folder."""
    named = {row.name for row in models(folder) if row.task == "detector"}
    return [Candidate(key, key, folder=folder) for key, row in METHODS.items() if row.name in named]


def open_detector(candidate: Candidate, threads: int) -> tuple[Detector, int]:
    """Open a detector and count its parameters.

    Raises:
        ValueError: weights of another network.
        WeightsError: a file is missing or damaged.
    """
    row = METHODS[candidate.method]
    if candidate.weights is None:
        folder = candidate.folder
        files = weight_files(row.name, "detector", folder)
        parameters = sum(onnx_parameters(checked_path(one, folder)) for one in files)
        return build(row.name, "detector", threads=threads, folder=folder), parameters
    make = importlib.import_module(row.package).Detector
    if is_onnx(candidate.weights):
        onnx_network, config = load_onnx(candidate.weights, threads)
        return make(onnx_network, **config), onnx_parameters(candidate.weights)
    import torch  # only here: it would be most of the memory measured

    from detection.network_torch import as_network
    from train.loop.setup_torch import load_initial_weights

    torch.set_num_threads(threads)
    network = load_initial_weights(row.torch.NETWORKS[row.network](), candidate.weights)
    parameters = sum(value.numel() for value in network.parameters())
    return make(as_network(network.eval(), row.torch.activate)), parameters


def weight_files(name: str, task: str, folder: Path = WEIGHTS) -> list[ModelRow]:
    """List the manifest's rows of the files that a model needs to run: its own, then that of its trunk.

    Raises:
        ValueError: there is no such model.
        WeightsError: the manifest cannot be read.
    """
    found = find(name, task, folder)
    return [found, *([find(found.trunk, "trunk", folder)] if found.trunk else [])]


def onnx_parameters(path: Path) -> int:
    """Count the weights in an ONNX file; what int8 needs besides, scales and zero points, is left out."""
    import onnx

    graph = onnx.load_from_string(read_file(path)).graph
    extra = ("_scale", "_zero_point")
    return sum(math.prod(one.dims) for one in graph.initializer if not one.name.endswith(extra))


def run(candidate: Candidate, paths: Sequence[Path], threads: int) -> DetectorRun:
    """Run one detector over all pictures, the first of which it sees once before, unmeasured.

    Raises:
        DetectorError: its process ended early.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(candidate, paths, threads, theirs))
    process.start()
    theirs.close()
    result = DetectorRun()
    try:
        opened = _answer(ours)
        result.parameters, result.load_s = opened
        for path in tqdm(paths, desc=candidate.name, unit="page", disable=None):
            found = _answer(ours)
            if isinstance(found, str):
                _LOG.warning("%s on %s: %s", candidate.name, path, found)
            result.found.append(found if isinstance(found, Detected) else None)
        result.peak_mib = _answer(ours)
    except EOFError:
        raise DetectorError(f"{candidate.name} ended early: see its messages above") from None
    finally:
        process.kill()
        process.join()
    return result


def _answer(connection: Connection) -> object:
    answer = connection.recv()
    if isinstance(answer, DetectorError):
        raise answer
    return answer


def _work(
    candidate: Candidate, paths: Sequence[Path], threads: int, connection: Connection
) -> None:
    """Send (parameters, seconds to load), what each picture holds or an error's text, and the peak in MiB."""
    start = time.perf_counter()
    try:
        detector, parameters = open_detector(candidate, threads)
    except (ValueError, OSError, RuntimeError) as error:
        connection.send(DetectorError(f"{candidate.name}: {error}"))
        return
    connection.send((parameters, time.perf_counter() - start))
    for index, path in enumerate(paths):
        try:
            image = load(path)
            if not index:
                detector(image)
            start, cpu_start = time.perf_counter(), time.process_time()
            quads, scores = detector(image)
            took, cpu = time.perf_counter() - start, time.process_time() - cpu_start
            connection.send(Detected(quads, scores, took, cpu))
        except Exception as error:  # one picture must not end the comparison
            connection.send(f"{type(error).__name__}: {error}")
    connection.send(peak_mib())
