"""Folders into Parquet: the table, restarts, failures; and a Ray cluster that loses a machine half-way."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

import ocr
from common.arrays import Image
from ocr.bulk import job
from ocr.bulk import parquet as parts

pytest.importorskip("pyarrow", reason="needs pyarrow: pip install -r requirements-bulk.txt")
from pyarrow import fs, parquet

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path, bars: Image) -> Path:
    """Seven readable pages in three files, and two files that cannot be read."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    picture = PIL.Image.fromarray(bars)
    blank = PIL.Image.fromarray(np.full_like(bars, 255))
    picture.save(folder / "a 图.png")
    picture.save(folder / "sub" / "b.tif", save_all=True, append_images=[blank, picture])
    blank.save(folder / "sub" / "c.PDF", "PDF", save_all=True, append_images=[blank, blank])
    (folder / "d.jpg").write_text("no picture")
    (folder / "e.png").touch()
    (folder / "notes.txt").touch()
    (folder / ".hidden.png").touch()
    return folder


@pytest.fixture
def work(
    bar_reader: Callable[[int], ocr.Reader], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """The command line with everything done in this process, so many inputs of it as are said."""
    monkeypatch.setattr(job, "_reader", lambda models: bar_reader(90))

    def run(left: list[str], options: Any) -> int:  # noqa: ANN401
        errors = 0
        for start in range(0, len(left), options.batch):
            row = {"inputs": left[start : start + options.batch]}
            errors += job.read_part(
                row, source=options.input, target=options.output, models="small", angle=True
            )["errors"]
        return 1 if errors else 0

    monkeypatch.setattr(job, "_run", run)
    pytest.importorskip("ray", reason="needs Ray: pip install -r requirements-bulk.txt")
    return lambda *arguments: job.main([str(argument) for argument in arguments])


def _rows(out: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(out).to_pylist()
    return sorted(rows, key=lambda row: (row["path"], row["page"] or 0))


def test_table_has_a_row_for_each_page_and_each_error(
    work: Callable[..., int], folder: Path, tmp_path: Path, bars: Image
) -> None:
    out = tmp_path / "out"
    assert work(folder, out, "--batch", 2) == 1
    rows = _rows(out)
    names = [
        str(folder / name) for name in ("a 图.png", "d.jpg", "e.png", "sub/b.tif", "sub/c.PDF")
    ]
    assert [(names.index(row["path"]), row["page"]) for row in rows] == [
        (0, 0), (1, None), (2, None), (3, 0), (3, 1), (3, 2), (4, 0), (4, 1), (4, 2),
    ]  # fmt: skip
    good, bad = rows[0], rows[1]
    assert (good["width"], good["height"], good["angle"], good["error"]) == (200, 120, 90, None)
    assert good["text"] == "\n".join(line["text"] for line in good["lines"])
    assert {line["text"] for line in good["lines"]} == {"200,0,0", "0,0,200"}
    box = np.reshape(good["lines"][0]["box"], (4, 2))
    assert box.min() >= 0
    assert (box.max(axis=0) <= [200, 120]).all()
    assert rows[4]["lines"] == []
    assert rows[4]["text"] == ""
    assert bad["error"] == "not a picture in a known format"
    assert bad["lines"] is None
    assert rows[2]["error"] == "the file is empty"
    assert len(list(out.iterdir())) == 3


def test_second_run_reads_what_is_new(
    work: Callable[..., int], folder: Path, tmp_path: Path, bars: Image
) -> None:
    out = tmp_path / "out"
    work(folder / "sub", out)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    # What a killed run leaves: a half-written part, which no reader of the folder takes for one.
    (out / ".0123456789abcdef.part").write_bytes(b"PAR1 half")
    assert work(folder, out) == 1
    assert Counter((row["path"], row["page"]) for row in _rows(out)).most_common(1)[0][1] == 1
    assert len(_rows(out)) == 9
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before
    assert not (out / ".0123456789abcdef.part").exists()
    files = sorted(out.iterdir())
    assert work(folder, out) == 0
    assert sorted(out.iterdir()) == files


def test_a_full_disk_leaves_no_cut_part(
    work: Callable[..., int], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            work(folder, out)
    assert list(out.iterdir()) == []
    assert work(folder, out) == 1
    assert len(_rows(out)) == 9


def test_reading_a_part_again_replaces_it(folder: Path, tmp_path: Path, work: object) -> None:
    """What Ray does with a task whose machine was lost after it had written."""
    out = tmp_path / "out"
    parts.done_inputs(parts.find_place(str(out)))
    row = {"inputs": [str(folder / "a 图.png"), str(folder / "d.jpg")]}
    for _ in range(3):
        done = job.read_part(row, source=str(folder), target=str(out), models="small", angle=True)
        assert done == {"inputs": 2, "pages": 1, "errors": 1}
    assert len(_rows(out)) == 2


def test_failed_inputs_can_be_read_again(
    work: Callable[..., int], folder: Path, tmp_path: Path, bars: Image
) -> None:
    out = tmp_path / "out"
    assert work(folder, out) == 1
    PIL.Image.fromarray(bars).save(folder / "d.jpg", quality=30)
    assert work(folder, out) == 0
    assert work(folder, out, "--retry-failed") == 1
    rows = _rows(out)
    assert len(rows) == 9
    assert [Path(row["path"]).name for row in rows if row["error"]] == ["e.png"]


def test_inputs_of_a_bucket(
    bar_reader: Callable[[int], ocr.Reader], folder: Path, tmp_path: Path
) -> None:
    """A file system whose files are not files here; they are fetched, and named as in the bucket."""
    bucket = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    place = parts.Location(bucket, "in", "s3://")
    paths = parts.list_inputs(place)
    assert paths == ["in/a 图.png", "in/d.jpg", "in/e.png", "in/sub/b.tif", "in/sub/c.PDF"]
    rows = [
        row
        for path in [*paths, "in/gone.png"]
        for row in job.read_input(place, path, bar_reader(0))
    ]
    assert [row["path"] for row in rows[:3]] == [f"s3://{path}" for path in paths[:3]]
    assert [row["error"] for row in rows[1:3]] == [
        "not a picture in a known format",
        "the file is empty",
    ]
    assert "gone.png" in rows[-1]["error"]
    target = parts.Location(bucket, "out", "s3://")
    assert parts.done_inputs(target) == set()
    parts.write_part(target, "x", rows)
    assert parts.done_inputs(target) == {row["path"] for row in rows}
    parts.drop_failed(target)
    assert parts.done_inputs(target) == {row["path"] for row in rows if not row["error"]}


def test_local_addresses_become_absolute_paths() -> None:
    here = parts.find_place("some/folder")
    assert here.is_local
    assert here.path == str(Path("some/folder").resolve())
    assert parts.find_place(f"file://{ROOT}/") == parts.find_place(str(ROOT))
    assert here.name(os.fsdecode(b"\xff")) == "\\udcff"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["no/such/folder", "out"], "no pictures or PDFs"),
        (["nosuch://bucket/in", "out"], "nosuch"),
        (["in", "/dev/null/out"], "/dev/null"),
        (["in", "damaged"], "damaged/part-1.parquet"),
        (["in", "out", "--batch", "0"], "0"),
        (["in", "out", "--models", "no-such-model"], "no-such-model"),
    ],
)
@pytest.mark.usefixtures("folder", "work")
def test_wrong_arguments_exit_with_status_2(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "part-1.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SystemExit) as exit_:
        job.main(arguments)
    assert exit_.value.code == 2
    assert message in capfd.readouterr().err.splitlines()[-1]


_CLUSTER = """
import json, os, subprocess, sys, time
from pathlib import Path
from ray.cluster_utils import Cluster

source, out = map(Path, sys.argv[1:])
small = {"object_store_memory": 100_000_000}
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **small})
machines = [cluster.add_node(num_cpus=1, **small) for _ in range(2)]
command = [sys.executable, "-m", "ocr.bulk", source, out, "--batch", "2", "--address", cluster.address]

def parts():
    return len(list(out.glob("part-*.parquet")))

def wait_for(count, process):
    deadline = time.monotonic() + 60
    while parts() < count:
        assert process.poll() is None, "it ended too soon"
        assert time.monotonic() < deadline, "nothing is written"
        time.sleep(0.02)

# The program is killed, then started again; then one of the two machines is lost.
first = subprocess.Popen(command)
wait_for(2, first)
first.kill()
first.wait()
after_first = parts()
second = subprocess.Popen(command)
wait_for(after_first + 2, second)
cluster.remove_node(machines[1], allow_graceful=False)
lost_at = parts()
status = second.wait(60)
cluster.shutdown()
print(json.dumps({"status": status, "parts": [after_first, lost_at, parts()]}))
"""


@pytest.mark.slow
def test_cluster_that_loses_the_program_and_then_a_machine(tmp_path: Path) -> None:
    """Two machines on this one; every page is there once, whatever was being read or written."""
    pytest.importorskip("ray", reason="needs Ray: pip install -r requirements-bulk.txt")
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    with PIL.Image.open(ROOT / "test" / "data" / "page.png") as picture:
        page = picture.convert("L")
    expected = Counter()
    for number in range(22):
        path = source / f"{number:02}.png"
        page.save(path)
        expected[str(path), 0] += 1
    page.save(source / "many.tif", save_all=True, append_images=[page, page])
    expected.update((str(source / "many.tif"), number) for number in range(3))
    (source / "broken.jpg").write_text("no picture")
    expected[str(source / "broken.jpg"), None] += 1
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _CLUSTER, str(source), str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RAY_worker_niceness": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    after_first, lost_at, last = told["parts"]
    assert after_first < lost_at < last, told
    rows = _rows(out)
    assert Counter((row["path"], row["page"]) for row in rows) == expected
    assert [row["error"] for row in rows if row["error"]] == ["not a picture in a known format"]
    assert len({row["text"] for row in rows if row["error"] is None}) == 1
