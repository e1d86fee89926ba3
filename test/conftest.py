"""Fixtures that more than one test file uses, and the rule for development packages that are missing."""

from __future__ import annotations

import contextlib
import gc
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import PIL.ImageFont
import pytest

import demo
import ocr
from common.arrays import Image, Quads, Scores
from common.image import rotate_ccw
from common.quads import boxes_to_quads
from common.roles import Reading
from ocr import Reader
from ocr.formats.draw import find_font

# What a seed draws depends on the typefaces: tests see the system's alone, whether or not the library was fetched.
os.environ["OCR_FONTS_CACHE"] = str(Path(tempfile.gettempdir()) / f"ocr-test-fonts-{os.getuid()}")

# Networks of tests are tiny, and files are tested side by side: one thread each is fastest. The frameworks read
# these when they are imported.
for _variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_variable, "1")

DEVELOPMENT = frozenset(
    "torch keras tensorflow onnx onnxscript safetensors fontTools tensorboard scipy lmdb defusedxml"
    " google google_crc32c h5py opencc shapely fastapi starlette pydantic httpcore2 multipart"
    " prometheus_client uvicorn httpx2 playwright jsonschema ray pyarrow".split()
)
"""Modules that the requirements of training, web and tests bring, and those of the runtime do not."""


def _missing(error: BaseException | None) -> str | None:
    """Name the development package whose absence an error comes from; None if it is another error."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError):
            root = (error.name or "").split(".")[0]
            if root in DEVELOPMENT:
                return root
            if "pip install -r requirements" in str(error):
                return str(error).split(" needs ")[-1].split(":")[0]
        error = error.__cause__
    return None


def _skip(missing: str, *, module: bool = False) -> None:
    reason = f"needs {missing}: sh setup-cpu.sh --dev"
    pytest.skip(reason, allow_module_level=module)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while test files are imported: looking for it took 5 of 18 seconds, and there is none.

    What is there afterwards stays to the end, so later collections need not look at it either.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


class _Module(pytest.Module):
    """A test file: skipped where it, or what it imports, needs a package that is not installed."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        try:
            return list(super().collect())
        except self.CollectError as error:
            if missing := _missing(error):
                _skip(missing, module=True)
            raise


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    return _Module.from_parent(parent, path=module_path)


@contextlib.contextmanager
def _skipping() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if missing := _missing(error):
            _skip(missing)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, None, None]:
    with _skipping():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    with _skipping():
        return (yield)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def chinese_font() -> Callable[[int], PIL.ImageFont.FreeTypeFont]:
    """Opens a font with Chinese characters at a size in pixels: one file, where a library reads all that there are."""

    def at(size: int) -> PIL.ImageFont.FreeTypeFont:
        font = find_font(size)
        if font is None:
            pytest.skip("no Chinese font on this system")
        return font

    return at


@pytest.fixture(scope="session")
def patch_batch() -> Callable[[int], dict[str, np.ndarray]]:
    """Makes batches of an angle training: patches bright at their upper edge, the last one of which shows nothing."""

    def make(index: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(index)
        values = rng.normal(0, 0.3, (3 + index % 2, 1, 32, 32)).astype(np.float32)
        values[:, :, :8] += 2
        known = np.ones(len(values), np.bool_)
        known[-1] = False
        return {"patches": values, "known": known}

    return make


def _find_bars(image: Image) -> tuple[Quads, Scores]:
    """A detector for pages of colored bars: one box for each color but white."""
    packed = image.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    boxes = []
    for color in np.unique(packed):
        if min(int(color).to_bytes(3)) >= 250:
            continue
        rows, columns = np.nonzero(packed == color)
        boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    quads = boxes_to_quads(np.array(boxes, np.float32).reshape(-1, 4))
    return quads, np.ones(len(quads), np.float32)


def _read_bars(crops: Sequence[Image]) -> list[Reading]:
    """A recognizer that reads a bar's middle color as text; white reads as nothing."""
    readings = []
    for crop in crops:
        color = crop[crop.shape[0] // 2, crop.shape[1] // 2]
        white = bool((color > 250).all())
        readings.append(Reading("" if white else ",".join(map(str, color.tolist())), 0.5))
    return readings


@pytest.fixture
def bar_reader() -> Callable[[int], Reader]:
    """Makes a reader of colored bars whose classifier says a number of degrees."""
    return lambda degrees=0: Reader(_find_bars, _read_bars, lambda image: (degrees, 0.9995))


@pytest.fixture(scope="session")
def shipped_reader() -> ocr.Reader:
    """The shipped models on one thread, loaded once; without their weights these tests fail."""
    return ocr.load(threads=1)


@pytest.fixture
def bars() -> Image:
    """A white page 120 high and 200 wide with two bars, the red one above the blue one."""
    page = np.full((120, 200, 3), 255, np.uint8)
    page[10:30, 20:120] = (200, 0, 0)
    page[50:70, 20:180] = (0, 0, 200)
    return page


@pytest.fixture
def turned() -> Callable[[Image, int], Image]:
    """Turns a picture clockwise, as a page whose content is turned by those degrees."""
    return lambda image, degrees: np.ascontiguousarray(rotate_ccw(image, -degrees % 360))


@pytest.fixture(scope="session")
def write_white_png() -> Callable[..., Path]:
    """Writes a white picture of any (height, width), RGB or grey, without holding it in memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    def deflated(content: bytes, flush: int = zlib.Z_FULL_FLUSH) -> bytes:
        packer = zlib.compressobj(1, wbits=-15)
        return packer.compress(content) + packer.flush(flush)

    def write(path: Path, size: tuple[int, int], *, rgb: bool = True) -> Path:
        height, width = size
        header = struct.pack(">IIBBBBB", width, height, 8, 2 if rgb else 0, 0, 0, 0)
        row = b"\0" + b"\xff" * (width * (3 if rgb else 1))
        many = max(1, (1 << 20) // len(row))
        whole, rest = divmod(height, many)
        # A flushed block stands by itself: it is compressed once, and repeated.
        checksum = 1
        for _ in range(whole):
            checksum = zlib.adler32(row * many, checksum)
        checksum = zlib.adler32(row * rest, checksum)
        pixels = b"\x78\x01" + deflated(row * many) * whole + deflated(row * rest, zlib.Z_FINISH)
        pixels += checksum.to_bytes(4)
        chunks = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
        return path

    return write


@pytest.fixture(scope="session")
def huge_png(
    tmp_path_factory: pytest.TempPathFactory, write_white_png: Callable[..., Path]
) -> Path:
    """A valid picture of 400 megapixels."""
    path = tmp_path_factory.mktemp("huge") / "huge.png"
    return write_white_png(path, (20000, 20000), rgb=False)


@pytest.fixture
def bar_demo(
    bar_reader: Callable[[int], ocr.Reader], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """The command line with a reader of colored bars."""
    monkeypatch.setattr(ocr, "load", lambda *args, **options: bar_reader(0))
    return lambda *arguments: demo.main([str(argument) for argument in arguments])
