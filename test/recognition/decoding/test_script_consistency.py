"""What contradicts the rest of a line is taken back; what does not, stays."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Floats
from recognition import ctc
from recognition.decoding.script_consistency import (
    Consistency,
    ScriptSettings,
    ascii_punctuation,
    majority_script,
    script,
)
from recognition.recognizer import Recognizer

CHARACTERS = "結结論论類类別别權权神种客容:：,，ab的 "
SETTINGS = ScriptSettings()
CONSISTENT = Consistency(CHARACTERS, SETTINGS)


def probabilities(steps: list[dict[str, float]]) -> Floats:
    """Log-probabilities (T, C) of characters step by step; the rest of each step is blank, or spread thinly."""
    rows = np.full((len(steps), len(CHARACTERS) + 1), 1e-6)
    for row, step in zip(rows, steps, strict=True):
        for character, p in step.items():
            row[CHARACTERS.index(character) + 1] = p
        row[0] = max(1 - sum(step.values()), 1e-6)
    return np.asarray(np.log(rows / rows.sum(axis=1, keepdims=True)), np.float32)


def read(steps: list[dict[str, float]]) -> str:
    runs = CONSISTENT(probabilities(steps), ctc.greedy)
    return "".join(CHARACTERS[run.label - 1] for run in runs)


def spaced(text: str) -> list[dict[str, float]]:
    """Every character sure, five steps apart."""
    return [step for c in text for step in ({c: 0.98}, {}, {}, {}, {})]


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([{"结": 0.6}, {"結": 0.8}], "結"),
        ([{"种": 0.9}, {"神": 0.6}], "种"),
        ([{":": 0.6}, {}, {"：": 0.8}], "："),
        ([{"，": 0.7}, {",": 0.6}], "，"),
    ],
)
def test_one_character_split_over_steps_counts_once(
    steps: list[dict[str, float]], text: str
) -> None:
    assert read([{}, *steps, {}]) == text


@pytest.mark.parametrize(
    "steps",
    [
        [{"客": 0.9}, {}, {}, {}, {}, {"容": 0.9}],
        [{"a": 0.9}, {"b": 0.9}],
        [{":": 0.9}, {",": 0.9}],
        [{"的": 0.9}, {}, {"的": 0.9}],
        [{"的": 0.9}, {" ": 0.9}],
        [{"：": 0.9}, {}, {}, {}, {":": 0.9}],
    ],
)
def test_equal_neighbours_with_room_between_are_kept(steps: list[dict[str, float]]) -> None:
    assert read(steps) == "".join(c for step in steps for c in step)


def test_a_traditional_line_reads_traditional_characters() -> None:
    line = [*spaced("論權結"), {"别": 0.7, "別": 0.25}]
    assert read(line) == "論權結別"


def test_a_simplified_line_reads_simplified_characters() -> None:
    line = [*spaced("论权结"), {"別": 0.7, "别": 0.25}]
    assert read(line) == "论权结别"


def test_a_sure_character_of_the_other_script_stays() -> None:
    assert read([*spaced("论权结"), {"別": 0.999}]) == "论权结別"


def test_kept_characters_keep_their_probability() -> None:
    steps = probabilities([*spaced("论权结"), {"別": 0.999}])
    before, after = ctc.greedy(steps), CONSISTENT(steps, ctc.greedy)
    assert [run.probability for run in after] == pytest.approx([run.probability for run in before])


def test_an_undecided_line_stays() -> None:
    assert read([*spaced("論"), {"别": 0.7, "別": 0.25}]) == "論别"


@pytest.mark.parametrize(
    ("character", "expected"),
    [("測", 1), ("测", -1), ("的", 0), ("里", 0), ("個", 1), ("a", 0), ("，", 0), ("囧", 1)],
)
def test_script_of_a_character_follows_national_standards(character: str, expected: int) -> None:
    assert script(character) == expected


def test_probabilities_are_left_as_they_are() -> None:
    steps = probabilities([*spaced("論權結"), {"别": 0.7, "別": 0.25}])
    before = steps.copy()
    CONSISTENT(steps, ctc.greedy)
    assert np.array_equal(steps, before)


@pytest.mark.parametrize(
    ("texts", "common", "others"),
    [
        (["論權結類別", "種類", "別论"], 1, [2]),
        (["论权结类论权结", "结论", "别論"], -1, [2]),
        (["论权结类别", "种类", "論權結"], 0, []),  # a bilingual page
        (["论权结类论权结类论权结类", "論權結"], -1, []),  # a quotation
        (["论权", "別"], 0, []),  # too little to tell
        (["abc", ""], 0, []),
        ([], 0, []),
    ],
)
def test_lines_that_belong_together_tell_the_script(
    texts: list[str], common: int, others: list[int]
) -> None:
    assert majority_script(texts, SETTINGS) == (common, others)


def test_a_line_of_one_character_follows_those_beside_it() -> None:
    steps = probabilities([{"别": 0.7, "別": 0.25}])
    for common, expected in ((0, "别"), (1, "別"), (-1, "别")):
        runs = CONSISTENT(steps, ctc.greedy, common)
        assert "".join(CHARACTERS[run.label - 1] for run in runs) == expected


def test_a_quotation_keeps_its_script() -> None:
    steps = probabilities([*spaced("論權結"), {"別": 0.5, "别": 0.4}])
    runs = CONSISTENT(steps, ctc.greedy, -1)
    assert "".join(CHARACTERS[run.label - 1] for run in runs) == "論權結別"


def test_pages_that_are_not_chinese_have_plain_marks() -> None:
    receipt = ["Date ：14-03-2018", "CASH！", "Nos. 1、2（both）", "“quoted”", ""]
    plain = ["Date :14-03-2018", "CASH!", "Nos. 1,2(both)", "“quoted”", ""]
    assert ascii_punctuation(receipt, SETTINGS) == plain
    chinese = ["WiFi：guest", "密码：见收据背面", "电话：400-820"]
    assert ascii_punctuation(chinese, SETTINGS) == chinese
    # A Chinese name on an English page keeps what stands beside it; one character may be a mistake, too.
    named = [*receipt * 3, "林（先生）："]
    assert ascii_punctuation(named, SETTINGS) == [*plain * 3, "林（先生）："]
    assert ascii_punctuation([], SETTINGS) == [] and ascii_punctuation(["：", "——"], SETTINGS) == [
        "：",
        "——",
    ]


def test_marks_are_plain_only_where_any_may_be_read() -> None:
    def network(lines: Floats) -> tuple[Floats]:
        out = np.full((len(lines), lines.shape[3] // 4, 4), -20.0, np.float32)
        out[:, :, 0] = -1e-6
        for column, label in ((1, 1), (3, 2), (5, 3)):
            out[:, column] = np.where(np.arange(4) == label, -1e-6, -20)
        return (out,)

    crops = [np.random.default_rng(0).integers(0, 256, (32, 40, 3)).astype(np.uint8)]
    assert [r.text for r in Recognizer(network, charset="a：b")(crops)] == ["a:b"]
    assert [r.text for r in Recognizer(network, charset="a：b", allowed="ab：")(crops)] == ["a：b"]
