"""Load a reader by the names of its models. Which classes serve a name is in the manifest alone."""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

from common.arrays import Floats, Image, Network
from common.roles import SceneClassifier
from common.settings import changed
from ocr.line.accept import readable_alone
from ocr.onnx_runtime import Chained, available_cores, load_onnx
from ocr.reader import Reader
from ocr.reading_models import finding_and_reading
from ocr.settings import Settings
from ocr.weights import (
    WEIGHTS,
    ModelRow,
    WeightsError,
    find,
    folder_of_shared,
    locate,
    read,
)
from ocr.weights.untrained import check_name, find_trained
from recognition.decoding.language_model import LanguageModel
from recognition.decoding.lexicon import Lexicon

CLASSES = {
    "angle": "Classifier",
    "detector": "Detector",
    "recognizer": "Recognizer",
    "scene": "Scene",
    "spotter": "Spotter",
}
"""Task to the class that a model's package re-exports for it."""

SCENE = "small"
"""Name of the model that looks at photographs beside their text, whatever the others are."""

WORKERS = 4
"""Batches of lines read at once at most; what more threads there are, they share. Each takes memory."""

GPU_COLUMNS = 16384
"""Columns, lines times width, of one batch on a GPU."""

LANGUAGES = ("zh", "en")
"""What `languages` names."""

LANGUAGE, LANGUAGE_MODEL = "language", "zh_en"
"""Task and name of the table of n-grams that `decode="beam"` takes."""


def load(
    models: str = "small",
    *,
    angle: str | None = None,
    detector: str | None = None,
    recognizer: str | None = None,
    spotter: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    decode: str | None = None,
    lexicon: Path | Iterable[str] | None = None,
    allowed: str | None = None,
    languages: Iterable[str] | None = None,
    vertical: bool = False,
    settings: Settings | None = None,
    without: Collection[str] = (),
) -> Reader:
    """Load the models of a reader.

    Args:
        models: Name of all three models.
        angle: Name of the angle model, where it is another one.
        detector: Likewise.
        recognizer: Likewise.
        spotter: Name of the model that finds and reads in one, in place of detector and recognizer.
        device: "cpu" or "cuda".
        threads: Threads that one page is worked on with; all cores by default.
        decode: "beam", a search with a language model where the recognizer is unsure, "greedy", or "attention"
            for recognizers that read by it; None is "beam" for those that give probabilities to search in.
        lexicon: Words and phrases that are expected, or a UTF-8 file with one a line.
        allowed: The only characters that are read; None allows all. Lines that are none of these are left out.
        languages: Those of the text, of `LANGUAGES`, in place of `allowed`; "en" alone leaves Chinese out. None is all.
        vertical: All lines run from top to bottom, in columns from the right; most are found without it.
        settings: The thresholds of all steps; None for the defaults.
        without: Names of steps to leave out, of `ocr.reader.STEPS`.

    Raises:
        ValueError: A name, step, device, number of threads or way to decode that is not there, allowed characters that
            the recognizer does not know, or a spotter beside what it replaces.
        OSError: The lexicon's file cannot be read.
        WeightsError: A weight file is missing or damaged.
    """
    named = {"angle": angle, "detector": detector or spotter, "recognizer": recognizer or spotter}
    check_name(models, [task for task, own in named.items() if own is None])
    threads = available_cores() if threads is None else threads
    chinese = languages is None or reads_chinese(languages, allowed)
    batches, settings = batching(device, threads), checked(settings, allowed, chinese=chinese)
    searching = decoding(decode, lexicon, allowed, settings, chinese=chinese)
    locate(find(SCENE, "scene"))
    language = searching.get("language_model")
    make = functools.partial(build, device=device, threads=threads)
    finds, reads, whole = finding_and_reading(
        (models, detector, recognizer, spotter), make, settings, searching | batches,
        threads // batches["workers"], vertical=vertical,
    )  # fmt: skip
    patches, likelihood = changed(settings.patches), language.likelihood if language else None
    return Reader(
        finds, reads, make(angle or models, "angle", options=patches), LazyScene(device, threads), likelihood,
        (whole or reads).confidence, whole, settings=settings, without=without,
    )  # fmt: skip


def checked(
    settings: Settings | None, allowed: str | None = None, *, chinese: bool = True
) -> Settings:
    """Return settings, the defaults where there are none; those for certain characters alone where these are given.

    Raises:
        TypeError: They are something else.
    """
    settings = Settings() if settings is None else settings
    if not isinstance(settings, Settings):
        raise TypeError(
            f"settings is of {type(settings).__name__}, expected ocr.settings.Settings, for example "
            "Settings(retry=Retry(below_score=0.9))"
        )
    if allowed is not None or not chinese:
        settings = replace(settings, accept=readable_alone(settings.accept))
    return settings


class LazyScene:
    """Open the model that looks at photographs beside their text when it is first asked: few pages need it.

    Args:
        device: As in `load`.
        threads: Likewise.
    """

    def __init__(self, device: str, threads: int) -> None:
        self._arguments = device, threads
        self._lock = threading.Lock()
        self._model: SceneClassifier | None = None

    def __call__(self, image: Image, /) -> Floats:
        """Return probabilities (4,) of the four turns of a picture (H, W, 3).

        Raises:
            WeightsError: The file is damaged, or gone since `load`.
        """
        with self._lock:
            if self._model is None:
                device, threads = self._arguments
                self._model = build(SCENE, "scene", device=device, threads=threads)
        return self._model(image)

    def __reduce__(self) -> tuple[type[LazyScene], tuple[str, int]]:
        """Be sent to other processes unopened."""
        return LazyScene, self._arguments


