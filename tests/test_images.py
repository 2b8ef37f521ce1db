"""Whatever the file, `read_image` gives upright RGB or one error that names the file."""

import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from onedheat.data import images
from onedheat.data.images import ImageError, as_rgb, read_image

# No two of its mirrored and turned versions are equal, and 8 × 8 blocks survive JPEG.
BLOCKS = np.array([[[250, 10, 10], [10, 250, 10]], [[10, 10, 250], [240, 240, 240]], [[0] * 3] * 2])
PICTURE = np.kron(BLOCKS, np.ones((16, 16, 1))).astype(np.uint8)  # 48 high, 32 wide


def encoded(picture, kind, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return buffer.getvalue()


def largest_difference(first, second) -> int:
    assert first.shape == second.shape
    return int(np.abs(first.astype(int) - second.astype(int)).max())


# What is read -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".gif", ".ppm"])
def test_lossless_formats_come_back_exactly(tmp_path, suffix):
    path = tmp_path / f"a photo, späte Tage{suffix}"
    Image.fromarray(PICTURE).save(path)
    read = read_image(path)
    assert read.dtype == np.uint8 and read.flags.c_contiguous and read.flags.writeable
    assert np.array_equal(read, PICTURE)


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGB", "WEBP")])
def test_lossy_formats_come_back_nearly(tmp_path, mode, kind):
    path = tmp_path / "photo"
    Image.fromarray(PICTURE).convert(mode).save(path, kind, quality=95)
    assert np.abs(read_image(path).astype(int) - PICTURE).mean() < 4


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_grey_palette_and_two_colours_become_rgb(tmp_path, mode):
    picture = Image.fromarray(PICTURE).convert(mode)
    picture.save(tmp_path / "photo.png")
    assert np.array_equal(read_image(tmp_path / "photo.png"), np.array(picture.convert("RGB")))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_grey_keeps_its_upper_eight_bits(tmp_path, suffix):
    values = np.array([[0, 255, 256], [32768, 65279, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / f"deep{suffix}")
    read = read_image(tmp_path / f"deep{suffix}")
    assert np.array_equal(read, np.repeat([[[0], [0], [1]], [[128], [254], [255]]], 3, axis=2))


def test_transparent_pixels_show_white_whatever_colour_they_hide(tmp_path):
    rgba = np.array([[[0, 0, 0, 0], [255, 0, 0, 255], [0, 0, 0, 51]]], dtype=np.uint8)
    Image.fromarray(rgba).save(tmp_path / "cut out.png")
    expected = np.array([[[255] * 3, [255, 0, 0], [204] * 3]])
    assert largest_difference(read_image(tmp_path / "cut out.png"), expected) <= 1
    assert largest_difference(as_rgb(rgba), expected) <= 1


def test_a_palette_with_a_transparent_colour_shows_white_there(tmp_path):
    picture = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), "L").convert("P")
    picture.putpalette([0, 0, 0, 9, 8, 7])
    picture.save(tmp_path / "icon.gif", transparency=0)
    assert read_image(tmp_path / "icon.gif").tolist() == [[[255, 255, 255], [9, 8, 7]]]


STORED = {  # EXIF orientation → how a camera stores what is to be seen as `a`
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", STORED)
def test_photos_are_turned_upright_as_their_exif_data_says(tmp_path, orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](PICTURE))
    (tmp_path / "photo").write_bytes(encoded(stored, kind, exif=exif, quality=95))
    read = read_image(tmp_path / "photo")
    assert read.shape == PICTURE.shape
    assert np.abs(read.astype(int) - PICTURE).mean() < 4


@pytest.mark.filterwarnings("ignore:.*EXIF.*:UserWarning")  # Pillow's own, for a person to see
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0MM\0*\0\0\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0",
        b"Exif\0\0no tiff",
    ],
)
def test_unreadable_exif_data_does_not_cost_the_picture(tmp_path, exif):
    (tmp_path / "photo.jpg").write_bytes(encoded(PICTURE, "JPEG", exif=exif))
    assert read_image(tmp_path / "photo.jpg").shape == PICTURE.shape


