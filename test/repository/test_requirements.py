"""What gets installed: every package of the runtime is pinned, and its files are known by their hashes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {"requirements.lock": "onnxruntime", "requirements-gpu.lock": "onnxruntime-gpu"}


def _pins(path: Path) -> dict[str, str]:
    """Version by package name of a requirements file."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", path.read_text("utf-8"), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_requirements_are_pinned_to_versions(path: Path) -> None:
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith(("#", "-r ")):
            assert re.match(r"^[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^\s*]+( *;.*)?( +#.*)?$", line), line


@pytest.mark.parametrize(("name", "onnxruntime"), LOCKS.items())
def test_locks_hold_the_pins_of_the_runtime(name: str, onnxruntime: str) -> None:
    wanted, locked = _pins(ROOT / "requirements.txt"), _pins(ROOT / name)
    wanted[onnxruntime] = wanted.pop("onnxruntime")
    assert wanted.items() <= locked.items(), f"{name} is out of date: run the command at its head"
    assert len([package for package in locked if package.startswith("onnxruntime")]) == 1


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(blocks) >= 5
    for block in blocks:
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", block)) >= 1, block.splitlines()[0]
    assert "://" not in text  # no index is named: the installer's own settings hold


def test_setup_installs_by_hash() -> None:
    text = (ROOT / "setup-cpu.sh").read_text("utf-8")
    assert "--require-hashes" in text
    assert all(name in text for name in LOCKS)
