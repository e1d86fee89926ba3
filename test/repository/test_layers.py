"""The repository's shape: import direction, frameworks, sizes, names, no pickles, a light clone."""

from __future__ import annotations

import ast
import functools
import gc
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {
    "common": 0,
    **dict.fromkeys(("detection", "recognition", "spotting"), 1),
    **dict.fromkeys(("angle", "ctpn", "crnn"), 2),
    "ocr": 3,
    **dict.fromkeys(("demo", "train", "bench"), 4),
}
FRAMEWORKS = {"torch", "torchvision", "keras", "tensorflow", "jax"}
FRAMEWORK_SUFFIXES = ("_torch", "_keras")
JOINED = {"spotting": {"detection", "recognition"}}
"""Kits that join others beside them: finding and reading in one."""
MAX_MODULE_LINES, MAX_FUNCTION_LINES = 350, 60
VAGUE_NAMES = {"utils", "util", "misc", "helper", "helpers", "manager", "base", "core"}
MAX_TRACKED_BYTES = 62 * 2**20
TORCH_PICKLES = {"torch.load", "torch.save"}


@functools.cache
def sources() -> dict[Path, ast.Module]:
    """Return every module of the product, parsed, by its path from the root."""
    files = [ROOT / "demo.py"] + [f for name in LEVELS for f in sorted((ROOT / name).rglob("*.py"))]
    return {path.relative_to(ROOT): ast.parse(path.read_text("utf-8")) for path in files}


@functools.cache
def nodes(tree: ast.AST) -> list[ast.AST]:
    """Return everything in a module, which several tests look at."""
    return list(ast.walk(tree))


@pytest.fixture(scope="module", autouse=True)
def _forgotten() -> Iterator[None]:
    """Half a million nodes: no garbage while they are made, and nothing that later tests must carry along."""
    gc.disable()
    yield
    gc.enable()
    sources.cache_clear()
    nodes.cache_clear()


