"""Every reader on a small set in its format: whole, half deleted, damaged, guessed."""

from __future__ import annotations

import base64
import io
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from train.data import readers
from train.data.readers.report import MAX_KEPT, Report
from train.data.samples import LineSample, PageSample

COUNT = 6
"""Samples of every set made here."""

TEXT = '上海, "OCR" 8#'
QUAD = [10, 12, 110, 14, 109, 40, 9, 38]
Maker = Callable[[Path], None]


def page_bytes(seed: int, size: tuple[int, int] = (80, 160), kind: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def line_bytes(seed: int, kind: str = "PNG") -> bytes:
    return page_bytes(seed, (32, 120), kind)


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def numbers(quad: list[int] = QUAD) -> str:
    return ",".join(map(str, quad))


def pairs(quad: list[int] = QUAD) -> list[list[int]]:
    return [quad[i : i + 2] for i in range(0, len(quad), 2)]


def text_set(pictures: str, labels: str, line: str, bom: bool = False) -> Maker:
    """A set of one text file for each picture; {n} in the paths is its number."""

    def make(folder: Path) -> None:
        for n in range(1, COUNT + 1):
            write(folder / pictures.format(n=n), page_bytes(n))
            content = ("\ufeff" if bom else "") + f"{line}\r\n{line}"
            write(folder / labels.format(n=n), content)

    return make


def make_ctw(folder: Path) -> None:
    def character(x: int, text: str) -> dict[str, Any]:
        box = [[x, 10], [x + 18, 10], [x + 18, 30], [x, 30]]
        return {"polygon": box, "text": text, "is_chinese": True, "adjusted_bbox": [x, 10, 18, 20]}

    lines = []
    for n in range(1, COUNT + 1):
        name = f"{n:07d}.jpg"
        write(folder / "images" / "trainval" / name, page_bytes(n))
        sentence = [character(10 + 20 * i, text) for i, text in enumerate("上海路")]
        ignored = {
            "polygon": [[120, 50], [150, 50], [150, 70], [120, 70]],
            "bbox": [120, 50, 30, 20],
        }
        record = {"image_id": name[:-4], "file_name": name, "width": 160, "height": 80}
        lines.append(json.dumps({**record, "annotations": [sentence], "ignore": [ignored]}))
    write(folder / "annotations" / "info.json", json.dumps({"train": []}))
    write(folder / "annotations" / "train.jsonl", "\n".join(lines[:4]) + "\n")
    write(folder / "annotations" / "val.jsonl", "\n".join(lines[4:]))
    write(folder / "annotations" / "test_cls.jsonl", '{"file_name": "x.jpg", "proposals": []}\n')


def make_total_text(folder: Path) -> None:
    for n in range(1, COUNT + 1):
        write(folder / "Images" / f"img{n}.jpg", page_bytes(n))
        word = "x: [[ 10  40\n  80 82 41 11]], y: [[20 10 20 45 30 44]], ornt: [u'c'], "
        word += "transcriptions: [u'CURVED']\n"
        ignored = "x: [[100 120 120 100]], y: [[50 50 60 60]], ornt: [u'#'], transcriptions: [u'#']"
        write(folder / "gt" / f"poly_gt_img{n}.txt", word + ignored)


def make_coco(folder: Path) -> None:
    images, annotations, of_image = {}, {}, {}
    for n in range(1, COUNT + 1):
        name = f"COCO_train2014_{n:012d}.jpg"
        write(folder / "train2014" / name, page_bytes(n))
        images[str(n)] = {"id": n, "file_name": name, "height": 80, "width": 160, "set": "train"}
        common = {"image_id": n, "language": "english", "class": "machine printed"}
        legible = {"mask": QUAD, "legibility": "legible", "utf8_string": "word"}
        blurred = {"bbox": [100, 50, 30, 12], "legibility": "illegible", "utf8_string": ""}
        annotations[str(10 * n)] = {**common, **legible}
        annotations[str(10 * n + 1)] = {**common, **blurred}
        of_image[str(n)] = [10 * n, 10 * n + 1]
    content = {"cats": {}, "imgs": images, "anns": annotations, "imgToAnns": of_image, "info": {}}
    write(folder / "cocotext.v2.json", json.dumps(content))


def make_lsvt(folder: Path) -> None:
    records = [
        {"transcription": TEXT, "points": pairs(), "illegibility": False},
        {"transcription": "###", "points": [[9, 50], [60, 50], [60, 70]], "illegibility": True},
    ]
    labels = {f"gt_{n}": records for n in range(COUNT)}
    for n in range(COUNT):
        write(folder / f"train_full_images_{n % 2}" / f"gt_{n}.jpg", page_bytes(n))
    write(folder / "train_full_labels.json", json.dumps(labels, ensure_ascii=False))


def make_art(folder: Path) -> None:
    curve = [[10, 40], [40, 22], [80, 20], [120, 40], [118, 60], [80, 42], [42, 44], [14, 60]]
    records = [
        {"transcription": TEXT, "points": curve, "language": "Chinese", "illegibility": False}
    ]
    for n in range(COUNT):
        write(folder / "train_images" / f"gt_{n}.jpg", page_bytes(n))
    labels = {f"gt_{n}": records for n in range(COUNT)}
    write(folder / "train_labels.json", json.dumps(labels))


def make_rects(folder: Path) -> None:
    for n in range(1, COUNT + 1):
        name = f"train_ReCTS_{n:06d}"
        write(folder / "img" / f"{name}.jpg", page_bytes(n))
        lines = [
            {"ignore": 0, "transcription": TEXT, "points": QUAD},
            {"ignore": 1, "transcription": "###", "points": [9, 50, 60, 50, 60, 70, 9, 70]},
        ]
        characters = [{"ignore": 0, "transcription": "上", "points": QUAD}]
        write(folder / "gt" / f"{name}.json", json.dumps({"chars": characters, "lines": lines}))


def make_paddle_pages(folder: Path) -> None:
    lines = []
    records = [{"transcription": TEXT, "points": pairs(), "difficult": False}]
    for n in range(1, COUNT + 1):
        write(folder / f"页 {n}.jpg", page_bytes(n))
        lines.append(f"{folder.name}/页 {n}.jpg\t{json.dumps(records, ensure_ascii=False)}")
    write(folder / "Label.txt", "\n".join(lines) + "\n")
    write(folder / "fileState.txt", "C:\\x\\页 1.jpg\t1\n")


def make_paddle_lines(folder: Path) -> None:
    for n in range(1, COUNT + 1):
        write(folder / "crop_img" / f"p_crop_{n}.jpg", line_bytes(n, "JPEG"))
    lines = [f"crop_img/p_crop_{n}.jpg\t{TEXT}" for n in range(1, COUNT + 1)]
    write(folder / "rec_gt.txt", "\n".join(lines))


def make_lmdb(folder: Path) -> None:
    lmdb = pytest.importorskip("lmdb")
    database = lmdb.open(str(folder), map_size=1 << 24)
    with database, database.begin(write=True) as transaction:
        for n in range(1, COUNT + 1):
            transaction.put(b"image-%09d" % n, line_bytes(n))
            transaction.put(b"label-%09d" % n, TEXT.encode())
        transaction.put(b"num-samples", b"%d" % COUNT)
    (folder / "lock.mdb").unlink(missing_ok=True)


def make_labelme(folder: Path) -> None:
    for n in range(1, COUNT + 1):
        shapes = [
            {"label": TEXT, "points": pairs(), "shape_type": "polygon", "flags": {}},
            {"label": "w", "points": [[90, 70], [20, 50]], "shape_type": "rectangle", "flags": {}},
        ]
        content = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": f"..\\img\\{n}.jpg",
        }
        data = base64.b64encode(page_bytes(n)).decode() if n % 2 else None
        if data is None:
            write(folder / "img" / f"{n}.jpg", page_bytes(n))
        content |= {"imageData": data, "imageHeight": 80, "imageWidth": 160}
        write(folder / "json" / f"{n}.json", json.dumps(content, indent=2))


