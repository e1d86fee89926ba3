"""Looking at, checking, converting and splitting labelled sets, on sets that the tests write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.charset import Charset
from train.data.__main__ import main
from train.data.check import Finding, check
from train.data.duplicates import distance, fingerprint, groups, near_pairs
from train.data.inspect import HEIGHTS, ContactSheet, Contents, histogram, scripts
from train.data.readers import read
from train.data.readers.report import Report
from train.data.samples import Line, LineSample, PageSample
from train.data.split import held_out, key_of
from train.data.writers import FORMATS, open_writer, to_lines

CHARSET = Charset("abcdefghijklmnopqrstuvwxyzABC0123456789 国家,.\"'\\")
TEXTS = ("hello world", "国家 abc", "a, b, c", 'say "abc"', "x")


def quad(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def picture(seed: int, height: int = 120, width: int = 160) -> np.ndarray:
    """Blurred noise: any two seeds look different, and JPEG keeps what is there."""
    noise = np.random.default_rng(seed).uniform(0, 255, (height // 10 + 1, width // 10 + 1, 1))
    large = cv2.resize(noise.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.repeat(np.clip(large, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def page(seed: int, *lines: Line) -> PageSample:
    usual = (Line(quad(10, 10, 110, 30), TEXTS[seed % 5]), Line(quad(10, 50, 90, 70), "ab", True))
    return PageSample(picture(seed), lines or usual)


def line(seed: int, text: str | None = None) -> LineSample:
    return LineSample(picture(seed, 32, 150), TEXTS[seed % 5] if text is None else text)


def findings(*samples: PageSample | LineSample, report: Report | None = None) -> list[Finding]:
    return list(check(samples, report or Report(), CHARSET))


def kinds(*samples: PageSample | LineSample) -> Counter[str]:
    return Counter(finding.kind for finding in findings(*samples))


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


def test_same_picture_is_near_and_others_are_not() -> None:
    prints = [fingerprint(picture(seed)) for seed in range(12)]
    assert near_pairs(prints) == []
    again = [fingerprint(jpeg(picture(seed), 60)) for seed in range(12)]
    assert near_pairs(prints + again) == [(i, i + 12) for i in range(12)]
    assert near_pairs([prints[0], prints[0], prints[0]]) == [(0, 1), (0, 2)]
    assert distance(prints[0], fingerprint(line(0).image)) == 1024


def test_near_pairs_equal_those_of_comparing_all() -> None:
    rng = np.random.default_rng(0)
    images = [picture(seed) for seed in range(8)]
    images += [
        np.clip(images[i % 8] + rng.normal(0, i, images[0].shape), 0, 255).astype(np.uint8)
        for i in range(16)
    ]
    prints = [fingerprint(image) for image in images]
    from train.data.duplicates import is_near

    every = [(i, j) for j in range(24) for i in range(j) if is_near(prints[i], prints[j])]
    found = near_pairs(prints)
    assert groups(24, found) == groups(24, every)
    assert set(found) <= set(every)


def test_empty_pictures_are_the_same_only_if_equal() -> None:
    white, grey = (np.full((50, 60, 3), level, np.uint8) for level in (255, 250))
    assert near_pairs([fingerprint(white), fingerprint(grey)]) == []
    assert near_pairs([fingerprint(white), fingerprint(white.copy())]) == [(0, 1)]
    fingerprint(np.zeros((1, 1, 3), np.uint8))
    fingerprint(np.zeros((400, 1), np.uint8))


def test_groups_are_connected_components() -> None:
    assert groups(0, []) == []
    assert groups(5, [(3, 4), (0, 3)]) == [0, 1, 2, 0, 0]


def test_split_is_by_share_and_keeps_duplicates_together() -> None:
    samples = [page(seed) for seed in range(30)]
    samples += [PageSample(jpeg(sample.image, 70), sample.lines) for sample in samples[:10]]
    keys = [key_of(sample) for sample in samples]
    for share in (0.1, 0.25, 0.5):
        chosen = held_out(keys, share, seed=1)
        assert abs(chosen.sum() - share * 40) <= 1
        assert (chosen[:10] == chosen[30:]).all()
    assert (held_out(keys, 0.25, 1) == held_out(keys, 0.25, 1)).all()
    assert (held_out(keys, 0.25, 1) != held_out(keys, 0.25, 2)).any()
    order = np.random.default_rng(3).permutation(40)
    shuffled = held_out([keys[i] for i in order], 0.25, 1)
    assert (shuffled == held_out(keys, 0.25, 1)[order]).all()


def test_split_at_the_edges() -> None:
    keys = [key_of(page(seed)) for seed in range(6)]
    assert held_out([], 0.5, 1).tolist() == []
    assert not held_out(keys, 0, 1).any()
    assert held_out(keys, 1, 1).all()
    assert held_out(keys, 0.01, 1).sum() == 1
    assert held_out(keys, 0.99, 1).sum() == 5
    assert held_out(keys[:1], 0.1, 1).tolist() == [False]
    twins = [keys[0]] * 9 + [keys[1]]
    assert held_out(twins, 0.1, 1).tolist() == [False] * 9 + [True]
    with pytest.raises(ValueError, match=r"share is 1.5, expected 0 to 1"):
        held_out(keys, 1.5, 1)


def test_split_of_lines_that_look_alike_needs_equal_texts() -> None:
    a, b = line(1, "2019"), line(1, "2018")
    nearly = LineSample(jpeg(b.image, 90), "2018")
    assert near_pairs([fingerprint(a.image), fingerprint(nearly.image)])
    parts = {tuple(held_out([key_of(a), key_of(nearly)], 0.5, seed).tolist()) for seed in range(20)}
    assert parts == {(True, False), (False, True)}


def test_a_clean_set_has_no_findings() -> None:
    assert findings() == []
    assert findings(*(page(seed) for seed in range(5)), *(line(seed) for seed in range(5))) == []


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (Line(quad(10, 10, 170, 30), "ab"), "outside"),
        (Line(quad(-9, 10, 60, 30), "ab", ignore=True), "outside"),
        (Line(quad(10, 10, 60, 30), "  "), "no text"),
        (Line(quad(10, 10, 60, 30), "ab囧"), "character"),
        (Line(quad(10, 10, 60, 14), "ab"), "tiny"),
        (Line(quad(10, 10, 60, 10), "ab"), "flat"),
    ],
)
def test_one_broken_line_is_found_at_its_place(broken: Line, kind: str) -> None:
    fine = Line(quad(10, 80, 60, 100), "abc")
    sample = PageSample(picture(1), (fine, broken), "labels.txt:7")
    (found,) = findings(page(2), sample)
    assert (found.kind, found.place) == (kind, "labels.txt:7, line 2")
    unnamed = findings(page(2), PageSample(picture(1), (fine, broken)))
    assert [finding.place for finding in unnamed] == ["sample 2, line 2"]


def test_half_a_pixel_outside_is_no_finding() -> None:
    assert findings(page(1, Line(quad(-0.5, 10, 160.5, 30), "ab"))) == []


def test_ignored_lines_need_no_text() -> None:
    ignored = [
        Line(quad(10, 10 + 20 * i, 60, 25 + 20 * i), text, True)
        for i, text in enumerate(("", "囧"))
    ]
    assert findings(page(1, *ignored, Line(quad(10, 70, 60, 74), "", True))) == []


def test_two_labels_at_one_place_are_a_finding() -> None:
    here = quad(10, 10, 100, 30)
    assert kinds(page(1, Line(here, "ab"), Line(here + 0.5, "ab"))) == {"same line": 1}
    assert kinds(page(1, Line(here, "ab"), Line(here + 0.5, "ba"))) == {"same line": 1}
    assert kinds(page(1, Line(here, "ab"), Line(here + 15, "ab"))) == {}


def test_same_pictures_with_and_without_the_same_label() -> None:
    again = PageSample(jpeg(picture(1), 70), page(1).lines, "other.txt:3")
    (found,) = findings(page(1), page(2), again)
    assert (found.kind, found.place) == ("same picture", "other.txt:3")
    assert "sample 1" in found.detail
    other = PageSample(picture(1), (Line(quad(10, 10, 60, 30), "cab"),))
    assert kinds(page(1), other) == {"same picture": 1, "other label": 1}
    assert kinds(page(1), PageSample(jpeg(picture(1), 70), other.lines)) == {}
    assert kinds(line(1, "abc"), line(1, "abd")) == {"same picture": 1, "other label": 1}
    assert kinds(line(1, "abc"), LineSample(jpeg(line(1).image, 90), "abd")) == {}


def test_a_set_of_boxes_alone_is_one_finding() -> None:
    bare = [page(seed, Line(quad(10, 10, 60, 30), "")) for seed in range(5)]
    (found,) = findings(*bare)
    assert (found.kind, found.place) == ("no text", "the whole set")
    assert kinds(*bare, page(9)) == {"no text": 5}
    assert kinds(page(9), *bare) == {"no text": 5}


def test_skipped_records_are_findings() -> None:
    report = Report()
    report.skip("labels.txt:3", "no picture: a.png")
    (found,) = findings(page(1), report=report)
    assert str(found) == "labels.txt:3: left out: no picture: a.png"


def test_histogram_counts_everything_once() -> None:
    assert histogram([], HEIGHTS) == []
    rows = histogram([1, 6, 7.9, 8, 500], HEIGHTS)
    assert sum(int(row.split("#")[0].split()[-1]) for row in rows) == 5
    assert rows[0].split()[:3] == ["under", "6", "1"]
    assert rows[-1].strip().startswith("128 or more")


def test_scripts_count_characters_by_script() -> None:
    assert scripts(Counter("国a1é,あ가")) == {
        "han": 1, "latin": 2, "other": 2, "hiragana": 1, "hangul": 1,
    }  # fmt: skip


def test_contents_count_lines_characters_and_heights() -> None:
    empty = Contents().figures(CHARSET)
    assert (empty["lines"], empty["coverage"], empty["height"]) == (0, None, [])
    contents = Contents()
    for sample in (
        page(1, Line(quad(0, 0, 50, 20), "Ａ囧b"), Line(quad(0, 40, 9, 50), "", True)),
        line(4),
    ):
        contents.add(sample)
    facts = contents.figures(CHARSET)
    assert (facts["pages"], facts["line_pictures"], facts["lines"], facts["ignored"]) == (
        1,
        1,
        2,
        1,
    )
    assert facts["missing"] == {"囧": 1}  # full width is folded as the recognizer folds it
    assert facts["coverage"] == pytest.approx(0.75)
    assert facts["length"] == [1.5, 2.0, 2.5]


def test_sheet_of_any_number_of_samples() -> None:
    for count in (0, 1, 3, 40):
        sheet = ContactSheet(6, np.random.default_rng(1))
        samples = [page(i) if i % 2 else line(i) for i in range(count)]
        assert len(list(sheet.watch(samples))) == count
        image = sheet.image()
        assert image.ndim == 3
        assert image.size


def same(
    a: Sequence[PageSample | LineSample], b: Sequence[PageSample | LineSample], slack: float
) -> None:
    assert len(a) == len(b)
    for one, two in zip(a, b, strict=True):
        assert type(one) is type(two)
        assert (one.image == two.image).all()
        if isinstance(one, LineSample) and isinstance(two, LineSample):
            assert one.text == two.text
            continue
        assert isinstance(one, PageSample)
        assert isinstance(two, PageSample)
        assert [(x.text, x.ignore) for x in one.lines if not x.ignore] == [
            (x.text, x.ignore) for x in two.lines if not x.ignore
        ]
        assert [x.ignore for x in one.lines] == [x.ignore for x in two.lines]
        for x, y in zip(one.lines, two.lines, strict=True):
            np.testing.assert_allclose(x.quad, y.quad, atol=slack)


def write(name: str, folder: Path, samples: Sequence[PageSample | LineSample]) -> None:
    with open_writer(name, folder) as writer:
        for sample in samples:
            writer.add(sample)


PAGES = [
    page(0),
    page(1),
    PageSample(picture(2), ()),
    page(3, Line(quad(1.6, 2.2, 90.4, 30), "'a'")),
]
LINES = [line(seed) for seed in range(5)]


@pytest.mark.parametrize(
    ("name", "samples", "slack"),
    [
        ("jsonl", PAGES, 0.01),
        ("jsonl", LINES, 0),
        ("paddle", PAGES, 0.1),
        ("paddle", LINES, 0),
        ("icdar", [page for page in PAGES if page.lines], 0.5),
        ("icdar", LINES, 0),
        ("labelme", PAGES, 0.01),
    ],
)
def test_what_is_written_is_read_back(
    name: str, samples: list[PageSample | LineSample], slack: float, tmp_path: Path
) -> None:
    write(name, tmp_path / "set", samples)
    report = Report()
    same(list(read("auto", tmp_path / "set", report)), samples, slack)
    assert (report.read, report.skipped) == (len(samples), [])


def test_lmdb_is_read_back_as_lines(tmp_path: Path) -> None:
    pytest.importorskip("lmdb")
    write("lmdb", tmp_path / "set", [*LINES, *PAGES])
    report = Report()
    back = list(read("auto", tmp_path / "set", report))
    lines = [piece for sample in [*LINES, *PAGES] for piece in to_lines(sample)]
    assert len(lines) == len(LINES) + 3
    same(back, lines, 0)


def test_interrupted_writing_leaves_no_set(tmp_path: Path) -> None:
    for name in ("jsonl", "paddle"):
        with pytest.raises(RuntimeError), open_writer(name, tmp_path / name) as writer:  # noqa: PT012
            writer.add(PAGES[0])
            raise RuntimeError
        assert not [
            p for p in (tmp_path / name).rglob("*") if p.suffix in {".jsonl", ".txt", ".part"}
        ]


def test_writer_refuses_a_full_folder_and_unknown_names(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(ValueError, match="is not empty"), open_writer("jsonl", tmp_path):
        pass
    with pytest.raises(ValueError, match="no writer 'xml'"), open_writer("xml", tmp_path / "new"):
        pass


def test_crops_are_the_labelled_lines() -> None:
    sample = PageSample(picture(1), (*page(1).lines, Line(quad(0, 80, 50, 100), " ")), "a:1")
    (only,) = to_lines(sample)
    assert (only.text, only.image.shape, only.place) == (TEXTS[1], (20, 100, 3), "a:1 line 1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write("jsonl", tmp_path / "mine", [*PAGES[:2], *LINES[:3]])
    return tmp_path / "mine"


def test_inspect_writes_facts_and_contact_sheet(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = ["-o", str(tmp_path / "sheet.png"), "--json", str(tmp_path / "facts.json")]
    assert main(["inspect", str(folder), *outputs]) == 0
    out = capsys.readouterr().out
    assert "2 pages, 3 pictures of single lines" in out
    assert "height of a line, pixels" in out
    facts = json.loads((tmp_path / "facts.json").read_text("utf-8"))
    assert (facts["lines"], facts["ignored"], facts["read"]) == (5, 2, 5)
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None


def test_check_exit_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "5 samples, 0 findings"
    with (folder / "labels.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"image": "images/gone.png", "lines": []}\n{"image":\n')
    assert main(["check", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "labels.jsonl:6" in out
    assert "labels.jsonl:7" in out
    assert "2 left out" in out.splitlines()[-1]


@pytest.mark.parametrize("name", FORMATS)
def test_converted_set_has_all_samples(folder: Path, tmp_path: Path, name: str) -> None:
    if name == "lmdb":
        pytest.importorskip("lmdb")
    out = tmp_path / "out"
    assert main(["convert", str(folder), str(out), "--to", name, "--crops"]) == 0
    assert len(list(read("auto", out, Report()))) == 5


def test_split_command(folder: Path, tmp_path: Path) -> None:
    assert main(["split", str(folder), str(tmp_path / "parts"), "--share", "0.4"]) == 0
    train, val = (
        list(read("auto", tmp_path / "parts" / name, Report())) for name in ("train", "val")
    )
    assert (len(train), len(val)) == (3, 2)
    before = {sample.image.tobytes() for sample in read("auto", folder, Report())}
    assert {sample.image.tobytes() for sample in [*train, *val]} == before


def test_wrong_arguments_exit_with_status_2(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(tmp_path / "nowhere")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["convert", str(folder), str(folder)]) == 2
    assert "is not empty" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["split"])
    assert caught.value.code == 2
