"""Make command lines of all sorts from a seed and a number: inputs with their names, options, what fails meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from bench.stress.fuzz import case as damaged
from ocr.formats import FORMATS
from ocr.formats.punctuation import POLICIES

FAILURES = {
    "nothing": 0.42,
    "small files": 0.14,  # no file may grow beyond some bytes
    "full disk": 0.14,
    "read-only disk": 0.05,
    "vanished folder": 0.07,
    "closed pipe": 0.08,
    "full output": 0.05,  # standard output is /dev/full
    "interrupt": 0.05,
}
"""What goes wrong while a command runs, with its share of the cases."""

_STEMS = (
    "a",
    "b",
    "page 1",
    "-dash",
    "图片",
    "A",
    ".hidden",
    "x" * 200,
    "一" * 80,
    "caf\udce9",
    "a.b",
    "new\nline",
)
_ENDINGS = (
    "png",
    "jpg",
    "tif",
    "pdf",
    "PNG",
    "webp",
    "gif",
    "bmp",
    "jp2",
    "txt",
    "heic",
    "",
    "json",
)


@dataclass(frozen=True)
class Input:
    """A file of a case.

    Args:
        name: In the case's folder.
        content: None for a folder of that name.
        whole: It is a file that is not damaged.
    """

    name: str
    content: bytes | None
    whole: bool


@dataclass(frozen=True)
class Case:
    """A command line and what it finds.

    Args:
        inputs: Files and folders that are there.
        paths: What the command names: mostly those.
        options: All but the paths; OUT stands for the folder of the outputs, JSON for a file.
        failure: A key of `FAILURES`.
        amount: Bytes that fit, or after how many lines read it happens.
        foreign: Name and content of a file in OUT that no run of ours wrote; None for none.
    """

    inputs: tuple[Input, ...]
    paths: tuple[str, ...]
    options: tuple[str, ...]
    failure: str
    amount: int
    foreign: tuple[str, bytes] | None

    @property
    def formats(self) -> tuple[str, ...]:
        """Those of the output files; none where there are to be none."""
        if "-o" not in self.options:
            return ()
        if "-f" not in self.options:
            return ("txt", "json")
        return tuple(self.options[self.options.index("-f") + 1].split(","))


def make(seed: int, number: int, originals: Sequence[bytes]) -> Case:
    """The case of a number; the same for the same arguments."""
    rng = np.random.default_rng((seed, number, 7))
    inputs: list[Input] = []
    names: set[str] = set()
    for _ in range(int(rng.integers(1, 5))):
        each = _input(rng, seed, number, originals)
        if each.name not in names:
            names.add(each.name)
            inputs.append(each)
    paths = [each.name for each in inputs]
    if rng.random() < 0.1:
        paths.append(str(rng.choice(["none.png", "", "no/such/folder", "a*.png", paths[0]])))
    failure = str(rng.choice(list(FAILURES), p=list(FAILURES.values())))
    options = list(_options(rng))
    if rng.random() < 0.05 and inputs[0].content is not None:
        options += ["--json", inputs[0].name]  # a slip that must cost nothing
    amount = (
        int(rng.integers(0, 40_000))
        if "disk" in failure or "files" in failure
        else int(rng.integers(1, 6))
    )
    foreign = None
    if rng.random() < 0.1:
        stem = paths[0].rpartition(".")[0] or paths[0]
        foreign = f"{stem[:60]}.{rng.choice(['txt', 'json', 'pdf', 'md'])}", b"somebody else's"
    return Case(tuple(inputs), tuple(paths), tuple(options), failure, amount, foreign)


def _input(rng: Generator, seed: int, number: int, originals: Sequence[bytes]) -> Input:
    ending = str(rng.choice(_ENDINGS, p=[0.2, 0.12, 0.14, 0.14] + [0.4 / 9] * 9))
    stem = str(rng.choice(_STEMS, p=[0.2, 0.2, 0.1] + [0.5 / 9] * 9))
    name = f"{stem}.{ending}" if ending else stem
    draw = rng.random()
    if draw < 0.04:
        return Input(name, None, whole=False)
    if draw < 0.08:
        return Input(name, b"", whole=False)
    if draw < 0.35:
        return Input(name, damaged(seed, number + int(rng.integers(99)), originals), whole=False)
    return Input(name, originals[int(rng.integers(len(originals)))], whole=True)


def _options(rng: Generator) -> list[str]:
    options: list[str] = []
    if rng.random() < 0.75:
        options += ["-o", "OUT"]
        if rng.random() < 0.8:
            count = int(rng.integers(1, 5))
            options += ["-f", ",".join(rng.choice(list(FORMATS), count, replace=False).tolist())]
        if rng.random() < 0.3:
            options += ["--draw"]
    if rng.random() < 0.5:
        options += ["--json", str(rng.choice(["JSON", "JSON", "JSON", "-"]))]
    for option, share in (
        ("--no-angle", 0.2),
        ("--single-line", 0.1),
        ("--characters", 0.2),
        ("--quiet", 0.5),
        ("--overwrite", 0.15),
        ("--resume", 0.1),
        ("--vertical", 0.05),
    ):
        if rng.random() < share:
            options.append(option)
    for pair, share in (
        (("--jobs", str(rng.integers(1, 4))), 0.3),
        (("--region", str(rng.choice(["0,0,.5,.5", "0,0,9,9", "900,900,9,9"]))), 0.1),
        (("--punctuation", str(rng.choice(list(POLICIES)))), 0.15),
        (("--allowed", "0123456789"), 0.03),
        (
            tuple(
                rng.choice(
                    [("--jobs", "0"), ("-f", "docx"), ("--region", "1,2"), ("--set", "a.b=1")]
                )
            ),
            0.03,
        ),
    ):
        if rng.random() < share:
            options += pair
    return options
