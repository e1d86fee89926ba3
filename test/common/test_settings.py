"""Settings: ranges are checked, values are set by name, mistakes are answered with what there is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from common.settings import StepSettings, describe, setting, with_values


@dataclass(frozen=True)
class Knife(StepSettings):
    edge: float = setting(0.5, "How sharp it is", 0, 1)
    blades: int = setting(2, "How many there are", 1)
    folds: bool = setting(True, "Whether it folds")
    angles: tuple[float, ...] = setting((10.0, 20.0), "At which it cuts", -45, 45)


@dataclass(frozen=True)
class Drawer:
    knife: Knife = field(default_factory=Knife)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("edge", 1.5, "a number from 0 to 1"),
        ("edge", float("nan"), "a number from 0 to 1"),
        ("edge", "sharp", "a number from 0 to 1"),
        ("edge", True, "a number from 0 to 1"),
        ("blades", 0, "a whole number from 1"),
        ("blades", 1.5, "a whole number from 1"),
        ("folds", 1, "true or false"),
        ("angles", (50.0,), "numbers from -45 to 45"),
        ("angles", (), "numbers from -45 to 45"),
    ],
)
def test_values_outside_their_range_are_refused(name: str, value: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=rf"Knife\.{name} is .*, expected {expected}"):
        Knife(**{name: value})


def test_values_are_set_by_name() -> None:
    made = with_values(
        Drawer(), ["knife.edge=.25", "knife.blades = 3", "knife.folds=False", "knife.angles=1,-2.5"]
    )
    assert made.knife == Knife(0.25, 3, False, (1.0, -2.5))
    assert with_values(Drawer(), []) == Drawer()
    assert with_values(Drawer(), ["knife.edge=0", "knife.edge=1"]).knife.edge == 1


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("knife.edge", "expected STEP.NAME=VALUE"),
        ("edge=1", "expected STEP.NAME=VALUE"),
        ("fork.edge=1", "no step 'fork' has settings; there are: knife"),
        ("knife.tip=1", "knife has no setting 'tip'; there are: edge, blades, folds, angles"),
        ("knife.edge=sharp", "'sharp' is not a number"),
        ("knife.blades=1.5", "'1.5' is not a whole number"),
        ("knife.folds=yes", "'yes' is not true or false"),
        ("knife.angles=1,", "'1,' is not numbers"),
        ("knife.edge=2", "Knife.edge is 2.0, expected a number from 0 to 1"),
    ],
)
def test_wrong_names_are_answered_with_the_known_ones(assignment: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        with_values(Drawer(), [assignment])
    assert message in str(error.value)


def test_described_settings_can_be_set_from_their_description() -> None:
    changed = with_values(Drawer(), ["knife.angles=3,4", "knife.edge=0.125"])
    lines = describe(changed).splitlines()
    assert lines[0] == "knife.edge=0.125  How sharp it is"
    assert with_values(Drawer(), [line.split("  ")[0] for line in lines]) == changed