def reads_chinese(languages: Iterable[str], allowed: str | None = None) -> bool:
    """Whether text in these languages may be Chinese.

    Args:
        languages: Of `LANGUAGES`; one text is a list divided by commas.
        allowed: Expected to be None.

    Raises:
        ValueError: There are none, or one that is not read, or `allowed` says something else.
    """
    names = languages.split(",") if isinstance(languages, str) else list(languages)
    unknown = [name for name in names if name not in LANGUAGES]
    if unknown or not names:
        raise ValueError(f"languages are {names}, expected some of {', '.join(LANGUAGES)}")
    if allowed is not None:
        raise ValueError("found languages and allowed characters, expected one of them")
    return "zh" in names


def batching(device: str, threads: int) -> dict[str, int]:
    """Return `options` of `build` for a recognizer: how it batches lines.

    Each core reads a batch of its own, of few lines and so of little padding. A GPU takes large ones one by one.

    Args:
        device: As in `load`.
        threads: Likewise.
    """
    if device != "cpu":
        return {"workers": 1, "batch_columns": GPU_COLUMNS}
    return {"workers": min(max(threads, 1), WORKERS)}


def build(
    name: str,
    task: str,
    *,
    device: str = "cpu",
    threads: int | None = None,
    folder: Path = WEIGHTS,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Any:  # noqa: ANN401
    """Build one model of the manifest: the package's class around its network.

    Args:
        name: As in the manifest.
        task: "angle", "detector", "recognizer", "spotter" or "scene".
        device: "cpu" or "cuda".
        threads: All cores by default.
        folder: The folder of the manifest.
        options: Arguments of the package's class beside those in the file, or in their place.

    Raises:
        ValueError: There is no such model or device, or an option is wrong.
        WeightsError: The file is missing or damaged.
    """
    row = find_trained(name, task, folder)
    network, config = _opened(row, device, threads, folder)
    networks = [network]
    if row.trunk:
        trunk, _ = _opened(find(row.trunk, "trunk", folder), device, threads, folder)
        # A spotter looks for lines between the two.
        chained = Chained(trunk, network, colors=task != "recognizer")
        networks = [trunk, network] if task == "spotter" else [chained]
    model = getattr(importlib.import_module(row.package), CLASSES[task])
    try:
        return model(*networks, **{**config, **options})
    except TypeError as error:
        raise WeightsError(
            f"{locate(row, folder)}: its configuration does not fit {row.package}.{CLASSES[task]} ({error}); "
            "weights and code are of different versions"
        ) from error


def _opened(
    row: ModelRow, device: str, threads: int | None, folder: Path
) -> tuple[Network, dict[str, Any]]:
    """Open a network with its configuration, or take one that is open: readers that differ in options share it.

    A trunk is most of what two models on it weigh.
    """
    path, content = read(row, folder)
    beside, key = folder_of_shared(row, folder), (row.sha256, device, threads)
    with _opening:
        network = _networks.get(key)
        if network is not None:
            return network, dict(_configurations[key])
        network, config = load_onnx(path, threads, device, content=content, beside=beside)
        _networks[key], _configurations[key] = network, config
    return network, dict(config)


_opening = threading.Lock()
_networks: WeakValueDictionary[tuple[str, str, int | None], Network] = WeakValueDictionary()
_configurations: dict[tuple[str, str, int | None], dict[str, Any]] = {}


def load_language_model(name: str = LANGUAGE_MODEL, *, folder: Path = WEIGHTS) -> LanguageModel:
    """Load a table of n-grams of the manifest.

    Args:
        name: As in the manifest.
        folder: The folder of the manifest.

    Raises:
        ValueError: There is no such table.
        WeightsError: The file is missing or damaged.
    """
    path, content = read(find(name, LANGUAGE, folder), folder)
    try:
        return LanguageModel.from_bytes(content, name=str(path))
    except ValueError as error:
        raise WeightsError(f"{error}; weights and code are of different versions") from error


def decoding(
    decode: str | None = None,
    lexicon: Path | Iterable[str] | None = None,
    allowed: str | None = None,
    settings: Settings | None = None,
    *,
    chinese: bool = True,
) -> dict[str, Any]:
    """Return `options` of `build` for a recognizer, only what differs from its defaults.

    Args:
        decode: As in `load`.
        lexicon: Likewise.
        allowed: Likewise.
        settings: Likewise.
        chinese: As the recognizer takes it.

    Raises:
        OSError: The lexicon's file cannot be read.
        ValueError: It is not UTF-8.
        WeightsError: The language model is missing or damaged.
    """
    settings = settings or Settings()
    options: dict[str, Any] = {}
    if changed(settings.search):
        options["search"] = settings.search
    if changed(settings.script):
        options["script"] = settings.script
    if decode is not None:
        options["decode"] = decode
    if decode in (None, "beam"):
        options["language_model"] = load_language_model()
    if lexicon is not None:
        own = settings.lexicon
        if isinstance(lexicon, Path):
            options["lexicon"] = Lexicon.load(lexicon, own)
        else:
            options["lexicon"] = Lexicon(lexicon, own)
    if allowed is not None:
        options["allowed"] = allowed
    if not chinese:
        options["chinese"] = False
    return options
