"""Readers of binary files: LMDB, TFRecord, MATLAB, HDF5; each skipped where its package is not installed."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from train.data import readers
from train.data.readers.report import Report

CORNERS = np.array([[10, 12], [110, 12], [110, 40], [10, 40]], np.float32)


def picture(size: tuple[int, int] = (80, 160), seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def read(name: str, folder: Path) -> tuple[list[Any], Report]:
    report = Report()
    return list(readers.READERS[name](folder, report)), report


def places(report: Report) -> list[str]:
    return [skip.place for skip in report.skipped]


def write_lmdb(folder: Path, pairs: dict[str, bytes]) -> Path:
    lmdb = pytest.importorskip("lmdb")
    folder.mkdir(parents=True, exist_ok=True)
    database = lmdb.open(str(folder), map_size=1 << 26)
    with database, database.begin(write=True) as transaction:
        for key, value in pairs.items():
            transaction.put(key.encode(), value)
    (folder / "lock.mdb").unlink()
    return folder / "data.mdb"


def samples_of(count: int) -> dict[str, bytes]:
    pairs: dict[str, bytes] = {}
    for n in range(1, count + 1):
        pairs[f"image-{n:09d}"] = picture((32, 60), n)
        pairs[f"label-{n:09d}"] = f"第 {n}".encode()
    return {**pairs, "num-samples": str(count).encode()}


def test_lmdb_broken_samples_are_reported(tmp_path: Path) -> None:
    pairs = samples_of(8)
    del pairs["label-000000002"], pairs["image-000000003"]
    pairs["label-000000004"] = b"\xff\xfe"
    pairs["label-000000005"] = b""
    pairs["image-000000006"] = b"no picture"
    write_lmdb(tmp_path / "a" / "MJ", pairs)
    write_lmdb(tmp_path / "b", samples_of(1))
    samples, report = read("lmdb", tmp_path)
    assert [sample.text for sample in samples] == ["第 1", "第 7", "第 8", "第 1"]
    assert places(report) == [f"a/MJ/data.mdb:image-{n:09d}" for n in range(2, 7)]


@pytest.mark.parametrize("count", [None, b"many", b"99999999999999", b"-1"])
def test_lmdb_without_a_usable_count(count: bytes | None, tmp_path: Path) -> None:
    pairs = samples_of(3)
    del pairs["num-samples"]
    write_lmdb(tmp_path, pairs | ({} if count is None else {"num-samples": count}))
    samples, report = read("lmdb", tmp_path)
    assert [sample.text for sample in samples] == ["第 1", "第 2", "第 3"]
    assert report.kinds == {"no count": 1}


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.95])
def test_a_cut_lmdb_is_told_and_the_next_one_read(share: float, tmp_path: Path) -> None:
    path = write_lmdb(tmp_path / "1", samples_of(40))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    write_lmdb(tmp_path / "2", samples_of(2))
    samples, report = read("lmdb", tmp_path)
    assert [sample.text for sample in samples[-2:]] == ["第 1", "第 2"]
    assert len(samples) < 42
    assert report.kinds["damaged database"] >= 1
    assert all(place.startswith("1/data.mdb") for place in places(report))


def test_whole_lmdbs_are_never_taken_for_cut_ones(tmp_path: Path, rng: np.random.Generator) -> None:
    """Also after much was deleted, overwritten and written in several transactions."""
    lmdb = pytest.importorskip("lmdb")
    for case in range(4):
        folder = tmp_path / str(case)
        write_lmdb(folder, samples_of(10))
        for _ in range(case):
            database = lmdb.open(str(folder), map_size=1 << 26)
            with database, database.begin(write=True) as transaction:
                for n in rng.integers(100, 160, 40):
                    transaction.put(f"x{n}".encode(), bytes(int(rng.integers(20_000))))
                for n in rng.integers(100, 160, 60):
                    transaction.delete(f"x{n}".encode())
        samples, report = read("lmdb", folder)
        assert (len(samples), report.skipped) == (10, [])


def test_a_crash_of_the_library_costs_one_sample(tmp_path: Path) -> None:
    """A page that is no longer in the file ends the process that touches it; here, a record beyond it."""
    pairs = samples_of(3)
    pairs["image-000000002"] = bytes(100_000)
    path = write_lmdb(tmp_path, pairs)
    content = bytearray(path.read_bytes())
    # The node of a value kept in pages of its own: its size, flags 1, the key's length, the key, the page.
    at = content.rindex(b"image-000000002") + len("image-000000002")
    content[at : at + 8] = struct.pack("<Q", 1_000)
    path.write_bytes(content)
    samples, report = read("lmdb", tmp_path)
    assert [sample.text for sample in samples] == ["第 1", "第 3"]
    assert places(report) == ["data.mdb:image-000000002"]


def test_a_reader_of_lmdb_may_be_left_early(tmp_path: Path) -> None:
    write_lmdb(tmp_path, samples_of(30))
    samples = readers.READERS["lmdb"](tmp_path, Report())
    assert next(samples)
    samples.close()  # type: ignore[attr-defined]


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def example(**features: Any) -> bytes:
    """The bytes of a tf.train.Example; `__` in names stands for a slash."""
    entries = b""
    for name, values in features.items():
        if isinstance(values, (bytes, str)):
            value = field(1, field(1, values if isinstance(values, bytes) else values.encode()))
        else:
            value = field(3, field(1, b"".join(varint(number) for number in values)))
        entries += field(1, field(1, name.replace("__", "/").encode()) + field(2, value))
    return field(1, entries)


def record(data: bytes, *, damage: str = "") -> bytes:
    crc32c = pytest.importorskip("google_crc32c").value

    def masked(piece: bytes) -> bytes:
        crc = crc32c(piece)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(data))
    out = bytearray(length + masked(length) + data + masked(data))
    if damage:
        out[{"length": 0, "data": 20}[damage]] ^= 0xFF
    return bytes(out)


@pytest.fixture
def fsns(tmp_path: Path) -> Callable[[bytes], tuple[list[Any], Report]]:
    def write_and_read(content: bytes) -> tuple[list[Any], Report]:
        (tmp_path / "train-00000-of-00512").write_bytes(content)
        return read("fsns", tmp_path)

    return write_and_read


def test_fsns_records_equal_known_bytes() -> None:
    """The checksum of the format's own documents: masked CRC-32C of "123456789" is from 0xE3069283."""
    crc32c = pytest.importorskip("google_crc32c").value
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize(("width", "views"), [(600, 4), (450, 3), (150, 1), (0, 4), (9999, 4)])
def test_fsns_views_are_cut_apart(width: int, views: int, fsns: Callable[..., Any]) -> None:
    content = picture((150, 600))
    data = example(image__encoded=content, image__orig_width=[width], image__text="Rue de la Paix")
    samples, report = fsns(record(data))
    assert report.skipped == []
    assert [sample.text for sample in samples] == ["Rue de la Paix"] * views
    whole = np.asarray(PIL.Image.open(io.BytesIO(content)))
    joined = np.concatenate([sample.image for sample in samples], axis=1)
    np.testing.assert_array_equal(joined, whole[:, : 150 * views])