def make_doctr(folder: Path) -> None:
    for n in range(1, COUNT + 1):
        write(folder / "images" / f"{n}.png", page_bytes(n, kind="PNG"))
    labels = {
        f"{n}.png": {"img_dimensions": [80, 160], "img_hash": "0", "polygons": [pairs()]}
        for n in range(1, COUNT + 1)
    }
    write(folder / "labels.json", json.dumps(labels))


def make_jsonl(folder: Path) -> None:
    lines = []
    for n in range(1, COUNT + 1):
        write(folder / "pages" / f"{n}.png", page_bytes(n, kind="PNG"))
        line = {"quad": pairs(), "text": TEXT, "ignore": False}
        lines.append(json.dumps({"image": f"pages/{n}.png", "source": "mine", "lines": [line]}))
    write(folder / "labels.jsonl", "\n".join(lines))


def make_mjsynth(folder: Path) -> None:
    words = ["alpha", "Slinking", "GREEN"]
    write(folder / "lexicon.txt", "\n".join(word.lower() for word in words) + "\n")
    lines = []
    for n in range(COUNT):
        name = f"./3000/7/{n}_{words[n % 3]}_{n % 3}.jpg"
        write(folder / name, line_bytes(n, "JPEG"))
        lines.append(f"{name} {n % 3}")
    write(folder / "annotation.txt", "\n".join(lines) + "\n")
    write(folder / "annotation_train.txt", "\n".join(lines[:4]) + "\n")


