"""The bench of detectors: lines in their groups, labels for what they can say, one run in its own process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("shapely", reason="requirements-train.txt is not installed")

from bench import detectors
from bench.detector_pictures import draw
from bench.detector_runs import Candidate, Detected, DetectorRun
from bench.detector_scores import ALL, RECALL, WORDS, all_groups, figures, groups_of, score
from train.data.samples import LabelledPage, Line


def quad(x: float, y: float, width: float, height: float, degrees: float = 0) -> np.ndarray:
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.asarray(corners @ rotation + [x, y], np.float32)


def page(*lines: np.ndarray, ignore: tuple[int, ...] = (), **fields: Any) -> LabelledPage:
    known = tuple(Line(one, "a", i in ignore) for i, one in enumerate(lines))
    return LabelledPage(Path("a.png"), "here", "scene", lines=known, **fields)


def rows(truth: LabelledPage, *found: np.ndarray) -> dict[str, Any]:
    quads = np.array(found, np.float32).reshape(-1, 4, 2)
    run = DetectorRun(found=[Detected(quads, np.ones(len(quads), np.float32), 0.1, 0.1)])
    return dict(figures(score([truth], run), run)["rows"])


LEFT, RIGHT = quad(0, 0, 100, 20), quad(0, 50, 100, 20)


@pytest.mark.parametrize(
    ("line", "groups"),
    [
        (quad(0, 0, 100, 20), ["ratio 3-8", "direction level", "height 12-24"]),
        (quad(0, 0, 100, 10, 30), ["ratio 8-20", "direction slanted", "height 0-12"]),
        (quad(0, 0, 300, 10, 90), ["ratio >20", "direction vertical", "height 0-12"]),
        (quad(0, 0, 300, 10, 180), ["ratio >20", "direction level", "height 0-12"]),
        (quad(0, 0, 30, 120), ["ratio 3-8", "direction vertical", "height 24-48"]),  # a column
        (quad(0, 0, 100, 99), ["ratio 1-3", "direction level", "height >96"]),
        (quad(0, 0, 0, 0), ["ratio 1-3", "direction level", "height 0-12"]),
    ],
)
def test_groups_of_a_line(line: np.ndarray, groups: list[str]) -> None:
    assert list(groups_of(line)) == groups
    assert set(groups) <= set(all_groups())


def test_all_found() -> None:
    found = rows(page(LEFT, RIGHT), LEFT, RIGHT)
    for group in (ALL, "ratio 3-8", "direction level", "source here", "kind scene"):
        for iou in ("0.5", "0.7"):
            assert found[group][iou] == {"lines": 2, "recall": 1, "precision": 1, "hmean": 1}


def test_a_looser_box_is_found_at_half_the_overlap_alone() -> None:
    found = rows(page(LEFT, RIGHT), quad(0, 0, 160, 20))
    assert found[ALL]["0.5"]["recall"] == 0.5 and found[ALL]["0.5"]["precision"] == 1
    assert found[ALL]["0.7"]["recall"] == 0 and found[ALL]["0.7"]["precision"] == 0


def test_the_least_overlap_comes_first_whichever_met_a_group_first() -> None:
    longer = quad(0, 0, 170, 20)  # of a group of its own, in which it counts as false at .7 alone
    found = [Detected(longer[None], np.ones(1, np.float32), 0.1, 0.1)] * 2
    run = DetectorRun(found=found)
    group = figures(score([page(LEFT), page(longer)], run), run)["rows"]["ratio 8-20"]
    assert [(name, one["precision"]) for name, one in group.items()] == [("0.5", 1), ("0.7", 0.5)]


def test_a_false_box_counts_in_its_own_groups() -> None:
    found = rows(page(LEFT), LEFT, quad(200, 200, 20, 300))
    assert found["direction level"]["0.5"]["precision"] == 1
    assert found["direction vertical"]["0.5"] == {
        "lines": 0, "recall": None, "precision": 0, "hmean": None,
    }  # fmt: skip
    assert found[ALL]["0.5"]["precision"] == 0.5


def test_ignored_lines_count_neither_way() -> None:
    found = rows(page(LEFT, RIGHT, ignore=(1,)), LEFT, quad(0, 50, 160, 20))
    assert found[ALL]["0.7"] == {"lines": 1, "recall": 1, "precision": 1, "hmean": 1}


def test_words_may_be_found_in_one_line() -> None:
    words = [quad(0, 0, 45, 20), quad(50, 0, 50, 20)]
    found = rows(page(*words, word_level=True), LEFT)
    assert found == {
        f"source here, {WORDS}": {"DetEval": {"lines": 2, "recall": 1, "precision": 1, "hmean": 1}}
    }


def test_part_of_the_text_gives_recall_alone() -> None:
    found = rows(page(LEFT, partial=True), LEFT, RIGHT)
    (row,) = found
    assert row == f"source here, {RECALL}"
    assert found[row]["0.5"] == {"lines": 1, "recall": 1, "precision": None, "hmean": None}


def test_a_picture_that_failed_is_found_empty() -> None:
    run = DetectorRun(found=[None])
    result = figures(score([page(LEFT)], run), run)
    assert result["failed"] == 1 and result["ms"] is None
    assert result["rows"][ALL]["0.5"]["hmean"] == 0
    assert detectors.format_summary({"a": result}).count("\n") == 1


def test_pictures_show_the_truth_and_every_detector() -> None:
    image = np.full((100, 200, 3), 255, np.uint8)
    drawn = draw(image, page(LEFT), {"one": [LEFT], "two": [RIGHT], "none": []})
    assert drawn.shape[1] == 4 * 200
    panels = np.split(drawn, 4, axis=1)
    assert len({panel[30:].tobytes() for panel in panels}) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "best"], "no shipped detector is named best"),
        (["--weights", "gone.onnx", "--method", "ctpn"], "no such file: gone.onnx"),
        (["--method", "ctpn"], "found 0 --weights and 1 --method"),
        (["--json", "gone/a.json"], "there is no folder gone"),
    ],
)
def test_wrong_command_lines(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        detectors.main(["data", *arguments])
    assert message in capsys.readouterr().err


def test_weights_of_runs_keep_their_own_names(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    path.touch()
    chosen = detectors.chosen("ctpn", [path, path], ["db", "db"])
    assert [one.name for one in chosen] == ["ctpn", "db 1", "db 2"]


@pytest.mark.slow
def test_a_detector_runs_in_a_process_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example = Path(__file__).parents[1] / "data" / "sign.png"
    with PIL.Image.open(example) as picture:
        picture.save(tmp_path / "sign.png")
    record = {"image": "sign.png", "source": "signs", "kind": "poster", "lines": []}
    record["lines"] = [{"quad": LEFT.tolist(), "text": "a"}]
    (tmp_path / "labels.jsonl").write_text(json.dumps(record), "utf-8")
    folder, file = tmp_path / "drawn", tmp_path / "figures.json"
    detectors.main(
        [str(tmp_path), "--only", "ctpn", "--threads", "1", "--json", str(file)]
        + ["--pictures", str(folder)]
    )
    found = json.loads(file.read_text("utf-8"))["ctpn"]
    assert (
        found["ms"] > 0
        and found["cpu_ms"] > 0
        and found["peak_mib"] > 50
        and found["parameters"] > 10**6
    )
    assert found["rows"]["source signs"]["0.5"]["lines"] == 1
    assert len(list(folder.iterdir())) == 1
    assert "ctpn" in capsys.readouterr().out


def test_weights_that_do_not_open_end_the_detector_alone(tmp_path: Path) -> None:
    from bench.detector_runs import DetectorError, _work

    class Pipe:
        sent: list[Any] = []

        def send(self, value: Any) -> None:
            self.sent.append(value)

    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no model")
    _work(Candidate("broken", "ctpn", path), [], 1, Pipe())  # type: ignore[arg-type]
    (answer,) = Pipe.sent
    assert isinstance(answer, DetectorError) and "broken" in str(answer)