def test_fsns_text_from_classes(fsns: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "charset_size=134.txt").write_text(
        "0\t \n1\tR\n2\té\n133\t<nul>\n", encoding="utf-8"
    )
    content = picture((150, 150))
    good = example(image__encoded=content, image__class=[1, 2, 0, 1, 133, 133])
    unpadded = example(image__encoded=content, image__unpadded_class=[2, 1])
    outside = example(image__encoded=content, image__class=[1, 77])
    samples, report = fsns(record(good) + record(unpadded) + record(outside))
    assert [sample.text for sample in samples] == ["Ré R", "éR"]
    assert places(report) == ["train-00000-of-00512:3"]
    (tmp_path / "charset_size=134.txt").unlink()
    samples, report = fsns(record(good))
    assert (samples, report.lost) == ([], 1)


def test_fsns_broken_records_are_reported(fsns: Callable[..., Any]) -> None:
    good = example(image__encoded=picture((150, 150)), image__text="Rue")
    bad = [
        record(example(image__text="Rue")),
        record(example(image__encoded=b"no picture", image__text="Rue")),
        record(example(image__encoded=picture((150, 150)))),
        record(example(image__encoded=picture((150, 150)), image__text="")),
        record(example(image__encoded=picture((150, 150)), image__text=b"\xff")),
        record(b"\xff\xff\xff no message"),
        record(good, damage="data"),
        record(b""),
    ]
    samples, report = fsns(b"".join(piece + record(good) for piece in bad))
    assert [sample.text for sample in samples] == ["Rue"] * len(bad)
    assert places(report) == [f"train-00000-of-00512:{2 * n + 1}" for n in range(len(bad))]


@pytest.mark.parametrize("cut", [1, 5, 11, 12, 100, -1])
def test_fsns_truncated_files_are_reported(cut: int, fsns: Callable[..., Any]) -> None:
    one = record(example(image__encoded=picture((150, 150)), image__text="Rue"))
    samples, report = fsns(one + one[:cut])
    assert len(samples) == 1
    assert places(report) == ["train-00000-of-00512:2"]
    samples, report = fsns(one + record(b"x" * 40, damage="length") + one)
    assert len(samples) == 1
    assert "the rest" in report.skipped[0].reason


def words(*quads: Any) -> Any:
    return np.stack([np.asarray(quad, np.float64).T for quad in quads], axis=2)


def write_mat(path: Path, **variables: Any) -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    cells = {}
    for name, values in variables.items():
        cells[name] = np.empty((1, len(values)), object)
        for i, value in enumerate(values):
            cells[name][0, i] = value
    savemat(path, cells)