def make_caffe(folder: Path) -> None:
    codes = [bytes([high, low]) for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFA)]
    lines = [b"blank", "，".encode("gbk"), b" ", b"0", *codes[:5986]]
    write(folder / "char_std_5990.txt", b"\n".join(lines) + b"\n")
    for n in range(COUNT):
        write(folder / "images" / f"{n}_1.jpg", page_bytes(n, (32, 280)))
    labels = [f"{n}_1.jpg 1 2 3 4 5 60 700 5987 5988 5989" for n in range(COUNT)]
    write(folder / "data_train.txt", "\r\n".join(labels[:4]) + "\r\n")
    write(folder / "data_test.txt", "\n".join(labels[4:]))


def make_icdar_words(folder: Path) -> None:
    for n in range(1, COUNT + 1):
        write(folder / f"word_{n}.png", line_bytes(n))
    lines = [f'word_{n}.png, "it\\"s, {n}"' for n in range(1, COUNT + 1)]
    write(folder / "gt.txt", "\ufeff" + "\r\n".join(lines))


def make_voc(folder: Path) -> None:
    pytest.importorskip("defusedxml")
    root = folder / "VOCdevkit2007" / "VOC2007"
    strip = "<object><name>text</name><difficult>0</difficult><bndbox><xmin>{}</xmin>"
    strip += "<ymin>11</ymin><xmax>{}</xmax><ymax>30</ymax></bndbox></object>"
    strips = "".join(strip.format(x + 1, x + 16) for x in (16, 32, 48))
    size = "<size><width>160</width><height>80</height><depth>3</depth></size>"
    for n in range(1, COUNT + 1):
        write(root / "JPEGImages" / f"img_{n}.jpg", page_bytes(n))
        xml = f"<annotation><filename>img_{n}.jpg</filename>{size}{strips}</annotation>"
        write(root / "Annotations" / f"img_{n}.xml", xml)
    names = "".join(f"img_{n}\n" for n in range(1, COUNT + 1))
    write(root / "ImageSets" / "Main" / "trainval.txt", names)


