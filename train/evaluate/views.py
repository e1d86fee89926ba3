"""How much several views of a line bring: rendered lines read by all their views, and by one of them alone.

    python -m train.evaluate.views --recognizer attention-ocr-views
    python -m train.evaluate.views --weights RUN/last.safetensors --count 100

Lines are like those of training, with other texts, in as many views as the recognizer takes; of most, each view hides
characters that another one shows. Prints the share read exactly by 1, 2, … views.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from ocr.models import build
from recognition import METHODS
from recognition.recognizer import Recognizer
from train.evaluate.page_metrics import normalize
from train.loop.recipes import HELD_OUT_SEED
from train.synth.corpus.sentences import Corpus
from train.synth.line.render import LineRenderer
from train.synth.line.views import line_views
from train.synth.typesetting.fonts import FontLibrary


def exact_by_views(
    reader: Recognizer, renderer: LineRenderer, count: int, max_width: int
) -> list[float]:
    """Return the share of so many rendered lines that is read exactly by the first 1, 2, … views."""
    right = [0] * reader.views
    for index in tqdm(range(count), unit="line", disable=None):
        views = line_views(renderer, HELD_OUT_SEED, index, max_width, reader.views)
        images = [view.image for view in views]
        readings = reader.read_views([images[: i + 1] for i in range(reader.views)])
        for i, reading in enumerate(readings):
            right[i] += normalize(reading.text) == normalize(views[0].text)
    return [number / count for number in right]


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--recognizer", default="attention-ocr-views", help="of the manifest")
    parser.add_argument("--weights", type=Path, help="safetensors of a run instead")
    parser.add_argument("--count", type=int, default=100, help="of lines")
    parser.add_argument("--width", type=int, default=280, help="of a line at 32 pixels of height")
    for name in ("corpus", "backgrounds"):
        parser.add_argument(f"--{name}", type=Path)
    args = parser.parse_args(argv)
    if args.weights is None:
        reader: Recognizer = build(args.recognizer, "recognizer", threads=1)
    else:
        from train.transfer.load_torch import load_recognizer

        network = METHODS[args.recognizer].network
        reader = load_recognizer(args.weights, network)
    if reader.views == 1:
        parser.error(f"{args.recognizer} reads one picture of a line: name one that takes several")
    renderer = LineRenderer(FontLibrary.load(None), Corpus.load(args.corpus), args.backgrounds)
    shares = exact_by_views(reader, renderer, args.count, args.width)
    for number, share in enumerate(shares, 1):
        print(f"{number} {'view' if number == 1 else 'views'}: {share:.3f} exact")


if __name__ == "__main__":
    main()
