"""What a spotter is made with, and what cannot be asked for besides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import ocr
from ocr.reading_models import check_alone, spotter_options
from ocr.settings import Crop, Settings


def test_settings_of_finding_cutting_and_reading_are_passed_on() -> None:
    settings = Settings(crop=Crop(margin=0.2))
    settings = replace(settings, detect=replace(settings.detect, text_height=30.0))
    options = spotter_options(settings, {"workers": 2})
    assert options == {"margin": 0.2, "reading": {"workers": 2}, "text_height": 30.0}


@pytest.mark.parametrize("more", [{"detector": "db"}, {"recognizer": "rare"}, {"vertical": True}])
def test_what_a_spotter_replaces_is_refused_beside_it(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="leave them out"):
        check_alone(**{"detector": None, "recognizer": None, "vertical": False, **more})


def test_settings_of_ctpn_are_refused() -> None:
    settings = Settings()
    settings = replace(settings, ctpn=replace(settings.ctpn, gap_ratio=1.5))
    with pytest.raises(ValueError, match="a spotter has no CTPN"):
        spotter_options(settings, {})


def test_a_spotter_without_weights_says_how_to_train_it() -> None:
    with pytest.raises(ValueError, match="no spotter model is named 'no-such'"):
        ocr.load(spotter="no-such")
