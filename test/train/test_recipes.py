"""The recipes of the shipped weights: every command they give exists, and a recipe that was stopped goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted(
    path
    for path in (ROOT / "train" / "recipes").glob("*-*.sh")
    if "common.sh" in path.read_text(encoding="utf8")
)
COMMANDS = [p.read_text(encoding="utf8") for p in (ROOT / "train").rglob("*.py")]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the recipes are POSIX shell")


def run(recipe: Path, out: Path, *, fail_at: int = 0) -> list[list[str]]:
    """Run a recipe with a stand-in for Python; return the commands given, the last one failing if asked for."""
    log, stub = out / "log", out / "python"
    log.write_text("")
    stub.write_text(
        f'#!/bin/sh\necho "$@" >> {log}\n'
        f'case "$*" in *--run*) shift 3; mkdir -p "$1";; esac\n'
        f'[ "$(wc -l < {log})" -ne {fail_at} ]\n'
    )
    stub.chmod(0o755)
    arguments = [str(recipe), "CORPUS", "PHOTOS", str(out / "runs"), "PAGES"]
    done = subprocess.run(arguments, cwd=ROOT, env={**os.environ, "PYTHON": str(stub)})
    assert (done.returncode == 0) == (not fail_at)
    return [line.split() for line in log.read_text().splitlines()]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_command_of_a_recipe_exists(recipe: Path, tmp_path: Path) -> None:
    commands = run(recipe, tmp_path)
    assert commands
    for command in commands:
        assert command[0] == "-m" and find_spec(command[1]), command
        for option in (word for word in command if word.startswith("--")):
            assert any(f'"{option}"' in code or '"--{name}"' in code for code in COMMANDS), option


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_that_was_stopped_goes_on(recipe: Path, tmp_path: Path) -> None:
    def rounds(commands: list[list[str]]) -> list[str]:
        return [command[3] for command in commands if "--run" in command]

    stopped = run(recipe, tmp_path, fail_at=1)
    rest = run(recipe, tmp_path)
    again = run(recipe, tmp_path)
    assert rounds(stopped)[-1] in rounds(rest), "a round that failed is not done"
    assert not rounds(again)


def test_a_recipe_says_what_it_needs() -> None:
    done = subprocess.run([str(RECIPES[0])], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "CORPUS BACKGROUNDS OUT" in done.stderr
