"""Export the two networks that share a VGG-16: one trunk, two heads, as int8 ONNX.

    python -m train.export.vgg16 ~/runs/vgg16/last.safetensors --corpus CORPUS --backgrounds PHOTOGRAPHS

writes `weights/vgg16-reference.onnx`, `ctpn-reference.onnx` and `angle-reference.onnx`; `--init` of the trainings
takes the last two, and finds the trunk beside them.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from angle.model_torch import VGG16Angle
from angle.preprocess import page_patches
from common.arrays import Floats
from ctpn import Method
from ctpn.model_torch import HEADS, VGG16CTPN, activate
from detection.preprocess import MEAN, STD, normalize
from train.export.models import Export, ExportOptions, add_options, pages
from train.export.shared_trunk import ExportedFile, write
from train.shared_vgg16_torch import Shared
from train.transfer import quantized_weights

NAME = "reference"
SIDE = 640
"""Pixels of a page's crop that ranges are measured on, at most: the maps of a whole page are gigabytes."""

MAPS = {0: "N", 2: "R", 3: "C"}


class DetectorHead(nn.Module):
    """Maps of the trunk, (N, 512, R, C), to what a detector's network answers."""

    def __init__(self, detector: VGG16CTPN) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, maps: Tensor) -> tuple[Tensor, ...]:
        """Return probabilities and offsets."""
        return activate(self.detector.answers(torch.relu(self.detector.conv(maps))))


class AngleHead(nn.Module):
    """Maps of the trunk, (N, 512, R, C), to the logits of the four turns."""

    def __init__(self, head: nn.Linear) -> None:
        super().__init__()
        self.head = head

    def forward(self, maps: Tensor) -> Tensor:
        """Return logits (N, 4)."""
        out: Tensor = self.head(maps.mean((2, 3)))
        return out


def inputs(options: ExportOptions) -> Iterator[Floats]:
    """Crops of pages as the detector gets them, then patches as the angle model does."""
    for index, image in enumerate(pages(options)):
        height, width = (min(side, SIDE) // 16 * 16 for side in image.shape[:2])
        yield np.ascontiguousarray(normalize(image[:height, :width], MEAN, STD))
        found, _ = page_patches(np.ascontiguousarray(np.rot90(image, index % 4)))
        if len(found):
            yield np.repeat(found[:8], 3, axis=1)


def parts(shared: Shared, options: ExportOptions, temperature: float) -> dict[str, ExportedFile]:
    """Return what becomes of each part of the networks, by the name of its file."""
    trunk = shared.detector.trunk
    seen = list(inputs(options))

    def maps(wanted: Callable[[Floats], bool]) -> Callable[[], Iterator[Floats]]:
        def run() -> Iterator[Floats]:
            for images in filter(wanted, seen):
                with torch.inference_mode():
                    yield trunk(torch.from_numpy(images)).numpy()

        return run

    state = {name: value.numpy() for name, value in shared.state_dict().items()}
    in_trunk = "detector.trunk."
    own = {n: v for n, v in state.items() if n.startswith("detector.") and in_trunk not in n}

    def same(network: nn.Module) -> nn.Module:
        return network

    axes = {"image": MAPS | {2: "H", 3: "W"}, "maps": MAPS}
    head_axes = {"image": MAPS, **{name: {0: "N", 1: "R", 2: "C"} for name in Method.outputs}}
    find, turn = DetectorHead(shared.detector), AngleHead(shared.head)
    row = {"name": NAME, "data": options.data}
    return {
        f"vgg16-{NAME}": ExportedFile(
            Export(trunk, same, ("maps",), axes, {}, lambda: iter(seen)),
            {n.removeprefix("detector."): v for n, v in state.items() if in_trunk in n},
            {**row, "task": "trunk", "package": "common"},
        ),
        f"ctpn-{NAME}": ExportedFile(
            Export(
                find, same, tuple(Method.outputs), head_axes, {}, maps(lambda x: len(x) == 1),
                keep_float=HEADS,
            ),
            {n.removeprefix("detector."): v for n, v in own.items()},
            {**row, "task": "detector", "package": "ctpn", "trunk": NAME},
        ),
        f"angle-{NAME}": ExportedFile(
            Export(
                turn, same, ("logits",), {"image": MAPS, "logits": {0: "N"}},
                {"temperature": temperature}, maps(lambda x: len(x) > 1),
            ),
            {n: v for n, v in state.items() if n.startswith("head.")},
            {**row, "task": "angle", "package": "angle", "trunk": NAME},
            quantized=False,
        ),
    }  # fmt: skip


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "weights", type=Path, help="safetensors of a run of train.shared_vgg16_torch"
    )
    parser.add_argument(
        "--temperature", type=float, help="of the turn's score (the config.json beside the weights)"
    )
    add_options(parser, 24, "pages")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    shared = Shared(VGG16CTPN(normalized=False), VGG16Angle(normalized=False)).eval()
    state = quantized_weights.load(args.weights)
    shared.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    temperature = args.temperature
    if temperature is None:
        config = args.weights.with_name("config.json").read_text("utf-8")
        temperature = float(json.loads(config)["temperature"])
    write(parts(shared, ExportOptions.from_arguments(args), temperature), f"vgg16-{NAME}", args.out)


if __name__ == "__main__":
    main()
