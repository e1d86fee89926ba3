"""The repository's shape: import direction, frameworks, sizes, names, no pickles, a light clone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODELS = {"angle", "ctpn", "crnn"}
LEVELS = {"common": 0, **dict.fromkeys(MODELS, 1), "ocr": 2, "demo": 3, "train": 3, "bench": 3}
FRAMEWORKS = {"torch", "torchvision", "keras", "tensorflow", "jax"}
FRAMEWORK_SUFFIXES = ("_torch", "_keras")
MAX_MODULE_LINES, MAX_FUNCTION_LINES = 350, 60
VAGUE_NAMES = {"utils", "util", "misc", "helper", "helpers", "manager", "base", "core"}
MAX_TRACKED_BYTES = 60 * 2**20

SOURCES = sorted(
    path
    for name in LEVELS
    for path in ([ROOT / "demo.py"] if name == "demo" else (ROOT / name).rglob("*.py"))
)


def _id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _imports(tree: ast.AST) -> Iterator[str]:
    """Full names of everything imported anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def wrong_direction(layer: str, imported: str) -> bool:
    """Whether a layer may not import a module."""
    target = imported.split(".")[0]
    if target not in LEVELS or target == layer:
        return False
    if layer == "bench" and target in {"train", "demo"}:
        return False
    return LEVELS[target] >= LEVELS[layer]


@pytest.mark.parametrize(
    ("layer", "imported", "wrong"),
    [
        ("ctpn", "crnn.ctc", True),
        ("common", "angle", True),
        ("ocr", "train.run", True),
        ("ocr", "ctpn.detector", False),
        ("crnn", "common.arrays", False),
        ("crnn", "crnn.ctc", False),
        ("crnn", "numpy", False),
    ],
)
def test_the_rule_itself(layer: str, imported: str, wrong: bool) -> None:
    assert wrong_direction(layer, imported) == wrong


def test_there_is_something_to_check() -> None:
    assert {_layer(path) for path in SOURCES} >= {"common", "ocr", "demo", "train", *MODELS}


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_imports_point_down(path: Path) -> None:
    wrong = [name for name in _imports(_tree(path)) if wrong_direction(_layer(path), name)]
    assert not wrong


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_frameworks_stay_in_their_files(path: Path) -> None:
    if _layer(path) in {"train", "bench"} or path.stem.endswith(FRAMEWORK_SUFFIXES):
        return
    found = [name for name in _imports(_tree(path)) if name.split(".")[0] in FRAMEWORKS]
    # A framework also comes in through a module that is allowed to import it.
    found += [
        name
        for name in _imports(_tree(path))
        if name.split(".")[0] in LEVELS
        and any(part.endswith(FRAMEWORK_SUFFIXES) for part in name.split("."))
    ]
    assert not found


def test_demo_loads_no_framework_and_opens_no_session() -> None:
    code = (
        f"import sys, demo; print(*sorted(({FRAMEWORKS!r} | {{'onnxruntime'}}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_modules_and_functions_stay_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MAX_MODULE_LINES
    for node in ast.walk(_tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno + 1 <= MAX_FUNCTION_LINES, node.name


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_names_say_something(path: Path) -> None:
    assert not VAGUE_NAMES & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_nothing_unpickles(path: Path) -> None:
    tree = _tree(path)
    roots = {name.split(".")[0] for name in _imports(tree)}
    assert not roots & {"pickle", "cPickle", "dill", "joblib", "shelve"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in {"torch.load", "torch.save"}
            unsafe = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert unsafe.get("allow_pickle", "False") == "False"


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_public_things_are_documented(path: Path) -> None:
    if _layer(path) in {"train", "bench"}:
        return
    tree = _tree(path)
    assert ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def test_tests_are_flat() -> None:
    folder = ROOT / "test"
    assert not (folder / "__init__.py").exists()
    stray = [path for path in folder.rglob("*.py") if path.parent != folder]
    assert not stray
    assert all(path.name.startswith(("test_", "conftest")) for path in folder.glob("*.py"))


def test_a_clone_stays_light() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    assert sum(path.stat().st_size for path in files if path.is_file()) < MAX_TRACKED_BYTES