def test_synthtext_words_are_read_with_their_boxes(tmp_path: Path) -> None:
    (tmp_path / "8").mkdir()
    for n in range(5):
        (tmp_path / "8" / f"{n}.png").write_bytes(picture())
    many = words(CORNERS, CORNERS + [2, 5], CORNERS + [300, 0])
    write_mat(
        tmp_path / "gt.mat",
        imnames=[f"8/{n}.png" for n in (0, 1, 2, 3, 9)],
        wordBB=[many, CORNERS.T.astype(np.float64), many, np.zeros((2, 4, 0)), many],
        charBB=[many] * 5,
        txt=[
            np.array(["Lines:\n   lost   ", "Kevin            "]), np.array(["Ünï "]),
            np.array(["one two"]), np.array([" "]), np.array(["a b c"]),
        ],
    )  # fmt: skip
    samples, report = read("synthtext", tmp_path)
    assert [[line.text for line in sample.lines] for sample in samples] == [
        ["Lines:", "lost"], ["Ünï"], [],
    ]  # fmt: skip
    np.testing.assert_allclose(samples[0].lines[0].quad, CORNERS)
    np.testing.assert_allclose(samples[1].lines[0].quad, CORNERS)
    assert places(report) == ["gt.mat:1[2]", "gt.mat:3", "gt.mat:5"]


@pytest.mark.slow
def test_synthtext_of_other_content_is_refused(tmp_path: Path) -> None:
    write_mat(tmp_path / "gt.mat", imnames=["a.png"])
    samples, report = read("synthtext", tmp_path)
    assert "no wordBB, txt in the file" in report.skipped[0].reason
    (tmp_path / "gt.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(300))
    samples, report = read("synthtext", tmp_path)
    assert (samples, report.kinds) == ([], {"damaged file": 1})


def test_synthtext_from_the_generator(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "SynthText.h5", "w") as file:
        for n in range(3):
            data = file.create_dataset(
                f"data/p.jpg_{n}", data=np.full((80, 160, 3), 9 * n, np.uint8)
            )
            data.attrs["wordBB"] = words(CORNERS, CORNERS + [3, 30])
            data.attrs["charBB"] = words(CORNERS)
            data.attrs["txt"] = np.array([b"one\ntwo" if n else b"one"], dtype="S")
    samples, report = read("synthtext", tmp_path)
    assert readers.detect(tmp_path) == "synthtext"
    assert [[line.text for line in sample.lines] for sample in samples] == [["one", "two"]] * 2
    assert samples[1].image[0, 0].tolist() == [18, 18, 18]
    assert places(report) == ["SynthText.h5:p.jpg_0"]
    content = (tmp_path / "SynthText.h5").read_bytes()
    (tmp_path / "SynthText.h5").write_bytes(content[: len(content) // 2])
    samples, report = read("synthtext", tmp_path)
    assert (samples, report.kinds) == ([], {"damaged file": 1})


@pytest.mark.parametrize(
    "variable",
    ["polygt", *(pytest.param(name, marks=pytest.mark.slow) for name in ("gt", "rectgt"))],
)
def test_total_text_mat_files_are_read(variable: str, tmp_path: Path) -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    xs, ys = [10, 60, 110, 110, 60, 10], [12, 12, 12, 40, 40, 40]
    if variable == "rectgt":
        box: list[Any] = [10, 12, 110, 40, 100, 28]
        rows = [[*box, "word", "c"], [*box, "#", "#"], [*box[:5], np.zeros(0), "one", "c"]]
        rows += [[np.zeros(0), *box[1:], "lost", "c"]]
    else:
        rows = [
            ["x:", xs, "y:", ys, text, kind]
            for text, kind in (("word", "c"), ("#", "#"), ("one", "h"))
        ]
        rows += [["x:", xs[:5], "y:", ys, "lost", "c"]]
    cells = np.empty((len(rows), len(rows[0])), object)
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            cells[i, j] = np.array([value]) if isinstance(value, (str, list)) else np.asarray(value)
    (tmp_path / "img5.png").write_bytes(picture())
    savemat(tmp_path / "poly_gt_img5.mat", {variable: cells})
    samples, report = read("total_text", tmp_path)
    assert [(line.text, line.ignore) for line in samples[0].lines] == [
        ("word", False), ("#", True), ("one", False),
    ]  # fmt: skip
    for line in samples[0].lines:
        np.testing.assert_allclose(line.quad, CORNERS, atol=0.01)
    assert places(report) == ["poly_gt_img5.mat:row 4"]


def test_a_missing_package_is_named_with_the_file_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (
        "lmdb",
        "scipy",
        "google_crc32c",
        "defusedxml.ElementTree",
        "defusedxml.common",
    ):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    (tmp_path / "Annotations").mkdir()
    for name, file in (
        ("synthtext", "gt.mat"), ("fsns", "a.tfrecord"), ("ctpn_voc", "Annotations/a.xml"), ("lmdb", "data.mdb"),
    ):  # fmt: skip
        (tmp_path / file).write_bytes(b"x")
        with pytest.raises(ModuleNotFoundError, match=r"requirements-train\.txt"):
            read(name, tmp_path)
