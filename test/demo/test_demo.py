"""The command line: outputs, exit statuses, bad inputs; and the shipped models end to end."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import demo
import ocr
from common.arrays import Image
from ocr.settings import Retry

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "test" / "data" / "page.png"
TEXT = "200,0,0\n0,0,200\n"


@pytest.fixture
def folder(tmp_path: Path, bars: Image, huge_png: Path) -> Path:
    """A folder with good pictures and broken files between them."""
    folder = tmp_path / "in"
    folder.mkdir()
    picture = PIL.Image.fromarray(bars)
    picture.save(folder / "a.png")
    picture.save(folder / "z.png")
    (folder / "b-empty.jpg").touch()
    (folder / "c-text.jpg").write_text("not a picture")
    stream = io.BytesIO()
    PIL.Image.effect_noise((200, 200), 90).save(stream, "JPEG")
    (folder / "d-truncated.jpg").write_bytes(stream.getvalue()[:2000])
    (folder / "e-huge.png").symlink_to(huge_png)
    return folder


@pytest.fixture
def good(folder: Path) -> Path:
    return folder / "a.png"


def test_text_goes_to_stdout_and_messages_to_stderr(
    bar_demo: Callable[..., int], good: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert bar_demo(good) == 0
    out, err = capfd.readouterr()
    assert out == TEXT
    assert err.startswith(f"demo.py: {good}: 2 lines, ")
    assert bar_demo(good, "--quiet") == 0
    assert capfd.readouterr() == (TEXT, "")


def test_blank_page_exits_with_status_0(
    bar_demo: Callable[..., int], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for size in ((60, 40), (1, 1), (1, 5000)):
        path = tmp_path / "blank.png"
        PIL.Image.new("L", size, 255).save(path)
        assert bar_demo(path, "--quiet") == 0
        assert capfd.readouterr() == ("", "")
        assert bar_demo(path, "--quiet", "--json", "-") == 0
        assert json.loads(capfd.readouterr().out)["lines"] == []


def test_one_failure_never_loses_another_result(
    bar_demo: Callable[..., int],
    folder: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    missing = tmp_path / "missing.png"
    out, results = tmp_path / "out", tmp_path / "pages.jsonl"
    status = bar_demo(missing, folder, "--quiet", "--json", results, "-o", out, "-f", "txt")
    assert status == 1
    text, errors = capfd.readouterr()
    assert text == f"{TEXT}\n{TEXT}"
    names = [missing, *sorted(folder.iterdir())[1:-1]]
    lines = errors.splitlines()
    assert len(lines) == len(names)
    for line, name in zip(lines, names, strict=True):
        assert line.startswith(f"demo.py: error: {name}: ")
    pages = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert [page["image"] for page in pages] == [str(folder / "a.png"), str(folder / "z.png")]
    assert sorted(path.name for path in out.iterdir()) == ["a.txt", "z.txt"]


def test_paths_are_reported_as_given(
    bar_demo: Callable[..., int],
    good: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(good.parent)
    bar_demo("./a.png", "../in/a.png", "--json", "-", "--quiet")
    pages = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [page["image"] for page in pages] == ["./a.png", "../in/a.png"]


def test_output_folder_gets_text_json_and_drawing(
    bar_demo: Callable[..., int], good: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "out"
    assert bar_demo(good, "-o", out, "--draw") == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.drawn.png", "a.json", "a.txt"]
    assert (out / "a.txt").read_text("utf-8") == TEXT
    assert json.loads((out / "a.json").read_text("utf-8"))["width"] == 200
    with PIL.Image.open(out / "a.drawn.png") as drawn:
        assert drawn.size == (400, 120)


def test_outputs_of_equal_names_are_all_kept(
    bar_demo: Callable[..., int], good: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("a.png", "A.bmp"):
        PIL.Image.new("RGB", (9, 9), "white").save(other / name)
    out = tmp_path / "out"
    assert bar_demo(good, other, "-o", out, "-f", "txt", "--quiet") == 0
    assert len(list(out.iterdir())) == 3
    assert (out / "a.txt").read_text("utf-8") == TEXT


def test_drawing_never_replaces_the_input(bar_demo: Callable[..., int], good: Path) -> None:
    before = good.read_bytes()
    assert bar_demo(good, "-o", good.parent, "--draw") == 0
    assert good.read_bytes() == before


def test_document_of_several_pages_has_text_json_and_drawings_of_each(
    bar_demo: Callable[..., int],
    bars: Image,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path, out = tmp_path / "a.tif", tmp_path / "out"
    frames = [PIL.Image.fromarray(page) for page in (bars, np.full_like(bars, 255), bars)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert bar_demo(path, "-o", out, "--draw", "--quiet") == 0
    assert capfd.readouterr().out == f"{TEXT}\n{TEXT}"
    assert (out / "a.txt").read_text("utf-8") == f"{TEXT}\f\f{TEXT}"
    assert len((out / "a.json").read_text("utf-8").splitlines()) == 3
    assert {path.name for path in out.glob("*.png")} == {
        "a.drawn.png",
        "a.p1.drawn.png",
        "a.p2.drawn.png",
    }


def test_a_page_that_could_not_be_drawn_is_drawn_by_the_next_run(
    bar_demo: Callable[..., int], bars: Image, tmp_path: Path
) -> None:
    path, out = tmp_path / "a.tif", tmp_path / "out"
    frames = [PIL.Image.fromarray(bars) for _ in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    (out / "a.p1.drawn.png").mkdir(parents=True)  # in its place nothing can be written
    assert bar_demo(path, "-o", out, "--draw", "--quiet") == 1
    assert (out / "a.drawn.png").is_file() and (out / "a.txt").is_file()
    (out / "a.p1.drawn.png").rmdir()
    assert bar_demo(path, "-o", out, "--draw", "--quiet", "--resume") == 0
    assert (out / "a.p1.drawn.png").is_file()


def test_internal_error_on_one_page_keeps_the_others(
    bar_reader: Callable[[int], ocr.Reader],
    good: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    reader, calls = bar_reader(0), []
    read_page = reader.read_page

    def fail_once(*args: object, **options: object) -> ocr.Page:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a defect")
        return read_page(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(reader, "read_page", fail_once)
    monkeypatch.setattr(ocr, "load", lambda *args, **options: reader)
    assert demo.main([str(good), str(good)]) == 1
    out, err = capfd.readouterr()
    assert out == TEXT
    assert f"error: {good}: internal error: RuntimeError('a defect')" in err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a.png", "--no-such-option"],
        ["a.png", "--draw"],
        ["a.png", "-f", "txt"],
        ["a.png", "-o", "out", "-f", "txt,doc"],
        ["a.png", "-o", "out", "-f", ""],
        ["a.png", "--threads", "0"],
        ["a.png", "--threads", "two"],
        ["a.png", "--device", "tpu"],
        ["a.png", "--json", "no/such/folder/x.jsonl"],
        ["a.png", "-o", "/dev/null/out"],
        ["a.png", "--detector", "no-such-model"],
        ["a.png", "--models", "no-such-model"],
        ["a.png", "--allowed", ""],
    ],
)
def test_wrong_arguments_exit_with_status_2(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        demo.main(arguments)
    assert exit_.value.code == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("demo.py: error: ")


def test_options_reach_the_reader(
    good: Path, monkeypatch: pytest.MonkeyPatch, bar_reader: Callable[[int], ocr.Reader]
) -> None:
    seen: dict[str, object] = {}

    def load(models: str, **options: object) -> ocr.Reader:
        seen.update(options, models=models)
        return bar_reader(90)

    monkeypatch.setattr(ocr, "load", load)
    arguments = ["--models", "m", "--angle", "a", "--detector", "d", "--recognizer", "r"]
    arguments += ["--no-angle", "--vertical", "--quiet", "--set", "retry.below_score=0.9"]
    assert demo.main([str(good), *arguments]) == 0
    expected = {"models": "m", "angle": "a", "detector": "d", "recognizer": "r"}
    expected |= {"spotter": None, "decode": None, "lexicon": None}  # type: ignore[dict-item]
    expected |= {"allowed": None, "languages": None}  # type: ignore[dict-item]
    expected["settings"] = ocr.Settings(retry=Retry(below_score=0.9))  # type: ignore[assignment]
    assert seen == expected | {"device": "cpu", "threads": None, "vertical": True}


@pytest.mark.parametrize("option", ["--no-angle", "--single-line"])
def test_no_angle_and_single_line_skip_classifier_and_detector(
    option: str,
    good: Path,
    bar_reader: Callable[[int], ocr.Reader],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ocr, "load", lambda *args, **options: bar_reader(90))
    PIL.Image.new("RGB", (200, 40), "navy").save(good)
    demo.main([str(good), option, "--json", "-", "--quiet"])
    page = json.loads(capfd.readouterr().out)
    assert page["angle"] == {"degrees": 0, "score": 1.0}
    assert page["lines"][0]["box"] == [[0, 0], [200, 0], [200, 40], [0, 40]]


def test_example_page_is_read(shipped_reader: ocr.Reader) -> None:
    """The text is checked loosely: a better model may read a character more."""
    truth = (PAGE.with_suffix(".txt")).read_text("utf-8")
    page = shipped_reader.read(PAGE)
    assert page.angle.degrees == 0
    found, wanted = sorted(page.text.replace(" ", "")), sorted("".join(truth.split()))
    assert abs(len(found) - len(wanted)) <= 0.1 * len(wanted)


@pytest.mark.parametrize(
    "degrees", [90, *(pytest.param(turn, marks=pytest.mark.slow) for turn in (180, 270))]
)
def test_turned_example_page_is_read_upright(
    shipped_reader: ocr.Reader, turned: Callable[[Image, int], Image], degrees: int
) -> None:
    with PIL.Image.open(PAGE) as picture:
        image = np.asarray(picture.convert("RGB"))
    page = shipped_reader.read(turned(image, degrees))
    assert page.angle.degrees == degrees
    assert page.text.split()[0] == PAGE.with_suffix(".txt").read_text("utf-8").split()[0]


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (300, 200)])
def test_shipped_models_find_nothing_on_blank_pages(
    shipped_reader: ocr.Reader, size: tuple[int, int]
) -> None:
    for shade in (0, 255):
        page = shipped_reader.read(PIL.Image.new("L", size, shade))
        assert page.lines == ()
        assert page.angle.degrees == 0


@pytest.mark.slow
def test_readme_command_works() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "demo.py", str(PAGE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.slow
def test_largest_picture_stays_within_memory(
    tmp_path: Path, write_white_png: Callable[..., Path]
) -> None:
    """119 megapixels, drawn too: everything that holds a copy of the picture."""
    path = write_white_png(tmp_path / "large.png", (9900, 12000))
    code = (
        "import demo, re, sys\n"
        "from pathlib import Path\n"
        "status = demo.main(sys.argv[1:])\n"
        # Not ru_maxrss, which starts at that of the process that runs the tests.
        "memory = Path('/proc/self/status').read_text()\n"
        "print(status, re.search(r'VmHWM:\\s*(\\d+)', memory).group(1))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), "-o", str(tmp_path), "--draw"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    status, kilobytes = map(int, done.stdout.splitlines()[-1].split())
    assert status == 0, done.stderr
    assert kilobytes < 1_500_000
