"""Loading: every kind of picture gives the pixels a viewer shows, every other input one line."""

from __future__ import annotations

import io
import threading
import warnings
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from common.arrays import Image
from common.image import InputError, load, rotate_ccw


@pytest.fixture
def noise(rng: np.random.Generator) -> Image:
    return rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)


def _encoded(picture: PIL.Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _gradient16() -> PIL.Image.Image:
    return PIL.Image.fromarray(np.linspace(0, 65535, 2400).reshape(40, 60).astype(np.uint16))


def test_every_kind_of_source_gives_the_same(noise: Image, tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    path.write_bytes(_encoded(PIL.Image.fromarray(noise)))
    sources = (path, str(path), path.read_bytes(), PIL.Image.open(path), noise)
    for source in sources:
        image = load(source)
        assert np.array_equal(image, noise)
        assert image.dtype == np.uint8
        assert image.flags.c_contiguous


def test_rgb_array_is_not_copied(noise: Image) -> None:
    assert load(noise) is noise or np.shares_memory(load(noise), noise)


def test_strided_arrays_become_contiguous(noise: Image) -> None:
    image = load(noise[::-1, ::2])
    assert image.flags.c_contiguous
    assert np.array_equal(image, noise[::-1, ::2])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_exif_orientations(noise: Image, orientation: int, kind: str) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = _encoded(PIL.Image.fromarray(noise), kind, exif=exif, **options)
    shown = np.asarray(PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(data))))
    assert np.array_equal(load(data), shown)
    assert np.array_equal(load(PIL.Image.open(io.BytesIO(data))), shown)
    assert load(data).flags.c_contiguous


