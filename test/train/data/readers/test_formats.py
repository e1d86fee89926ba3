"""What is particular to each text or JSON format: labels, corners, flags, odd files, the place of each loss."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from common.quads import rotate_quads
from train.data import readers
from train.data.readers.ctpn_voc import join_strips, line_around
from train.data.readers.report import Report
from train.data.samples import LineSample, PageSample

BOX = "10,12,110,12,110,40,10,40"
CORNERS = [[10, 12], [110, 12], [110, 40], [10, 40]]


def picture(size: tuple[int, int] = (80, 160), *, kind: str = "PNG", orientation: int = 1) -> bytes:
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[12:40, 10:110] = (250, 10, 10)
    stream = io.BytesIO()
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(pixels).save(stream, kind, exif=exif)
    return stream.getvalue()


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Writes files below the set's folder, strings as UTF-8, and gives the folder."""

    def write_files(files: dict[str, str | bytes | Any]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not isinstance(content, (str, bytes)):
                content = json.dumps(content, ensure_ascii=False)
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return tmp_path

    return write_files


def read(name: str, folder: Path) -> tuple[list[Any], Report]:
    report = Report()
    return list(readers.READERS[name](folder, report)), report


def places(report: Report) -> list[str]:
    return [skip.place for skip in report.skipped]


def texts(samples: list[PageSample]) -> list[tuple[str, bool]]:
    return [(line.text, line.ignore) for sample in samples for line in sample.lines]


@pytest.mark.parametrize(
    ("name", "line", "text", "ignore"),
    [
        ("icdar2015", f"{BOX},a, b,,c", "a, b,,c", False),
        ("icdar2015", f"{BOX},\"quoted\", 'x'", "\"quoted\", 'x'", False),
        ("icdar2015", f"{BOX},###", "", True),
        ("icdar2015", f"{BOX},#", "#", False),
        ("icdar2015", "10.0,12.0,110.0,12.0,110.0,40.0,10.0,40.0,浮点", "浮点", False),
        ("icdar2015", " 10, 12, 110, 12, 110, 40, 10, 40, blanks", "blanks", False),
        ("icdar2015", BOX, "", False),
        ("mtwi2018", f"{BOX},￥99.8,起", "￥99.8,起", False),
        ("mtwi2018", f"{BOX},*", "", True),
        ("mtwi2018", "10,12,10,40,110,40,110,12,反", "反", False),
        ("mtwi2018", "110,40,10,40,10,12,110,12,始", "始", False),
        ("mtwi2018", "10,12,10,40,110,12,110,40,叉", "叉", False),
        ("mlt2017", f"{BOX},Latin,a,b", "a,b", False),
        ("mlt2017", f"{BOX},None,###", "", True),
        ("mlt2017", f"{BOX},Arabic,سلام", "سلام", False),
        ("rctw17", f'{BOX},0,"说 "你, 好""', '说 "你, 好"', False),
        ("rctw17", f'{BOX},1,"看不清"', "看不清", True),
        ("rctw17", f'{BOX}, 0, "###"', "", True),
        ("rctw17", f"{BOX},0,无引号", "无引号", False),
        ("icdar2013", '10 12 110 40 "Joe\'s"', "Joe's", False),
        ("icdar2013", '10, 12, 110, 40, "a, b"', "a, b", False),
        ("icdar2013", '10, 12, 110, 40, "80"', "80", False),
        ("icdar2013", '10 12 110 40 "12 3"', "12 3", False),
        ("icdar2013", '10 12 110 40 """', '"', False),
    ],
)
def test_line_of_each_text_format_is_parsed(
    name: str, line: str, text: str, ignore: bool, put: Callable[..., Path]
) -> None:
    folder = put({"img_1.png": picture(), "gt_img_1.txt": line})
    samples, report = read(name, folder)
    assert report.skipped == []
    assert texts(samples) == [(text, ignore)]
    np.testing.assert_allclose(samples[0].lines[0].quad, CORNERS, atol=1e-3)
    assert samples[0].place == "gt_img_1.txt"


@pytest.mark.parametrize(
    ("name", "line", "kind"),
    [
        ("icdar2015", "10,12,110,12,110,40,10", "bad numbers"),
        ("icdar2015", f"{BOX.replace('12', 'x')},text", "bad numbers"),
        ("icdar2015", f"{BOX.replace('12', 'nan')},text", "bad box"),
        ("icdar2015", f"{BOX.replace('110', '1e999')},text", "bad box"),
        ("icdar2015", f"{BOX},", "empty label"),
        ("icdar2015", f"{BOX},  ", "empty label"),
        ("icdar2015", "10,12,10,12,10,40,10,40,flat", "empty box"),
        ("icdar2015", "910,12,990,12,990,40,910,40,far", "box outside"),
        ("icdar2015", "120,12,260,12,260,40,120,40,half", "box outside"),
        ("mlt2017", BOX, "bad record"),
        ("rctw17", f'{BOX},2,"x"', "bad flag"),
        ("rctw17", f'{BOX},0,"cut o', "bad label"),
        ("rctw17", f'{BOX},0,""', "empty label"),
        ("icdar2013", '10 12 110 "x"', "bad numbers"),
        ("icdar2013", '10 12 110 40 "x', "bad label"),
    ],
)
def test_a_broken_line_costs_nothing_else(
    name: str, line: str, kind: str, put: Callable[..., Path]
) -> None:
    good = {
        "mlt2017": f"{BOX},Latin,good", "rctw17": f'{BOX},0,"good"', "icdar2013": '10 12 110 40 "good"',
    }.get(name, f"{BOX},good")  # fmt: skip
    folder = put({"img_1.png": picture(), "gt_img_1.txt": f"{good}\n\n{line}\n{good}\n"})
    samples, report = read(name, folder)
    kept = [found for found in texts(samples) if not found[1]]
    assert kept == [("good", False)] * 2
    assert list(report.kinds) == [kind]
    assert places(report) == ["gt_img_1.txt:3"]


def test_visible_part_of_a_bad_box_is_ignored(
    put: Callable[..., Path],
) -> None:
    half = "120,12,260,12,260,40,120,40,half"
    folder = put({"1.png": picture(), "1.txt": f"{BOX},\n{half}\n{BOX},good"})
    samples, report = read("icdar2015", folder)
    assert [ignore for _, ignore in texts(samples)] == [True, True, False]
    assert samples[0].lines[1].quad.max() <= 160
    assert report.lost == 2


def test_a_page_whose_lines_are_all_broken_is_not_a_page_without_text(
    put: Callable[..., Path],
) -> None:
    folder = put({"1.png": picture(), "1.txt": "x\n1,2,3,y", "2.png": picture(), "2.txt": b""})
    samples, report = read("icdar2015", folder)
    assert samples == []
    assert places(report) == ["1.txt:1", "1.txt:2", "1.txt", "2.txt"]


def test_a_box_slightly_outside_is_moved_inside(put: Callable[..., Path]) -> None:
    folder = put({"1.png": picture(), "1.txt": "-3,12,163,12,163,83,-3,83,edge"})
    samples, report = read("icdar2015", folder)
    assert report.lost == 0
    np.testing.assert_array_equal(
        samples[0].lines[0].quad, [[0, 12], [160, 12], [160, 80], [0, 80]]
    )


def test_a_line_without_a_label_among_labelled_ones_is_broken(put: Callable[..., Path]) -> None:
    folder = put({"1.png": picture(), "1.txt": f"{BOX},a\n{BOX}"})
    samples, report = read("icdar2015", folder)
    assert texts(samples) == [("a", False)]
    assert places(report) == ["1.txt:2"]


@pytest.mark.parametrize(
    "name", ["icdar2015", "mtwi2018", "rctw17", "paddle_lines", "paddle_pages"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_encodings_of_chinese_label_files(
    name: str, encoding: str, put: Callable[..., Path]
) -> None:
    record = json.dumps([{"transcription": "中国", "points": CORNERS}], ensure_ascii=False)
    line = {
        "paddle_lines": "1.png\t中国", "paddle_pages": f"1.png\t{record}", "rctw17": f'{BOX},0,"中国"',
    }.get(name, f"{BOX},中国")  # fmt: skip
    file = {"paddle_lines": "rec_gt.txt", "paddle_pages": "Label.txt"}.get(name, "1.txt")
    samples, report = read(name, put({"1.png": picture(), file: line.encode(encoding)}))
    assert report.skipped == []
    (sample,) = samples
    assert (sample.text if isinstance(sample, LineSample) else sample.lines[0].text) == "中国"


def test_one_damaged_line_does_not_turn_a_file_into_gbk(put: Callable[..., Path]) -> None:
    content = f"{BOX},中国\n".encode() + f"{BOX},".encode() + "海".encode()[:2] + b"\n"
    samples, report = read("rctw17", put({"1.png": picture(), "1.txt": content}))
    assert [skip.place for skip in report.skipped][0] == "1.txt:1"  # no flag: rctw17 wants one
    samples, report = read("icdar2015", put({"1.png": picture(), "1.txt": content}))
    assert texts(samples) == [("中国", False)]
    assert (places(report), list(report.kinds)) == (["1.txt:2"], ["encoding"])


def test_utf16_is_refused_by_name(put: Callable[..., Path]) -> None:
    content = f"{BOX},x".encode("utf-16")
    _, report = read("icdar2015", put({"1.png": picture(), "1.txt": content}))
    assert "UTF-16" in report.summary()


def test_pictures_of_one_name_in_training_and_test(put: Callable[..., Path]) -> None:
    """ICDAR 2015's folders: every name is in both."""
    folder = put({
        "ch4_training_images/img_1.png": picture((80, 160)),
        "ch4_test_images/img_1.png": picture((90, 170)),
        "ch4_training_localization_transcription_gt/gt_img_1.txt": f"{BOX},train",
        "Challenge4_Test_Task1_GT/gt_img_1.txt": f"{BOX},test",
    })  # fmt: skip
    samples, report = read("icdar2015", folder)
    assert report.lost == 0
    found = {sample.lines[0].text: sample.image.shape[:2] for sample in samples}
    assert found == {"train": (80, 160), "test": (90, 170)}


def test_pictures_without_labels_are_told_once_for_each_folder(put: Callable[..., Path]) -> None:
    folder = put({f"test/{n}.png": picture() for n in range(5)})
    put({"train/0.png": picture(), "train/0.txt": f"{BOX},a"})
    samples, report = read("icdar2015", folder)
    assert len(samples) == 1
    assert [str(skip) for skip in report.skipped] == ["test: no labels for 5 pictures"]


# Nothing tells a picture turned by 180 degrees from one that is not: its labels are taken to be of the shown one.
@pytest.mark.parametrize(
    ("orientation", "of_stored"),
    [(1, True), (1, False), (3, False), (6, True), (6, False), (8, True), (8, False)],
)
def test_labels_of_turned_photographs(
    orientation: int, of_stored: bool, put: Callable[..., Path]
) -> None:
    """Boxes may be those of the picture as stored; whichever they are, the red bar is inside."""
    turn = {1: 0, 3: 180, 6: 270, 8: 90}[orientation]
    quad = np.array(CORNERS, np.float32)
    size, shown = (80, 160), (80, 160)
    if not of_stored:
        quad = rotate_quads(quad, turn, size)
        shown = size if turn in (0, 180) else size[::-1]
    shape = {"label": "bar", "points": quad.tolist(), "shape_type": "polygon", "flags": {}}
    content = {
        "shapes": [shape],
        "imagePath": "a.jpg",
        "imageHeight": shown[0],
        "imageWidth": shown[1],
    }
    row = ",".join(str(value) for value in quad.ravel())
    jpeg = picture(kind="JPEG", orientation=orientation)
    folder = put({"a.jpg": jpeg, "a.json": content, "b.jpg": jpeg, "b.txt": f"{row},bar"})
    for name in ("labelme", "icdar2015"):
        samples, _ = read(name, folder)
        line = samples[0].lines[0]
        np.testing.assert_allclose(
            line.quad, rotate_quads(np.array(CORNERS, np.float32), turn, size), atol=1
        )
        x0, y0 = line.quad.min(axis=0).astype(int)
        x1, y1 = line.quad.max(axis=0).astype(int)
        assert samples[0].image[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4, 0].min() > 200


def test_a_picture_of_another_size_than_the_labelled_one(put: Callable[..., Path]) -> None:
    shape = {"label": "bar", "points": CORNERS, "shape_type": "polygon"}
    content = {"shapes": [shape], "imagePath": "a.png", "imageHeight": 160, "imageWidth": 320}
    samples, report = read("labelme", put({"a.png": picture(), "a.json": content}))
    assert (samples, list(report.kinds)) == ([], ["other size"])


def test_labelme_shapes_become_quads(put: Callable[..., Path]) -> None:
    shapes = [
        {"label": "text", "description": "written out", "points": CORNERS, "shape_type": "polygon"},
        {"label": "box", "points": [[110, 40], [10, 12]], "shape_type": "rectangle"},
        {"label": "x", "points": CORNERS, "shape_type": "polygon", "flags": {"difficult": True}},
        {"label": "###", "points": CORNERS, "shape_type": "polygon"},
        {"label": "c", "points": [[10, 10], [20, 20]], "shape_type": "circle"},
        {"label": "two\nlines", "points": CORNERS, "shape_type": "polygon"},
        {"points": CORNERS},
        "text",
    ]
    data = base64.b64encode(picture()).decode()
    folder = put({"a.json": {"shapes": shapes, "imagePath": "gone.png", "imageData": data}})
    samples, report = read("labelme", folder)
    found = texts(samples)
    assert found[:2] == [("written out", False), ("box", False)]
    assert [ignore for _, ignore in found] == [False, False, True, True, True]
    np.testing.assert_array_equal(samples[0].lines[1].quad, CORNERS)
    assert [place.partition(":")[2] for place in places(report)] == [
        "shapes[4]", "shapes[6]", "shapes[7]", "shapes[5]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data", ["no base64!", base64.b64encode(b"no picture").decode(), None, 7, ""]
)
def test_labelme_pictures_within_the_file(data: Any, put: Callable[..., Path]) -> None:
    folder = put({"a.json": {"shapes": [], "imagePath": "gone.png", "imageData": data}})
    put({"b.json": {"shapes": [], "imagePath": "b.png"}, "b.png": picture()})
    samples, report = read("labelme", folder)
    assert (len(samples), report.lost) == (1, 1)
    assert samples[0].lines == ()


def character(x: float, y: float, text: str, side: float = 20) -> dict[str, Any]:
    box = [[x, y], [x + side, y], [x + side, y + side], [x, y + side]]
    return {"polygon": box, "text": text, "is_chinese": True, "attributes": ["occluded"]}


def test_ctw_sentences_become_lines(put: Callable[..., Path]) -> None:
    sentences = [
        [character(10 + 22 * i, 12, text) for i, text in enumerate("中国人")],
        [character(130, 4 + 22 * i, text) for i, text in enumerate("竖排")],
        [character(20, 50, "?")] + [character(40, 50, "")],
        [],
    ]
    record = {"file_name": "7.png", "width": 160, "height": 80, "annotations": sentences}
    lines = [json.dumps({**record, "ignore": [{"bbox": [1, 1, 5, 5]}]}), '{"file_name": ', "[]"]
    folder = put({"img/7.png": picture(), "train.jsonl": "\n".join(lines)})
    samples, report = read("ctw", folder)
    row, column, unknown, ignored = samples[0].lines
    assert (row.text, column.text) == ("中国人", "竖排")
    np.testing.assert_allclose(row.quad, [[10, 12], [74, 12], [74, 32], [10, 32]], atol=0.01)
    np.testing.assert_allclose(column.quad, [[130, 4], [150, 4], [150, 46], [130, 46]], atol=0.01)
    assert unknown.ignore
    assert ignored.ignore
    assert places(report) == ["train.jsonl:1:annotations[3]", "train.jsonl:2", "train.jsonl:3"]


def test_ctw_tilted_text_follows_its_characters(put: Callable[..., Path]) -> None:
    """Text that runs steeply down, its characters turned with it, is a row and not a column."""
    angle = np.deg2rad(60)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    sentence = [character(22 * i, -10, text) for i, text in enumerate("中国人")]
    for item in sentence:
        item["polygon"] = (np.array(item["polygon"]) @ matrix.T + [60, 10]).tolist()
    record = {
        "file_name": "7.png",
        "width": 160,
        "height": 80,
        "annotations": [sentence],
        "ignore": [],
    }
    samples, _ = read("ctw", put({"7.png": picture(), "train.jsonl": json.dumps(record)}))
    side = samples[0].lines[0].quad[1] - samples[0].lines[0].quad[0]
    assert np.linalg.norm(side) == pytest.approx(64, abs=0.1)
    assert np.degrees(np.arctan2(side[1], side[0])) == pytest.approx(60, abs=0.1)


def test_total_text_records_are_parsed(put: Callable[..., Path]) -> None:
    records = (
        "x: [[10 60 110\n 110  60  10]], y: [[12 12\n12 40 40 40]], ornt: [u'h'], transcriptions: [u'a, ]b']\r\n"
        "x: [[10 110 110 10]], y: [[12 12 40 40]], ornt: [u'm'], transcriptions: [u\"DON'T\"]\r\n"
        "x: [[10 110 110 10]], y: [[12 12 40 40]], ornt: [u'c'], transcriptions: [u'caf\\xe9']\r\n"
        "x: [[10 110 110 10]], y: [[12 12 40 40]], ornt: [u'#'], transcriptions: [u'#']\r\n"
        "x: [[10 110 110]], y: [[12 12 40 40]], ornt: [u'c'], transcriptions: [u'x']\r\n"
        "x: [[10 110 110 10]], y: [[12 12 40 40]], ornt: [], transcriptions: []\r\n"
        "x: [[10 110 110 10]], y: [[12 12 40 40]], ornt: [u'c'], trans"
    )
    folder = put({"Train/img7.png": picture(), "gt/Train/poly_gt_img7.txt": records})
    samples, report = read("total_text", folder)
    assert texts(samples) == [
        ("a, ]b", False), ("DON'T", False), ("café", False), ("#", True), ("", True),
    ]  # fmt: skip
    np.testing.assert_allclose(samples[0].lines[0].quad, CORNERS, atol=0.01)
    name = "gt/Train/poly_gt_img7.txt"
    assert sorted(places(report)) == [f"{name}:7", f"{name}:8", f"{name}:9"]


def test_both_versions_of_coco_text_are_read(put: Callable[..., Path]) -> None:
    flat = [value for corner in CORNERS for value in corner]
    common = {"image_id": 5, "legibility": "legible", "utf8_string": "word"}
    annotations = {
        "1": {**common, "mask": flat},
        "2": {**common, "polygon": flat},
        "3": {**common, "mask": [flat]},
        "4": {**common, "bbox": [10, 12, 100, 28]},
        "5": {**common, "bbox": [10, 12, 100, 28], "legibility": "illegible", "utf8_string": ""},
        "6": {**common, "bbox": [10, 12, 100, 28], "utf8_string": ""},
        "7": {**common, "bbox": [10, 12, 100]},
    }
    images = {
        "5": {"id": 5, "file_name": "a.png", "height": 80, "width": 160},
        "6": {"id": 6, "file_name": "b.png", "height": 80, "width": 160},
    }
    content = {"imgs": images, "anns": annotations}
    folder = put({"COCO_Text.json": content, "train2014/a.png": picture()})
    samples, report = read("coco_text", folder)
    assert texts(samples) == [("word", False)] * 4 + [("", True)] * 2
    for line in samples[0].lines:
        np.testing.assert_array_equal(line.quad, CORNERS)
    name = "COCO_Text.json"
    assert places(report) == [f"{name}:anns[7]", f"{name}:anns[6]", f"{name}:imgs[6]"]
    put({"COCO_Text.json": {**content, "imgToAnns": {"5": [1, "99"]}}})
    samples, report = read("coco_text", folder)
    assert texts(samples) == [("word", False)]
    assert f"{name}:anns[99]" in places(report)


def test_lsvt_and_art_are_told_apart(put: Callable[..., Path]) -> None:
    records = [
        {"points": CORNERS, "transcription": "词", "illegibility": False},
        {"points": CORNERS, "transcription": "词", "illegibility": True, "language": "Chinese"},
        {"points": CORNERS, "transcription": "###", "illegibility": False},
        {"transcription": "x"},
    ]
    labels = {"gt_0": records, "gt_1": records[:1], "gt_2": "x", "gt_3": []}
    folder = put({f"train_images/gt_{n}.png": picture() for n in (0, 2, 3)})
    for name, file in (("lsvt", "train_full_labels.json"), ("art", "train_labels.json")):
        put({file: b"\xef\xbb\xbf" + json.dumps(labels).encode()})
        samples, report = read(name, folder)
        assert texts(samples) == [("词", False), ("词", True), ("", True)]
        assert samples[1].lines == ()
        assert places(report) == [f"{file}:gt_0[3]", f"{file}:gt_1", f"{file}:gt_2"]


def test_art_of_cropped_lines(put: Callable[..., Path]) -> None:
    def record(text: str, illegible: bool = False) -> list[dict[str, Any]]:
        return [{"transcription": text, "language": "Latin", "illegibility": illegible}]

    labels = {"res_1": record("word"), "res_2": record("###", True), "res_3": record("###")}
    folder = put({f"train_task2_images/{name}.png": picture() for name in labels})
    samples, report = read("art", put({"train_task2_labels.json": labels}))
    assert [sample.text for sample in samples] == ["word"]
    assert report.kinds == {"illegible": 2}
    assert folder.is_dir()


def test_paddle_page_labels_are_parsed(put: Callable[..., Path], tmp_path: Path) -> None:
    def record(**other: Any) -> dict[str, Any]:
        return {"transcription": "字", "points": CORNERS, "difficult": False, **other}

    def line(name: str, *records: Any) -> str:
        return f"{name}\t{json.dumps(records, ensure_ascii=False)}"

    polygon = [[10, 12], [60, 12], [110, 12], [110, 40], [60, 40], [10, 40]]
    lines = [
        line(
            f"{tmp_path.name}/a.png", record(), record(difficult=True), record(transcription="###")
        ),
        line("..\\elsewhere\\a.png", record(points=polygon, key_cls="None")),
        line("a.png", record(transcription="待识别")),
        line("a.png", {"points": CORNERS}),
        "a.png",
        "a.png\t{}",
        line("a.png"),
    ]
    samples, report = read(
        "paddle_pages", put({"a.png": picture(), "Label.txt": "\r\n".join(lines)})
    )
    assert texts(samples) == [("字", False), ("字", True), ("", True), ("字", False), ("", True)]
    np.testing.assert_allclose(samples[1].lines[0].quad, CORNERS, atol=0.01)
    assert samples[-1].lines == ()
    assert places(report) == [
        "Label.txt:3[0]", "Label.txt:4[0]", "Label.txt:4", "Label.txt:5", "Label.txt:6",
    ]  # fmt: skip


def test_paddle_line_labels_are_parsed(put: Callable[..., Path]) -> None:
    lines = [
        "crop_img/a.png\tone\ttab",
        "crop_img\\a.png\t two ",
        '["crop_img/a.png", "crop_img/b.png"]\tthree',
        "crop_img/a.png\t",
        "crop_img/a.png\t###",
        "crop_img/a.png four",
        "[crop_img/a.png\tfive",
    ]
    folder = put({"crop_img/a.png": picture(), "rec_gt_train.txt": "\n".join(lines)})
    samples, report = read("paddle_lines", folder)
    assert [sample.text for sample in samples] == ["one\ttab", "two", "three"]
    assert places(report) == [f"rec_gt_train.txt:{n}" for n in (3, 4, 5, 6, 7)]
    assert report.kinds["no picture"] == 1


def test_all_variants_of_doctr_are_read(put: Callable[..., Path]) -> None:
    words = [
        {"value": "absolute", "geometry": [10, 12, 110, 40]},
        {"value": "corners", "geometry": CORNERS},
        {"value": "bad", "geometry": [1, 2, 3]},
    ]
    shares = [{"value": "shares", "geometry": [10 / 160, 12 / 80, 110 / 160, 0.5]}]
    labels = {
        "a.png": "单字 and more",
        "b.png": {"polygons": [CORNERS]},
        "c.png": {"img_dimensions": [80, 160], "polygons": {"words": [CORNERS], "other": []}},
        "d.png": {"typed_words": words},
        "e.png": {"typed_words": shares},
        "f.png": {"typed_words": []},
        "g.png": {"boxes": []},
        "h.png": 7,
        "i.png": "",
    }
    folder = put({f"images/{name}": picture() for name in labels})
    samples, report = read("doctr", put({"labels.json": labels}))
    assert samples[0].text == "单字 and more"
    assert texts(samples[1:]) == [
        ("", False), ("", False), ("absolute", False), ("corners", False), ("shares", False),
    ]  # fmt: skip
    for sample in samples[1:]:
        for line in sample.lines:
            np.testing.assert_allclose(line.quad, CORNERS, atol=1e-3)
    assert places(report) == [
        "labels.json:d.png[2]", "labels.json:g.png", "labels.json:h.png", "labels.json:i.png",
    ]  # fmt: skip
    assert folder.is_dir()


def test_jsonl_labels_are_read_and_broken_ones_reported(put: Callable[..., Path]) -> None:
    quad = {"quad": CORNERS, "text": "行", "ignore": False}
    records = [
        {"image": "a.png", "lines": [quad, {**quad, "ignore": True}]},
        {"image": "a.png", "kind": "line", "lines": [{"quad": None, "text": "一行"}]},
        {"image": "a.png", "lines": [{"quad": None, "text": "一"}, {"quad": None, "text": "二"}]},
        {"image": "a.png", "lines": [quad, {"quad": None, "text": "二"}]},
        {"image": "a.png", "lines": []},
        {"image": "gone.png", "lines": []},
        {"image": "a.png", "lines": [{"quad": [[1, 2]], "text": "x"}]},
        ["a.png"],
    ]
    lines = [json.dumps(record, ensure_ascii=False) for record in records] + ["{", '"x"']
    samples, report = read("jsonl", put({"a.png": picture(), "labels.jsonl": "\n".join(lines)}))
    assert isinstance(samples[1], LineSample)
    assert samples[1].text == "一行"
    assert texts([samples[0], *samples[2:]]) == [("行", False), ("行", True), ("行", False)]
    assert samples[3].lines == ()
    assert places(report) == [
        "labels.jsonl:3[0]", "labels.jsonl:3[1]", "labels.jsonl:3", "labels.jsonl:4[1]",
        *[f"labels.jsonl:{n}" for n in (6, 7, 8, 9, 10)],
    ]  # fmt: skip


def test_icdar_word_pictures_are_read(put: Callable[..., Path]) -> None:
    lines = [
        '﻿word_1.png, "Tiredness,"',
        'word_2.png, "\\"ROOM\\" \\\\ 5"',
        'word_3.png, ""',
        'word_4.png, "cut',
        "word_5.png",
        'word_6.png, "###"',
    ]
    folder = put({f"pictures/word_{n}.png": picture() for n in range(1, 7)})
    put({"Challenge4_Test_Task3_GT.txt": "\r\n".join(lines)})
    samples, report = read("icdar_words", folder)
    assert [sample.text for sample in samples] == ["Tiredness,", '"ROOM" \\ 5']
    assert [place.rpartition(":")[2] for place in places(report)] == ["3", "4", "5", "6"]


def test_mjsynth_lines_take_text_from_their_names(put: Callable[..., Path]) -> None:
    lines = [
        "./1/1_Alpha_0.jpg 0",
        "./1/2_beta_1.jpg 1",
        "./1/2_beta_1.jpg 0",
        "./1/2_beta_1.jpg 2",
        "./1/2_beta_1.jpg",
        "./1/beta.jpg 1",
        "./1/gone_Alpha_0.jpg 0",
    ]
    folder = put({"annotation_val.txt": "\n".join(lines), "lexicon.txt": "alpha\nbeta"})
    put({"1/1_Alpha_0.jpg": picture(kind="JPEG"), "1/2_beta_1.jpg": picture(kind="JPEG")})
    samples, report = read("mjsynth", folder)
    assert [sample.text for sample in samples] == ["Alpha", "beta"]
    assert places(report) == [f"annotation_val.txt:{n}" for n in (3, 4, 5, 6, 7)]
    (folder / "lexicon.txt").unlink()
    samples, report = read("mjsynth", folder)
    assert len(samples) == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_caffe_indices_are_lines_of_the_charset_file(
    encoding: str, end: str, put: Callable[..., Path]
) -> None:
    characters = ["blank", "的", " ", "，", "\u3000", "国"]
    folder = put({"char_std_6.txt": (end.join(characters) + end).encode(encoding)})
    lines = [
        "a.jpg 1 3 5 2 1",
        "a.jpg 0 1",
        "a.jpg 6 1",
        "a.jpg 1 x",
        "a.jpg",
        "b.jpg 1",
        "a.jpg -1",
    ]
    put({"images/a.jpg": picture(kind="JPEG"), "data_train.txt": end.join(lines)})
    samples, report = read("caffe_ocr", folder)
    assert [sample.text for sample in samples] == ["的，国 的"]
    assert places(report) == [f"data_train.txt:{n}" for n in (2, 3, 4, 5, 6, 7)]
    assert report.kinds["bad index"] == 4


def test_caffe_with_a_damaged_charset_file(put: Callable[..., Path]) -> None:
    """A line that cannot be read, and one that is lost: everything after it would be off by one."""
    lines = [b"blank", "的".encode("gbk"), b"\xff\xff", "国".encode("gbk"), b"a"]
    folder = put({"char_std_6.txt": b"\n".join(lines), "a.jpg": picture(kind="JPEG")})
    samples, report = read("caffe_ocr", put({"data_train.txt": "a.jpg 1 3\na.jpg 2 1\na.jpg 5"}))
    assert [sample.text for sample in samples] == ["的国"]
    assert places(report) == [
        "char_std_6.txt:3",
        "char_std_6.txt",
        "data_train.txt:2",
        "data_train.txt:3",
    ]
    assert folder.is_dir()


def test_caffe_without_its_charset_file(put: Callable[..., Path]) -> None:
    folder = put({"data_train.txt": "a.jpg 1 2"})
    with pytest.raises(FileNotFoundError, match="char_std_5990"):
        read("caffe_ocr", folder)


def voc(*boxes: tuple[int, int, int, int], difficult: int = 0, size: str = "160,80") -> str:
    width, _, height = size.partition(",")
    objects = "".join(
        f"<object><name>text</name><difficult>{difficult}</difficult><bndbox><xmin>{x0}</xmin>"
        f"<ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for x0, y0, x1, y1 in boxes
    )
    dimensions = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><folder>VOC2007</folder>{dimensions}{objects}</annotation>"


def test_voc_proposals_become_lines(put: Callable[..., Path]) -> None:
    pytest.importorskip("defusedxml")
    level = [(11, 13, 16, 40)] + [(x + 1, 13, x + 16, 40) for x in (16, 32, 48)]
    below = [(x + 1, 51, x + 16, 70) for x in (16, 32)]
    folder = put({"JPEGImages/a.png": picture(), "Annotations/a.xml": voc(*level, *below)})
    samples, report = read("ctpn_voc", folder)
    assert report.lost == 0
    assert texts(samples) == [("", False)] * 2
    quads = [line.quad for line in samples[0].lines]
    np.testing.assert_allclose(quads[0], [[10, 12], [64, 12], [64, 40], [10, 40]], atol=0.01)
    np.testing.assert_allclose(quads[1], [[16, 50], [48, 50], [48, 70], [16, 70]], atol=0.01)


def test_voc_proposals_of_a_slanted_line_become_one_line(rng: np.random.Generator) -> None:
    x0 = np.arange(0, 160, 16.0)
    slope, height = 0.2, 30
    top = np.round(50 + slope * (x0 + 8))
    boxes = np.stack([x0, top, x0 + 16, top + height], axis=1)
    (line,) = join_strips(boxes)
    expected = [[0, 50], [160, 82], [160, 112], [0, 80]]
    np.testing.assert_allclose(line_around(boxes[line]), expected, atol=1.0)
    apart = boxes + np.where(x0 >= 80, 40, 0)[:, None] * [1, 0, 1, 0]
    assert [len(line) for line in join_strips(apart)] == [5, 5]
    wide = np.array([[0, 0, 100, 30], [100, 0, 200, 30]], np.float64)
    assert [len(line) for line in join_strips(wide)] == [1, 1]


def test_voc_flags_and_broken_files(put: Callable[..., Path]) -> None:
    pytest.importorskip("defusedxml")
    bomb = '<!DOCTYPE x [<!ENTITY a "b">]><annotation>&a;</annotation>'
    box = (17, 13, 32, 40)
    folder = put({
        "Annotations/a.xml": voc(box, difficult=1),
        "Annotations/b.xml": voc(box)[:150],
        "Annotations/c.xml": bomb,
        "Annotations/d.xml": voc(box, (40, 13, 39, 40), (40, 13, 55, 13)),
        "Annotations/e.xml": voc(box, size="320,160"),
        "Annotations/f.xml": voc(box).replace("<xmin>17</xmin>", ""),
        "Annotations/g.xml": voc(),
        "ImageSets/Main/train.txt": "a\r\nd 1\nz\n",
    })  # fmt: skip
    put({f"JPEGImages/{name}.png": picture() for name in "abcdefg"})
    samples, report = read("ctpn_voc", folder)
    assert [len(sample.lines) for sample in samples] == [1, 2, 0]
    assert samples[0].lines[0].ignore
    assert places(report) == [
        "Annotations/b.xml", "Annotations/c.xml", "Annotations/d.xml:object 2", "Annotations/e.xml",
        "Annotations/f.xml:object 1", "Annotations/f.xml",
    ]  # fmt: skip
    samples, report = read("ctpn_voc", folder / "ImageSets" / "Main" / "train.txt")
    assert len(samples) == 2
    assert places(report) == ["Annotations/d.xml:object 2", "train.txt:3"]


@pytest.mark.parametrize(
    ("name", "files", "expected"),
    [
        ("x.txt", f"{BOX},a", "icdar2015"),
        ("x.txt", BOX, "icdar2015"),
        ("x.txt", f'{BOX},0,"a"', "rctw17"),
        ("x.txt", f"{BOX},Korean,a", "mlt2017"),
        ("x.txt", f"{BOX.replace('12', '12.5')},a", "mtwi2018"),
        ("x.txt", '10 12 110 40 "80"', "icdar2013"),
        ("train.txt", 'a/b.jpg\t[{"transcription": "x"', "paddle_pages"),
        ("train.txt", "a/b.jpg\t字", "paddle_lines"),
        ("labels.json", '{"a.png": "text"}', "doctr"),
        ("train.json", '{"b.png": {"img_dimensions": [1, 2], "polygons": []}}', "doctr"),
        ("x.json", '{"version": "5", "flags": {}, "shapes": []', "labelme"),
        ("x.json", '{"chars": [], "lines": [{"points": [], "transcription": ""', "rects"),
        ("gt.txt", '﻿word_1.png, "x"', "icdar_words"),
        ("train.jsonl", '{"annotations": [], "file_name": "x"}', "ctw"),
    ],
)
def test_format_is_detected_by_content(
    name: str, files: str, expected: str, put: Callable[..., Path]
) -> None:
    assert readers.detect(put({f"deep/er/{name}": files})) == expected
