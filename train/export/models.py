"""Say what each package needs to be exported: networks, outputs, configuration, inputs to calibrate on."""

from __future__ import annotations

import argparse
import copy
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import safe_open
from torch import nn

import detection
import recognition
from common.arrays import Floats, Image
from detection.method import DetectionMethod
from detection.preprocess import normalize
from ocr.weights import WEIGHTS
from ocr.weights.file import plain
from train.loop.setup_torch import without_norms
from train.synth.backgrounds import Backgrounds
from train.synth.corpus.sentences import Corpus
from train.synth.line.render import LineRenderer
from train.synth.page import PageRenderer
from train.synth.typesetting.fonts import FontLibrary
from train.transfer.merge_student import is_distilled

LINE_AXES = {0: "N", 3: "W"}

VIEW_AXES = {**LINE_AXES, 1: "V"}
"""Of a recognizer that takes several views of a line."""

FLOAT = ("rectifier",)
"""Parts of recognizers that stay in float32: a coarse step would move a line's pixels by parts of their size."""

CALIBRATION_SEED = 777
"""Of what the ranges of activations are measured on."""


@dataclass(frozen=True)
class Export:
    """What one package needs to be exported.

    Attributes:
        trained: network for the weights as trained.
        deployed: from it to the network as shipped.
        outputs: names of its outputs.
        axes: dynamic axes, as `torch.onnx.export` takes them.
        config: keyword arguments of the package's class, kept in the file.
        inputs: real inputs, to calibrate on and to compare with; of a network with several, by name.
        keep_float: substrings of node names that stay in float.
        classifier: matrix products become int8 too, their inputs measured as they come: for a large classifier.
    """

    trained: nn.Module
    deployed: Callable[[nn.Module], nn.Module]
    outputs: tuple[str, ...]
    axes: dict[str, dict[int, str]]
    config: dict[str, Any]
    inputs: Callable[[], Iterator[Floats | dict[str, Floats]]]
    keep_float: tuple[str, ...] = ()
    classifier: bool = False


@dataclass(frozen=True)
class ExportOptions:
    """What the exporting commands have in common.

    Attributes:
        weights: safetensors of a run.
        calibrate: batches, pages or photographs to calibrate int8 on.
        data: what the weights were trained on, for the manifest.
        fonts: folder of typefaces to render with; None takes the usual ones.
        corpus: folder of texts to render.
        backgrounds: folder of photographs.
        decoder: of a recognizer that can be read in several ways.
        temperature: of the turn's score; None leaves the class its own.
    """

    weights: Path
    calibrate: int
    data: str
    fonts: Path | None = None
    corpus: Path | None = None
    backgrounds: Path | None = None
    decoder: str = "ctc"
    temperature: float | None = None

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> ExportOptions:
        """Take them from a command line of `add_options`; of several weights, the first."""
        given = {f.name: getattr(args, f.name) for f in fields(cls) if hasattr(args, f.name)}
        if isinstance(args.weights, list):
            given["weights"] = args.weights[0]
        return cls(**given)


def add_options(parser: argparse.ArgumentParser, calibrate: int, unit: str) -> None:
    """Add where the files go, what int8 is calibrated on, so many units by default, and what is rendered from."""
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument(
        "--calibrate", type=int, default=calibrate, help=f"{unit} to calibrate int8 on"
    )
    parser.add_argument("--data", default="rendered by train/synth", help="for the manifest")
    add_rendering(parser)


def add_rendering(parser: argparse.ArgumentParser) -> None:
    """Add what is rendered from."""
    for name in ("fonts", "corpus", "backgrounds"):
        parser.add_argument(f"--{name}", type=Path)