@pytest.mark.parametrize("orientation", [0, 9, 4000])
def test_invalid_exif_orientation_is_ignored(noise: Image, orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(load(_encoded(PIL.Image.fromarray(noise), exif=exif)), noise)


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    image = load(_encoded(_gradient16()))
    assert (image[0, 0, 0], image[-1, -1, 0]) == (0, 255)
    assert abs(int(image[20, 0, 0]) - 127) <= 2
    assert len(np.unique(image)) == 256


@pytest.mark.parametrize("white", [255, 1023, 4095, 65535])
def test_sixteen_bit_grey_of_few_values_is_scaled_by_what_it_holds(white: int) -> None:
    """Scanners store 10 and 12 bits in 16: white must still come out white."""
    deep = np.full((5, 5), white, np.uint16)
    assert (load(deep) == 255).all()
    assert (load(PIL.Image.fromarray(deep)) == 255).all()


def test_float_and_signed_tiff() -> None:
    values = np.linspace(-1, 1, 20, dtype=np.float32).reshape(4, 5)
    values[0, 1] = np.nan
    image = load(_encoded(PIL.Image.fromarray(values), "TIFF"))
    assert (image[0, 0, 0], image[-1, -1, 0]) == (0, 255)
    signed = PIL.Image.fromarray(np.array([[0, 70000]], np.int32))
    assert load(_encoded(signed, "TIFF"))[0].tolist() == [[0] * 3, [255] * 3]


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_text_on_a_transparent_ground_stays_visible(ink: int, mode: str) -> None:
    rgba = np.zeros((20, 60, 4), np.uint8)
    rgba[5:15, 10:50] = (ink, ink, ink, 255)
    picture = PIL.Image.fromarray(rgba).convert(mode)
    image = load(_encoded(picture))
    assert (image[10, 30] == ink).all()
    assert (image[0, 0] == 255 - ink).all()
    assert np.array_equal(load(rgba), image)


def test_half_transparent_pixels_are_mixed_with_the_ground() -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[..., 3] = 128
    assert abs(int(load(rgba)[0, 0, 0]) - 127) <= 1


def test_opaque_alpha_changes_nothing(noise: Image) -> None:
    opaque = np.dstack([noise, np.full(noise.shape[:2], 255, np.uint8)])
    assert np.array_equal(load(opaque), noise)
    assert np.array_equal(load(_encoded(PIL.Image.fromarray(opaque))), noise)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGBA"])
def test_every_strip_of_a_large_picture_is_converted(mode: str) -> None:
    """2.4 million pixels are more than one strip."""
    grey = np.random.default_rng(3).integers(0, 256, (1200, 2000), np.uint8)
    picture = PIL.Image.fromarray(grey).convert(mode)
    expected = np.asarray(picture.convert("RGB"))
    assert np.array_equal(load(picture), expected)


def test_palette_with_and_without_transparency(noise: Image) -> None:
    palette = PIL.Image.fromarray(noise).quantize(16)
    assert np.array_equal(load(_encoded(palette)), np.asarray(palette.convert("RGB")))
    marked = PIL.Image.new("P", (8, 8), 1)
    marked.putpalette([0, 0, 0, 10, 20, 30])
    marked.putpixel((0, 0), 0)
    image = load(_encoded(marked, transparency=0))
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[1, 1].tolist() == [10, 20, 30]


@pytest.mark.parametrize(
    "mode",
    ["1", "L", "LA", "La", "RGBA", "RGBa", "RGBX", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV", "F",
     "I", "I;16", "I;16B"],
)  # fmt: skip
def test_every_mode_gives_rgb(mode: str) -> None:
    image = load(PIL.Image.new(mode, (7, 5)))
    assert image.shape == (5, 7, 3)
    assert image.dtype == np.uint8


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P"])
def test_transparent_color_of_png(mode: str) -> None:
    data = _encoded(PIL.Image.new(mode, (8, 8)), transparency=(0, 0, 0) if mode == "RGB" else 0)
    assert (load(data) == 255).all()


def test_cmyk_jpeg_is_not_inverted() -> None:
    """Adobe stores CMYK inverted; white paper must stay white."""
    paper = PIL.Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    assert load(_encoded(paper, "JPEG")).min() >= 250
    assert load(_encoded(PIL.Image.new("CMYK", (16, 16), (0, 0, 0, 255)), "JPEG")).max() <= 5


def test_first_frame_of_an_animation() -> None:
    frames = [PIL.Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    data = _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert load(data)[4, 4].tolist() == [255, 0, 0]


def test_one_bit_pictures_become_rgb() -> None:
    bits = np.zeros((4, 4), bool)
    bits[0] = True
    assert load(bits)[:, 0, 0].tolist() == [255, 0, 0, 0]
    assert np.array_equal(load(_encoded(PIL.Image.fromarray(bits))), load(bits))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_thin_and_tiny_pictures_are_loaded(size: tuple[int, int]) -> None:
    assert load(_encoded(PIL.Image.new("L", size))).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotation_counter_clockwise(noise: Image, degrees: int) -> None:
    turned = rotate_ccw(noise, degrees)
    assert np.array_equal(turned, np.rot90(noise, degrees // 90))
    assert turned.flags.c_contiguous


def _one_line(error: pytest.ExceptionInfo[InputError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"just some text", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", ": "),
        (b"\xff\xd8\xff\xe0", ": "),
        (b"GIF89a", ": "),
        (b"II*\0\x08\0\0\0", ": "),
        (b"RIFF\0\0\0\0WEBP", ": "),
        (b"BM" + bytes(60), ": "),
        (bytes(5000), "not a picture"),
    ],
)
def test_broken_files_are_named(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as error:
        load(path)
    assert _one_line(error).startswith(f"{path}: ")
    with pytest.raises(InputError, match="<bytes>: "):
        load(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "JPEG2000"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_truncated_files_are_errors(noise: Image, kind: str, share: float) -> None:
    data = _encoded(PIL.Image.fromarray(np.tile(noise, (4, 4, 1))), kind)
    with pytest.raises(InputError) as error:
        load(data[: int(len(data) * share)])
    _one_line(error)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP"])
def test_flipped_bytes_give_a_picture_or_an_error(
    noise: Image, kind: str, rng: np.random.Generator
) -> None:
    data = _encoded(PIL.Image.fromarray(noise), kind)
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(0, min(len(data), 400), 3):
            damaged[place] = rng.integers(0, 256)
        try:
            image = load(bytes(damaged), max_pixels=1_000_000)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert image.ndim == 3


def test_missing_file_raises_input_error_and_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "nothing.png")
    with pytest.raises(FileNotFoundError):
        load(str(tmp_path / "nothing.png"))


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000])
def test_paths_that_cannot_exist_are_input_errors(name: str) -> None:
    with pytest.raises(InputError):
        load(name)


def test_error_messages_show_odd_names_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "two\nlines.png"
    path.write_bytes(b"no picture")
    with pytest.raises(InputError) as error:
        load(path)
    assert "two\\nlines.png" in _one_line(error)


def test_folder_in_place_of_a_picture_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a file"):
        load(tmp_path)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((5, 5, 3)),
        np.zeros((5, 5, 3), np.int64),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((5, 5, 2), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((1, 5, 5, 3), np.uint8),
    ],
)
def test_arrays_of_wrong_shape_or_type_are_refused(array: np.ndarray) -> None:
    with pytest.raises(InputError, match="array"):
        load(array)


def test_other_objects_are_type_errors() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        load(None)  # type: ignore[arg-type]


def test_size_is_checked_before_decoding(huge_png: Path) -> None:
    with pytest.raises(InputError, match="400 megapixels, more than the limit of 120"):
        load(huge_png)


def test_pixel_limit_can_be_set(noise: Image) -> None:
    data = _encoded(PIL.Image.fromarray(noise))
    assert load(data, max_pixels=2400).shape == noise.shape
    for source in (data, noise, PIL.Image.fromarray(noise)):
        with pytest.raises(InputError, match="megapixels"):
            load(source, max_pixels=2399)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_pillows_own_limit_neither_warns_nor_refuses(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow warns from a limit on and refuses at twice that; warnings are errors here."""
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    for side in (40, 200):
        data = _encoded(PIL.Image.new("L", (side, side)), kind)
        assert load(data).shape == (side, side, 3)


def test_loading_restores_settings_of_pillow() -> None:
    limit, filters = PIL.Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    data = _encoded(PIL.Image.new("L", (300, 300)))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(30):
                load(data)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert limit == PIL.Image.MAX_IMAGE_PIXELS
    assert warnings.filters == filters
