"""Several pictures of one line: what hides a character in one shows it in another."""

from __future__ import annotations

import numpy as np
import pytest

from train.synth.corpus.sentences import Corpus
from train.synth.line.render import LineRenderer
from train.synth.line.views import hidden_characters, hide, line_views
from train.synth.typesetting.fonts import FOLDERS, FontLibrary, read_faces


@pytest.mark.parametrize(("characters", "views"), [(1, 2), (2, 2), (7, 3), (40, 4)])
def test_every_character_is_plain_somewhere(characters: int, views: int) -> None:
    shares = []
    for seed in range(50):
        hidden = hidden_characters(np.random.default_rng(seed), characters, views)
        assert hidden.shape == (views, characters)
        assert not hidden.all(0).any()
        shares.append(hidden.mean())
    assert 0 < np.mean(shares) < 0.7


def test_hidden_characters_are_gone_and_the_others_are_as_they_were() -> None:
    image = np.tile(np.array([10, 240], np.uint8), (32, 80))
    centers, widths = np.array([20, 80, 140], np.float32), np.full(3, 30, np.float32)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        out = hide(rng, image, centers, widths, np.array([False, True, False]))
        changed = (out != image).any(0)
        assert changed[68:92].all() and not changed[:60].any() and not changed[100:].any()
        assert np.ptp(out[:, 72:88].astype(int)) < 60, "nothing is to be seen there"
    assert hide(rng, image, centers, widths, np.zeros(3, bool)) is image


def test_views_are_of_one_line_and_the_same_again() -> None:
    # A few hundred fetched families are of no use here, and take seconds.
    faces = [f for f in read_faces([FOLDERS[0]]) if "Noto Sans CJK" in f.name or "DejaVu" in f.name]
    renderer = LineRenderer(FontLibrary(faces), Corpus.load(None))
    hiding = 0
    for index in range(6):
        views = line_views(renderer, 1, index, 200, 3)
        again = line_views(renderer, 1, index, 200, 3)
        assert len({view.text for view in views}) == 1 and len(views) == 3
        assert len({view.image.tobytes() for view in views}) == 3
        hiding += any(view.hidden.any() for view in views)
        for one, two in zip(views, again, strict=True):
            np.testing.assert_array_equal(one.image, two.image)
            assert len(one.centers) == len(one.widths) == len(one.hidden) == len(one.text)
    assert hiding >= 2