def new_file(parser: argparse.ArgumentParser, weights: Path, folder: Path) -> Path:
    """Return where a changed copy of a weight file goes, in a folder that is made; end the command if it is there."""
    out = folder / plain(weights).name
    if out.exists():
        parser.error(f"{out} is there already; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    return out


def is_normalized(options: ExportOptions) -> bool:
    """Say whether the weights of a VGG-16 still have their batch norms."""
    with safe_open(options.weights, "pt") as stream:
        return "trunk.norm1_1.weight" in stream.keys()  # noqa: SIM118 - no dictionary


def is_distilled_file(options: ExportOptions) -> bool:
    """Say whether the weights are of a recognizer that learned with a teacher."""
    with safe_open(options.weights, "pt") as stream:
        return is_distilled(dict.fromkeys(stream.keys()))


def _classes(options: ExportOptions) -> int:
    """Return how many classes a recognizer's weights have: of a charset that may be smaller than that of a new run."""
    with safe_open(options.weights, "np") as stream:
        classes: int = stream.get_slice("classify.bias").get_shape()[0]
    return classes


def line_renderer(options: ExportOptions) -> LineRenderer:
    """Return what renders lines."""
    return LineRenderer(
        FontLibrary.load(options.fonts), Corpus.load(options.corpus), options.backgrounds
    )


def recognizer_inputs(options: ExportOptions, batches: int | None = None) -> Iterator[Floats]:
    """Render lines that a recognizer is measured on: as many batches as int8 is calibrated on, if not told."""
    from recognition.charset import Charset
    from train.batches.lines import LineBatches
    from train.loop.recipes import CrnnRecipe

    recipe = CrnnRecipe(columns=4096)
    make = LineBatches(line_renderer(options), Charset.load(), recipe, seed=CALIBRATION_SEED)
    for index in range(options.calibrate if batches is None else batches):
        yield make(index)["lines"].astype(np.float32)


def recognizer_export(options: ExportOptions, row: recognition.Row) -> Export:
    """Return how a recognizer is exported; `--decoder attention` ships the reader beside CTC."""
    from crnn.model_torch import LogProbabilities, SmallCRNN
    from recognition.attention_torch import AttentionReading
    from recognition.charset import Charset
    from recognition.preprocess import STRIDE
    from train.transfer.distill_torch import DistilledStudent

    if options.decoder not in row.decoders:
        raise ValueError(
            f"--decoder {options.decoder} is not for {row.name}: {', '.join(row.decoders)}"
        )

    def inputs() -> Iterator[Floats]:
        return recognizer_inputs(options)

    charset = Charset.of_classes(_classes(options))
    network = row.make(charset.classes)
    if is_distilled_file(options):
        # Two layers hold a third of what they would merged, and are as fast.
        network = DistilledStudent(network, SmallCRNN(charset.classes))
    config: dict[str, Any] = {"charset": "".join(charset.characters)}
    if getattr(network, "stride", STRIDE) != STRIDE:
        config["stride"] = network.stride
    if options.decoder == "ctc":
        axes = {"image": LINE_AXES, "log_probs": {0: "N", 1: "T"}}
        made = Export(network, LogProbabilities, ("log_probs",), axes, config, inputs)
        return replace(made, classifier=True, keep_float=FLOAT)
    outputs = ("labels", "log_probs", "places")
    image = VIEW_AXES if row.views > 1 else LINE_AXES
    axes = {"image": image, **{name: {0: "N", 1: "L"} for name in outputs}}
    config["decoder"] = "attention"
    if row.views > 1:
        config["views"] = row.views
    return Export(
        network, lambda n: AttentionReading(n).compiled(), outputs, axes, config, inputs,
        keep_float=FLOAT,
    )  # fmt: skip


def page_renderer(options: ExportOptions) -> PageRenderer:
    """Return what renders pages."""
    fonts, corpus = FontLibrary.load(options.fonts), Corpus.load(options.corpus)
    return PageRenderer(fonts, corpus, Backgrounds.load(options.backgrounds))


def pages(options: ExportOptions) -> Iterator[Image]:
    """Render the pages that ranges of activations are measured on."""
    pages = page_renderer(options)
    for index in range(options.calibrate):
        yield pages.page(CALIBRATION_SEED, index).image


def detector_axes(method: DetectionMethod) -> dict[str, dict[int, str]]:
    """Return the axes of a detector's input and outputs that may have any size, as `Export` takes them."""
    axes = {"image": {2: "H", 3: "W"}}
    for name, output in method.outputs.items():
        finer = "" if output.stride == method.stride else f"/{output.stride}"
        axes[name] = {1: f"R{finer}", 2: f"C{finer}"}
    return axes


def detector_inputs(options: ExportOptions, stride: int) -> Iterator[Floats]:
    """Yield rendered pages as detectors get them, cut to multiples of a stride."""
    for image in pages(options):
        height, width = (side // stride * stride for side in image.shape[:2])
        yield np.ascontiguousarray(normalize(image[:height, :width], stride=stride))


def detector_export(options: ExportOptions, row: detection.Row) -> Export:
    """Return how a detector is exported."""
    from detection.network_torch import Deployed

    method = row.method()
    network = row.torch.NETWORKS[row.network]()
    with safe_open(options.weights, "pt") as stream:
        without_norms(network, dict.fromkeys(stream.keys()))
    return Export(
        network,
        lambda trained: Deployed(trained, row.torch.activate),
        tuple(method.outputs),
        detector_axes(method),
        {},
        lambda: detector_inputs(options, method.stride),
        keep_float=row.torch.HEADS,
    )


def angle_export(options: ExportOptions, network: str) -> Export:
    """Return how an orientation classifier is exported."""
    from angle.model_torch import AngleNet, VGG16Angle, deployed
    from angle.preprocess import page_patches

    def inputs() -> Iterator[Floats]:
        for index, image in enumerate(pages(options)):
            turned = np.ascontiguousarray(np.rot90(image, index % 4))
            found, _ = page_patches(turned)
            if len(found):
                yield found

    config = {"temperature": options.temperature} if options.temperature else {}
    small = network == "small"
    return Export(
        AngleNet() if small else VGG16Angle(normalized=is_normalized(options)),
        deployed,
        ("logits",),
        {"image": {0: "N"}, "logits": {0: "N"}},
        config,
        inputs,
    )


def scene_export(options: ExportOptions) -> Export:
    """Return how the model that looks at photographs is exported."""
    from angle.scene import four_turns, views
    from angle.scene_torch import SceneNet
    from train.batches.scenes import photographs

    def inputs() -> Iterator[Floats]:
        for image in photographs(options.backgrounds)[0][: options.calibrate]:
            yield four_turns(views(image))

    axes = {"image": {0: "N"}, "scores": {0: "N"}}
    config = {"temperature": options.temperature} if options.temperature else {}
    return Export(SceneNet(), copy.deepcopy, ("scores",), axes, config, inputs)


class Exported(NamedTuple):
    """What a name of the command line stands for: a row of the manifest and how its file is made."""

    task: str
    package: str
    name: str
    file: str
    """Without the suffix."""
    make: Callable[[ExportOptions], Export]


EXPORTS = {
    "angle": Exported(
        "angle", "angle", "small", "angle-small", lambda options: angle_export(options, "small")
    ),
    "angle-reference": Exported(
        "angle", "angle", "reference", "angle-reference",
        lambda options: angle_export(options, "reference"),
    ),
    "scene": Exported("scene", "angle", "small", "scene-small", scene_export),
    **{
        key: Exported(
            "detector", row.package, row.name, row.file,
            functools.partial(detector_export, row=row),
        )
        for key, row in detection.METHODS.items()
    },
    **{
        key: Exported(
            "recognizer", "crnn", row.name, row.file,
            functools.partial(recognizer_export, row=row),
        )
        for key, row in recognition.METHODS.items()
    },
}  # fmt: skip
"""What `train.export` takes: the methods of both registries, and the angle's models."""
