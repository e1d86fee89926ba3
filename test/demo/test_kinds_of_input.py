"""What users give: pipes, lists of Windows, folders with other files, parts of pictures, HEIC, high-resolution PDFs."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest

import demo
import ocr
from common.arrays import Image
from common.image import InputError
from ocr.files.documents import pages
from ocr.files.page_images import pictures_of
from ocr.models import reads_chinese
from ocr.page.regions import Region, parse_region

ROOT = Path(__file__).resolve().parents[2]
TEXT = "200,0,0\n0,0,200\n"


@pytest.fixture
def good(tmp_path: Path, bars: Image) -> Path:
    path = tmp_path / "a.png"
    PIL.Image.fromarray(bars).save(path)
    return path


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    return lambda content: monkeypatch.setattr(
        sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content))
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_lists_of_paths_with_bom_and_crlf_are_read(
    bar_demo: Callable[..., int],
    tmp_path: Path,
    good: Path,
    stdin: Callable[[bytes], None],
    capfd: pytest.CaptureFixture[str],
    encoding: str,
) -> None:
    chinese = tmp_path / "图片.png"
    chinese.write_bytes(good.read_bytes())
    stdin(f"{good}\r\n{chinese}\r\n".encode(encoding))
    assert bar_demo("-", "--quiet") == 0
    assert capfd.readouterr().out == f"{TEXT}\n{TEXT}"


def test_picture_on_stdin_is_read(
    bar_demo: Callable[..., int],
    tmp_path: Path,
    good: Path,
    stdin: Callable[[bytes], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    stdin(good.read_bytes())
    out = tmp_path / "out"
    assert bar_demo("--stdin-image", "--quiet", "-o", out, "-f", "txt,pdf", "--json", "-") == 0
    assert json.loads(capfd.readouterr().out)["image"] == "stdin"
    assert (out / "stdin.txt").read_text() == TEXT
    assert (out / "stdin.pdf").read_bytes().startswith(b"%PDF-")
    stdin(b"")
    assert bar_demo("--stdin-image", "--quiet") == 1
    assert capfd.readouterr().err == "demo.py: error: stdin: no data\n"


@contextlib.contextmanager
def _piped(path: Path, content: bytes) -> Iterator[Path]:
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(content,))
    writer.start()
    yield path
    writer.join(30)


def test_named_pipes_are_read_once(
    bar_demo: Callable[..., int], tmp_path: Path, good: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with _piped(tmp_path / "pipe", good.read_bytes()) as pipe:
        assert bar_demo(pipe, good, "--quiet", "-o", out, "-f", "txt,labels") == 0
    assert capfd.readouterr().out == f"{TEXT}\n{TEXT}"
    assert (out / "pipe.txt").read_text() == TEXT
    assert (out / "labels.jsonl").read_text("utf-8").count("\n") == 2


def test_no_input_or_two_uses_of_stdin_are_bad_usage(bar_demo: Callable[..., int]) -> None:
    for arguments in ([], ["-", "--stdin-image"], ["a.png", "--languages", "de"]):
        with pytest.raises(SystemExit) as stop:
            bar_demo(*arguments)
        assert stop.value.code == 2


def test_folders_say_what_they_left_out(
    bar_demo: Callable[..., int], good: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (good.parent / "b.svg").touch()
    (good.parent / ".hidden.svg").touch()
    assert bar_demo(good.parent) == 0
    assert f"{good.parent}: 1 file of other kinds left out: b.svg\n" in capfd.readouterr().err


def test_heic_without_its_decoder_says_what_to_install(
    bar_demo: Callable[..., int],
    good: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (good.parent / "b.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert bar_demo(good.parent, "--quiet") == 1
    out, err = capfd.readouterr()
    assert out == TEXT
    assert "b.heic: a HEIC picture" in err
    assert "requirements-heic.txt" in err


def test_heic_pictures_are_read(
    bar_demo: Callable[..., int], good: Path, capfd: pytest.CaptureFixture[str], bars: Image
) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pip install -r requirements-heic.txt")
    path = good.with_name("c.heic")
    heif.from_pillow(PIL.Image.fromarray(bars)).save(path, quality=-1)
    assert bar_demo(path, "--quiet", "--json", "-") == 0
    page = json.loads(capfd.readouterr().out)
    assert (page["width"], page["height"]) == (200, 120)


def test_open_files_are_read(bar_reader: Callable[[int], ocr.Reader], good: Path) -> None:
    reader = bar_reader(0)
    assert f"{reader.read(io.BytesIO(good.read_bytes())).text}\n" == TEXT
    with good.open("rb") as stream:
        page = reader.read(stream)
    assert (page.image, f"{page.text}\n") == (str(good), TEXT)
    with pytest.raises(InputError, match="binary mode"):
        reader.read(io.StringIO("text"))  # type: ignore[arg-type]


def test_characters_option_adds_all_character_boxes(
    bar_reader: Callable[[int], ocr.Reader], good: Path
) -> None:
    assert not bar_reader(0).read(good).lines[0].characters
    line = bar_reader(0).read(good, characters=True).lines[0]
    assert "".join(character.text for character in line.characters) == line.text


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_lines_of_regions_have_boxes_in_the_whole_picture(
    bar_reader: Callable[[int], ocr.Reader],
    turned: Callable[[Image, int], Image],
    bars: Image,
    degrees: int,
) -> None:
    reader, page = bar_reader(degrees), turned(bars, degrees)
    whole = reader.read(page)
    assert len(whole.lines) == 2
    height, width = page.shape[:2]
    first, second = (np.array(line.box) for line in whole.lines)
    regions = [(*(box.min(axis=0) - 2), *(np.ptp(box, axis=0) + 4)) for box in (second, first)]
    read = reader.read(page, region=regions)
    assert (read.width, read.height, read.angle.degrees) == (width, height, degrees)
    assert [line.text for line in read.lines] == [whole.lines[1].text, whole.lines[0].text]
    np.testing.assert_allclose(read.lines[0].box, second, atol=1)
    shares = [(x / width, y / height, w / width, h / height) for x, y, w, h in regions]
    assert reader.read(page, region=shares).text == read.text
    with pytest.raises(InputError, match="has nothing of a picture"):
        reader.read(page, region=[(900, 0, 5, 5)])


def test_region_option_limits_what_is_read(
    bar_demo: Callable[..., int], good: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--region", "0,0.33,1,.5", "--region", "0,0,200,40", "--no-angle"]
    assert bar_demo(good, *options, "--quiet") == 0
    assert capfd.readouterr().out == "0,0,200\n200,0,0\n"
    for wrong in ("1,2,3", "0,0,0,5", "a,b,c,d", "-1,0,5,5"):
        with pytest.raises(SystemExit) as stop:
            bar_demo(good, f"--region={wrong}")
        assert stop.value.code == 2
    assert parse_region(" .5, 0 ,1,1 ") == Region(0.5, 0, 1, 1)


def test_languages_say_whether_there_is_chinese() -> None:
    assert reads_chinese(["zh", "en"]) and reads_chinese("zh") and not reads_chinese("en")
    for wrong in ([], ["fr"]):
        with pytest.raises(ValueError, match="expected some of zh, en"):
            reads_chinese(wrong)


@pytest.mark.parametrize(
    ("dpi", "inches", "expected"),
    [(72.0, 3.0, 200.0), (300.0, 3.0, 300.0), (1200.0, 2.0, 1200.0), (1200.0, 8.0, 500.0)],
)
def test_scans_in_pdfs_keep_their_resolution(
    bar_reader: Callable[[int], ocr.Reader],
    tmp_path: Path,
    dpi: float,
    inches: float,
    expected: float,
) -> None:
    """But a page is drawn to 4 000 pixels at most for the sake of its pictures."""
    path = tmp_path / "a.pdf"
    side = round(dpi * inches)
    PIL.Image.new("L", (side, side // 2), 255).save(path, resolution=dpi)
    page = bar_reader(0).read(path)
    assert page.width == pytest.approx(expected * inches, rel=0.01)
    assert pictures_of(path)(page).dpi == pytest.approx(expected, rel=0.01)


def test_a_small_logo_does_not_enlarge_the_page(tmp_path: Path) -> None:
    import pypdfium2
    import pypdfium2.raw as pdfium

    logo = tmp_path / "logo.jpg"
    PIL.Image.new("RGB", (600, 600)).save(logo)
    document = pypdfium2.PdfDocument.new()
    page = document.new_page(595, 842)
    image = pypdfium2.PdfImage.new(document)
    image.load_jpeg(logo)
    image.set_matrix(pypdfium2.PdfMatrix().scale(72, 72))
    page.insert_obj(image)
    page.gen_content()
    assert pdfium.FPDFPage_CountObjects(page) == 1
    document.save(tmp_path / "a.pdf")
    document.close()
    widths = [decode().shape[1] for _, decode in pages(tmp_path / "a.pdf")]
    assert widths == [pytest.approx(595 / 72 * 200, abs=2)]


def test_missing_libraries_are_named_with_the_setup_command(good: Path) -> None:
    code = "import sys; sys.modules['cv2'] = None; import demo"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "sh setup-cpu.sh" in done.stderr


@pytest.mark.parametrize(
    ("more", "noise"), [(["--quiet"], False), pytest.param([], True, marks=pytest.mark.slow)]
)
def test_libraries_are_silent_with_quiet(
    tmp_path: Path, bars: Image, more: list[str], noise: bool
) -> None:
    """libtiff warns of tags that it does not know, on a descriptor that Python does not see."""
    path = tmp_path / "a.tif"
    PIL.Image.fromarray(bars).save(path, compression="tiff_lzw", tiffinfo={40000: 5})
    code = (
        "import os, sys, runpy\n"
        "import numpy as np, ocr\n"
        "def detect(image):\n"
        "    os.write(2, b'TIFFReadDirectory: Warning\\n')\n"
        "    return np.zeros((0, 4, 2), np.float32), np.zeros(0)\n"
        "ocr.load = lambda *a, **o: ocr.Reader(detect, lambda crops: [])\n"
        "sys.argv = ['demo.py', *sys.argv[1:]]\n"
        "runpy.run_path('demo.py', run_name='__main__')\n"
    )
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "none.png")]
    done = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert ("TIFFReadDirectory" in done.stderr) == noise
    assert f"error: {tmp_path / 'none.png'}: no such file" in done.stderr


@pytest.mark.slow
def test_package_works_from_a_script_in_another_folder(tmp_path: Path) -> None:
    """As docs/command-line.md says: the repository on PYTHONPATH is all that a script needs."""
    script = tmp_path / "read.py"
    script.write_text("import ocr\nprint(len(ocr.load(threads=1).read('a.png').lines))\n")
    PIL.Image.new("L", (60, 40), 255).save(tmp_path / "a.png")
    done = subprocess.run(
        [sys.executable, "read.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_clips_beside_pictures_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, picture = tmp_path / "a.mp4", tmp_path / "b.png"
    clip.write_bytes(b"")
    assert demo.main([str(clip), str(picture), "--json", "-"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        f"demo.py: error: {picture} is no clip: read it by a call of its own\n",
    )