def make_synthtext(folder: Path) -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    names, boxes, texts = (np.empty((1, COUNT), object) for _ in range(3))
    quad = np.array(pairs(), np.float32).T
    for n in range(COUNT):
        names[0, n] = f"8/ballet_{n}.jpg"
        write(folder / names[0, n], page_bytes(n))
        boxes[0, n] = quad if n % 2 else np.stack([quad, quad + 1, quad + 20], axis=2)
        texts[0, n] = np.array(
            ["Lines:" if n % 2 else "Lines:\nI  lost ", "Kevin "][: 1 + (n + 1) % 2]
        )
        if n % 2 == 0:
            texts[0, n] = np.array(["Lines:\nI     ", "Kevin       "])
    savemat(folder / "gt.mat", {"imnames": names, "wordBB": boxes, "charBB": boxes, "txt": texts})


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def example(features: dict[str, list[bytes] | list[int]]) -> bytes:
    """The bytes of a tf.train.Example, by hand: the format is the one fixed thing here."""
    entries = b""
    for name, values in features.items():
        if values and isinstance(values[0], bytes):
            feature = field(1, b"".join(field(1, value) for value in values))
        else:
            feature = field(3, field(1, b"".join(varint(int(value)) for value in values)))
        entries += field(1, field(1, name.encode()) + field(2, feature))
    return field(1, entries)