def test_one_pixel_is_a_picture(tmp_path):
    Image.fromarray(np.array([[[1, 2, 3]]], dtype=np.uint8)).save(tmp_path / "dot.png")
    assert read_image(tmp_path / "dot.png").tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_photos_are_read_without_pillows_warning_or_a_change_of_its_limit(
    tmp_path, monkeypatch, kind
):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # as 89 million is to a 200 megapixel photo
    (tmp_path / "large").write_bytes(encoded(PICTURE, kind))
    assert read_image(tmp_path / "large").shape == PICTURE.shape
    assert Image.MAX_IMAGE_PIXELS == 100
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


# What is refused ----------------------------------------------------------------------------------


def refusal(path) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_missing_folder_text_and_empty_file_are_told_apart(tmp_path):
    (tmp_path / "text.jpg").write_text("This is a letter.\n")
    (tmp_path / "empty.png").touch()
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64)
    assert "does not exist" in refusal(tmp_path / "nowhere.jpg")
    assert "is a folder" in refusal(tmp_path)
    assert "no image" in refusal(tmp_path / "text.jpg")
    assert "is empty" in refusal(tmp_path / "empty.png")
    assert "convert it to JPEG" in refusal(tmp_path / "phone.heic")
    (tmp_path / "camera.dng").write_bytes(b"II*\0\x08\0\0\0" + b"\0" * 64)
    assert "camera's raw file" in refusal(tmp_path / "camera.dng")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "no regular file" in refusal(tmp_path / "pipe.jpg")


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = tmp_path / "secret.png"
    path.touch()

    def refuse(self, *args, **kwargs):  # file modes do not stop an administrator, who runs CI
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(type(path), "open", refuse)
    assert "may not be read" in refusal(path)


def test_impossible_paths_are_refused_like_missing_ones(tmp_path):
    for name in ("x" * 5000, "a\0b"):
        with pytest.raises(ImageError):
            read_image(tmp_path / name)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_file_cut_in_half_is_damaged(tmp_path, kind):
    whole = encoded(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8), kind)
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    assert "damaged or truncated" in refusal(tmp_path / "cut")


def test_floating_point_pixels_have_no_known_white(tmp_path):
    Image.fromarray(np.zeros((2, 2), dtype=np.float32)).save(tmp_path / "depth.tif")
    assert "floating-point" in refusal(tmp_path / "depth.tif")


def png_of(width, height) -> bytes:
    def chunk(name, content):
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    )


def test_decompression_bombs_are_refused_unopened(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_of(60_000, 60_000))
    assert "more than 256 million pixels" in refusal(tmp_path / "bomb.png")
    header = bytearray(encoded(PICTURE, "BMP"))
    header[18:26] = struct.pack("<ii", 60_000, 60_000)
    (tmp_path / "bomb.bmp").write_bytes(header)
    assert "anything but a JPEG or PNG file; save it as one of" in refusal(tmp_path / "bomb.bmp")
    jpeg = encoded(PICTURE, "JPEG")
    frame = jpeg.index(b"\xff\xc0") + 5
    (tmp_path / "bomb.jpg").write_bytes(
        jpeg[:frame] + struct.pack(">HH", 60_000, 60_000) + jpeg[frame + 4 :]
    )
    assert "more than 256 million pixels" in refusal(tmp_path / "bomb.jpg")


def test_memory_that_runs_out_is_said(tmp_path, monkeypatch):
    (tmp_path / "photo.png").write_bytes(encoded(PICTURE, "PNG"))

    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr(images, "_to_rgb", exhausted)
    assert "32 × 48 pixels, too many for the free memory" in refusal(tmp_path / "photo.png")