def _imports(tree: ast.AST) -> Iterator[str]:
    """Full names of everything imported anywhere in a module."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _layer(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def wrong_direction(layer: str, imported: str) -> bool:
    """Whether a layer may not import a module."""
    target = imported.split(".")[0]
    if target not in LEVELS or target == layer:
        return False
    if target in JOINED.get(layer, ()) or (layer == "bench" and target in {"train", "demo"}):
        return False
    return LEVELS[target] >= LEVELS[layer]


@pytest.mark.parametrize(
    ("layer", "imported", "wrong"),
    [
        ("ctpn", "crnn.model_torch", True),
        ("detection", "recognition.ctc", True),
        ("detection", "ctpn.anchors", True),
        ("common", "angle", True),
        ("ocr", "train.loop.run", True),
        ("ocr", "ctpn.detector", False),
        ("crnn", "common.arrays", False),
        ("crnn", "recognition.ctc", False),
        ("crnn", "numpy", False),
        ("spotting", "detection.east", False),
        ("detection", "spotting.fots", True),
        ("spotting", "ctpn.detector", True),
    ],
)
def test_wrong_direction_tells_upward_imports(layer: str, imported: str, wrong: bool) -> None:
    assert wrong_direction(layer, imported) == wrong


def test_imports_point_down() -> None:
    assert {_layer(path) for path in sources()} >= LEVELS.keys()
    wrong = [
        (str(path), name)
        for path, tree in sources().items()
        for name in _imports(tree)
        if wrong_direction(_layer(path), name)
    ]
    assert not wrong


KITS = {
    "detection": {
        "cells", "characters", "crossings", "detector", "links", "method", "network_torch", "overlap", "parts",
        "pieces", "preprocess", "prior_method", "priors", "priors_torch", "quads", "scales", "small_print",
        "suppression", "tiles", "windows",
    },
    "recognition": {
        "attention", "attention_keras", "attention_torch", "charset", "confidence", "ctc", "ctc_loss_torch", "decoding",
        "method", "network_torch", "preprocess", "recognizer", "rectification", "rectify_torch", "tied_attention_torch",
    },
    "spotting": {"method", "roi_rotate"},
}  # fmt: skip
"""What the methods of a kit share; a method imports this, and its own other half."""


def test_methods_import_their_kit_alone() -> None:
    wrong = []
    for path, tree in sources().items():
        kit, own = KITS.get(_layer(path), set()), path.stem.split("_")[0]
        for name in _imports(tree):
            layer, _, rest = name.partition(".")
            target = rest.split(".")[0]
            if not kit or layer != _layer(path) or target in kit or path.stem == "__init__":
                continue
            if target.split("_")[0] != own and (ROOT / layer / f"{target}.py").exists():
                wrong.append((str(path), name))
    assert not wrong


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_imports_have_no_circle() -> None:
    modules = {_module(path) for path in sources()}
    graph: dict[str, set[str]] = {}
    for path, tree in sources().items():
        found = graph[_module(path)] = set()
        for name in _imports(tree):
            target = name if name in modules else name.rpartition(".")[0]
            if target in modules and target != _module(path):
                found.add(target)
    list(graphlib.TopologicalSorter(graph).static_order())  # a circle raises, and names itself


def test_frameworks_stay_in_their_files() -> None:
    wrong = []
    for path, tree in sources().items():
        if _layer(path) in {"train", "bench"} or path.stem.endswith(FRAMEWORK_SUFFIXES):
            continue
        for name in _imports(tree):
            parts = name.split(".")
            # A framework also comes in through a module that is allowed to import it.
            through = parts[0] in LEVELS and any(p.endswith(FRAMEWORK_SUFFIXES) for p in parts)
            if parts[0] in FRAMEWORKS or through:
                wrong.append((str(path), name))
    assert not wrong


def test_demo_loads_no_framework_and_opens_no_session() -> None:
    code = (
        f"import sys, demo; print(*sorted(({FRAMEWORKS!r} | {{'onnxruntime'}}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_modules_and_functions_stay_short_and_have_names_that_say_something() -> None:
    wrong: list[tuple[str, object]] = []
    for path, tree in sources().items():
        lines = len((ROOT / path).read_text("utf-8").splitlines())
        if lines > MAX_MODULE_LINES:
            wrong.append((str(path), lines))
        wrong += [(str(path), p) for p in path.parts if p.removesuffix(".py") in VAGUE_NAMES]
        for node in nodes(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES:
                    wrong.append((str(path), node.name))
    assert not wrong


def test_no_module_reads_pickles() -> None:
    wrong = []
    for path, tree in sources().items():
        roots = {name.split(".")[0] for name in _imports(tree)}
        wrong += [(str(path), r) for r in roots & {"pickle", "cPickle", "dill", "joblib", "shelve"}]
        for node in nodes(tree):
            if isinstance(node, ast.Attribute) and node.attr in {"load", "save"}:
                wrong += [
                    (str(path), name) for name in [ast.unparse(node)] if name in TORCH_PICKLES
                ]
            elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                wrong += [] if ast.unparse(node.value) == "False" else [(str(path), "allow_pickle")]
    assert not wrong


def test_public_things_are_documented() -> None:
    wrong = []
    for path, tree in sources().items():
        if _layer(path) in {"train", "bench"}:
            continue
        if not ast.get_docstring(tree):
            wrong.append((str(path), "the module"))
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                wrong += [] if ast.get_docstring(node) else [(str(path), node.name)]
    assert not wrong


def test_tests_mirror_the_product() -> None:
    folder = ROOT / "test"
    assert not list(folder.rglob("__init__.py"))
    files = [path.relative_to(folder) for path in folder.rglob("*.py")]
    assert all(path.name.startswith(("test_", "conftest")) for path in files)
    others = {"demo", "parity", "repository", "system"}
    wrong = [
        str(path.parent)
        for path in files
        if path.parts[0] not in others and not (ROOT / path.parent).is_dir()
    ]
    assert not wrong


def test_a_clone_stays_light() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    assert sum(path.stat().st_size for path in files if path.is_file()) < MAX_TRACKED_BYTES