def record(data: bytes) -> bytes:
    crc32c = pytest.importorskip("google_crc32c").value

    def masked(piece: bytes) -> bytes:
        crc = crc32c(piece)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def make_fsns(folder: Path) -> None:
    write(folder / "charset_size=134.txt", "0\t \n1\tR\n2\tu\n3\té\n133\t<nul>\n")
    content = b""
    for n in range(COUNT // 2):
        features: dict[str, list[bytes] | list[int]] = {
            "image/encoded": [page_bytes(n, (150, 600), "PNG")],
            "image/format": [b"PNG"],
            "image/orig_width": [300],
            "image/text": ["Rué R".encode()],
            "image/class": [1, 2, 3, 0, 1, *[133] * 32],
        }
        content += record(example(features))
    write(folder / "train" / "train-00000-of-00512", content)


MAKERS: dict[str, Maker] = {
    "art": make_art,
    "caffe_ocr": make_caffe,
    "coco_text": make_coco,
    "ctpn_voc": make_voc,
    "ctw": make_ctw,
    "doctr": make_doctr,
    "fsns": make_fsns,
    "icdar2013": text_set("images/{n}.jpg", "gt/gt_{n}.txt", '38 13 120 55 "Tired, ness"'),
    "icdar2015": text_set(
        "ch4_training_images/img_{n}.jpg", "ch4_gt/gt_img_{n}.txt", f"{numbers()},{TEXT}", bom=True
    ),
    "icdar_words": make_icdar_words,
    "jsonl": make_jsonl,
    "labelme": make_labelme,
    "lmdb": make_lmdb,
    "lsvt": make_lsvt,
    "mjsynth": make_mjsynth,
    "mlt2017": text_set("img_{n}.jpg", "gt_img_{n}.txt", f"{numbers()},Chinese,{TEXT}"),
    "mtwi2018": text_set(
        "image_train/T1._{n}.jpg.jpg",
        "txt_train/T1._{n}.jpg.txt",
        f"10.5,12,{numbers()[6:]},{TEXT}",
    ),
    "paddle_lines": make_paddle_lines,
    "paddle_pages": make_paddle_pages,
    "rctw17": text_set("image_{n}.jpg", "image_{n}.txt", f'{numbers()},0,"{TEXT}"', bom=True),
    "rects": make_rects,
    "synthtext": make_synthtext,
    "total_text": make_total_text,
}


@pytest.fixture(scope="session")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a whole set, made once."""
    root = tmp_path_factory.mktemp("sets")

    def of(name: str) -> Path:
        if not (
            root / name
        ).exists():  # where a package is missing it is not made, however often it is asked for
            unfinished = root / "unfinished" / name
            unfinished.mkdir(parents=True, exist_ok=True)
            MAKERS[name](unfinished)
            unfinished.rename(root / name)
        return root / name

    return of


def check_sample(sample: PageSample | LineSample) -> None:
    """What every sample must keep, whatever the set."""
    assert sample.image.dtype == np.uint8
    assert sample.image.ndim == 3
    assert sample.image.shape[2] == 3
    assert sample.place
    if isinstance(sample, LineSample):
        assert sample.text.strip()
        assert len(sample.centers) == len(sample.widths) == 0
        return
    height, width = sample.image.shape[:2]
    for line in sample.lines:
        assert line.quad.shape == (4, 2)
        assert line.quad.dtype == np.float32
        assert (line.quad >= 0).all()
        assert (line.quad <= [width, height]).all()
        x, y = line.quad.T.astype(np.float64)
        assert np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)) > 0  # clockwise as seen
        assert line.ignore or line.text != "###"


def read_all(name: str, folder: Path) -> tuple[list[PageSample | LineSample], Report]:
    report = Report()
    samples = list(readers.READERS[name](folder, report))
    for sample in samples:
        check_sample(sample)
    assert report.read == len(samples)
    return samples, report


DAMAGED = [
    pytest.param(name, marks=pytest.mark.slow) if name == "synthtext" else name for name in MAKERS
]
"""Sets to damage: SciPy reads the labels of one in a process of its own, which takes as long as all the others do."""


def test_every_reader_has_a_set_here() -> None:
    assert set(MAKERS) == set(readers.READERS)


@pytest.mark.parametrize("name", MAKERS)
def test_a_whole_set_is_read_without_loss(name: str, sets: Callable[[str], Path]) -> None:
    samples, report = read_all(name, sets(name))
    assert (len(samples), report.skipped) == (COUNT, [])
    for sample in samples:
        if isinstance(sample, PageSample):
            assert any(not line.ignore for line in sample.lines)


@pytest.mark.parametrize("name", MAKERS)
def test_the_format_is_guessed(name: str, sets: Callable[[str], Path]) -> None:
    assert readers.detect(sets(name)) == name


@pytest.mark.parametrize("name", DAMAGED)
def test_of_a_half_deleted_set_the_rest_is_read(
    name: str, sets: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / name
    shutil.copytree(sets(name), folder)
    pictures = sorted(p for p in folder.rglob("*") if p.suffix in (".jpg", ".png"))
    for path in pictures[::2]:
        path.unlink()
    samples, report = read_all(name, folder)
    deleted = len(pictures[::2])
    assert len(samples) == COUNT - deleted
    assert report.kinds["no picture"] == report.lost == deleted


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_pictures_are_left_out_and_told(
    name: str, sets: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / name
    shutil.copytree(sets(name), folder)
    pictures = sorted(p for p in folder.rglob("*") if p.suffix in (".jpg", ".png"))
    for number, path in enumerate(pictures[:3]):
        content = path.read_bytes()
        path.write_bytes([content[: len(content) // 2], b"", b"<html>404</html>"][number])
    samples, report = read_all(name, folder)
    assert len(samples) == COUNT - len(pictures[:3])
    assert report.kinds["damaged picture"] == report.lost == len(pictures[:3])


def label_files(folder: Path) -> list[Path]:
    others = (".jpg", ".png")
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in others)


# Of a file cut between two records, or within a label without quotes, nothing shows that it was cut.
UNSEEN = {
    "caffe_ocr", "ctw", "fsns", "icdar2015", "icdar_words", "jsonl", "mjsynth", "mlt2017", "mtwi2018",
    "paddle_lines", "paddle_pages",
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("keep", [pytest.param(0.0, marks=pytest.mark.slow), 0.8])
def test_cut_label_files_are_never_fatal_nor_silent(
    name: str, keep: float, sets: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / name
    shutil.copytree(sets(name), folder)
    for path in label_files(folder):
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])
    samples, report = read_all(name, folder)
    assert report.lost or (keep and name in UNSEEN)
    assert keep or not samples


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_noise_in_label_files_is_never_fatal(
    name: str, sets: Callable[[str], Path], tmp_path: Path, rng: np.random.Generator
) -> None:
    folder = tmp_path / name
    shutil.copytree(sets(name), folder)
    for path in label_files(folder):
        content = bytearray(path.read_bytes())
        for _ in range(1 + len(content) // 400):
            content[int(rng.integers(len(content)))] = int(rng.integers(256))
        path.write_bytes(content)
    samples, _ = read_all(name, folder)
    assert len(samples) <= 2 * COUNT


def test_the_registry_loads_no_package_that_a_reader_needs() -> None:
    heavy = "lmdb scipy h5py google_crc32c defusedxml pyarrow torch tensorflow".split()
    code = "import sys; from train.data import readers; list(readers.READERS); "
    code += f"print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_readers_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no reader 'ctv'.*ctw"):
        readers.read("ctv", tmp_path, Report())
    with pytest.raises(FileNotFoundError, match="nowhere"):
        readers.read("ctw", tmp_path / "nowhere", Report())
    with pytest.raises(KeyError):
        readers.READERS["ctv"]


def test_a_folder_alone_is_read_by_guessing(sets: Callable[[str], Path]) -> None:
    assert len(list(readers.read(sets("rects")))) == COUNT
    report = Report()
    assert len(list(readers.read("auto", sets("mjsynth"), report))) == report.read == COUNT


@pytest.mark.parametrize("name", sorted(set(readers.READERS) - {"jsonl"}))
def test_a_folder_without_labels_says_what_is_expected(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="give the folder"):
        list(readers.READERS[name](tmp_path, Report()))


def test_an_unknown_folder_is_described(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no files.*icdar2015"):
        readers.detect(tmp_path)
    write(tmp_path / "a" / "x.jpg", b"")
    write(tmp_path / "notes.txt", "nothing in particular")
    with pytest.raises(ValueError, match=r"1 \.txt, 1 \.jpg"):
        readers.detect(tmp_path)
    with pytest.raises(FileNotFoundError):
        readers.detect(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "file", "count"),
    [
        ("mjsynth", "annotation_train.txt", 4),
        ("ctw", "annotations/val.jsonl", 2),
        ("caffe_ocr", "data_test.txt", 2),
        ("fsns", "train/train-00000-of-00512", COUNT),
        ("ctpn_voc", "VOCdevkit2007/VOC2007/ImageSets/Main/trainval.txt", COUNT),
        ("lmdb", "data.mdb", COUNT),
        ("jsonl", "labels.jsonl", COUNT),
        ("coco_text", "cocotext.v2.json", COUNT),
    ],
)
def test_one_label_file_of_a_set(
    name: str, file: str, count: int, sets: Callable[[str], Path]
) -> None:
    samples, report = read_all(name, sets(name) / file)
    assert (len(samples), report.skipped) == (count, [])


def test_reading_is_lazy(sets: Callable[[str], Path], tmp_path: Path) -> None:
    """A picture is decoded when it is reached, and a reader may be left early."""
    folder = tmp_path / "x"
    shutil.copytree(sets("paddle_pages"), folder)
    report = Report()
    samples = readers.READERS["paddle_pages"](folder, report)
    next(samples)
    for path in folder.glob("*.jpg"):
        path.unlink()
    assert not list(samples)
    assert report.kinds["no picture"] == COUNT - 1


def test_report_counts_all_and_keeps_a_bounded_number() -> None:
    report = Report()
    assert report.summary() == "0 read, none left out"
    for number in range(MAX_KEPT + 5):
        report.skip(f"a.txt:{number}", "no picture:\n x.jpg" if number % 2 else "empty label")
    assert report.lost == MAX_KEPT + 5
    assert len(report.skipped) == MAX_KEPT
    assert "\n" not in report.summary()
    assert "a.txt:0: empty label" in report.summary()
    assert report.kinds == {"no picture": 5002, "empty label": 5003}