WHOLE = {
    kind: encoded(PICTURE, kind, **({"exif": Image.Exif()} if kind == "JPEG" else {}))
    for kind in ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP")
}


@given(
    kind=st.sampled_from(sorted(WHOLE)),
    keep=st.floats(0, 1),
    damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
)
def test_no_damage_gives_anything_but_a_picture_or_an_image_error(
    tmp_path_factory, kind, keep, damage
):
    content = bytearray(WHOLE[kind])
    for place, value in damage:
        content[int(place * (len(content) - 1))] = value
    path = tmp_path_factory.mktemp("damaged") / "photo"
    path.write_bytes(content[: int(keep * len(content))])
    try:
        read = read_image(path)
    except ImageError as error:
        assert str(path) in str(error)
    else:
        assert read.ndim == 3 and read.shape[2] == 3 and read.dtype == np.uint8


# Arrays -------------------------------------------------------------------------------------------


def test_an_rgb_array_is_taken_as_it_is_and_a_view_is_made_contiguous():
    assert as_rgb(PICTURE) is PICTURE or np.shares_memory(as_rgb(PICTURE), PICTURE)
    reversed_channels = as_rgb(PICTURE[..., ::-1])
    assert reversed_channels.flags.c_contiguous
    assert np.array_equal(reversed_channels, PICTURE[..., ::-1])


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1)])
def test_grey_arrays_become_three_equal_channels(shape):
    grey = np.arange(6, dtype=np.uint8).reshape(shape)
    assert np.array_equal(as_rgb(grey), np.repeat(grey.reshape(2, 3, 1), 3, axis=2))


@pytest.mark.parametrize(
    ("array", "says"),
    [
        ([[1, 2]], "a list: give one image at a time"),
        (b"GIF89a", r"bytes: decode it, np.asarray\(PIL.Image.open\(io.BytesIO\(data\)\)"),
        (io.BytesIO(b"GIF89a"), r"BytesIO: decode it, np.asarray\(PIL.Image.open\(file\)"),
        (Image.new("RGB", (2, 2)), r"np.asarray\(picture.convert\('RGB'\)\)"),
        (np.zeros((4, 4, 3)), r"float64 with values from 0 to 0; convert: \(255 \* image\).astype"),
        (np.full((4, 4, 3), 255.0), r"from 255 to 255; convert: image.astype\('uint8'\), if"),
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.zeros((0, 4, 3), dtype=np.float32), "float32"),
        (np.zeros((4, 4, 3), dtype=np.uint16), "got uint16"),
        (np.zeros((4, 4, 3), dtype=bool), "got bool"),
        (np.zeros((3, 40, 50), dtype=np.uint8), r"image.transpose\(1, 2, 0\)"),
        (np.zeros((1, 4, 4, 3), dtype=np.uint8), "one image at a time"),
        (np.zeros((4, 4, 2), dtype=np.uint8), r"got \(4, 4, 2\)"),
        (np.zeros((0, 4, 3), dtype=np.uint8), r"got \(0, 4, 3\)"),
        (np.zeros(4, dtype=np.uint8), r"got \(4,\)"),
    ],
)
def test_other_arrays_are_refused_with_what_to_do(array, says):
    with pytest.raises(ImageError, match=says):
        as_rgb(array)


def test_an_address_is_no_path():
    with pytest.raises(ImageError, match="is an address; fetch it into a file first"):
        read_image("https://example.org/photo.jpg")


def test_what_is_no_path_is_refused_with_what_to_do():
    """In a process of its own, where no types are checked before."""
    code = """
import io, onedheat
for picture in b"GIF89a", io.BytesIO(b"GIF89a"):
    try:
        onedheat.read_image(picture)
    except onedheat.OnedheatError as error:
        print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    bytes_line, file_line = run.stdout.splitlines()
    assert "got bytes: decode it" in bytes_line and "got BytesIO: decode it" in file_line
