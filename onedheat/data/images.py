"""Pictures as arrays: any image file or array in, RGB with eight bits a channel out."""

import os
import stat
import struct
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from onedheat.errors import ImageError

RGB = UInt8[np.ndarray, "height width 3"]

SUFFIXES = frozenset(".jpg .jpeg .jfif .png .webp .tif .tiff .bmp .gif .avif .ppm .pgm".split())
"""How the names of image files end, in small letters."""

MAX_PIXELS = 256_000_000
"""Larger files are refused before they are decoded: phones end at 200 million pixels, and decoding
takes about 10 bytes for each. Of formats other than JPEG and PNG Pillow itself takes no more than 179
million."""

_ORIENTATION = 0x0112  # EXIF's tag, and what turns each of its values upright
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's decoders raise on damaged files, beside OSError; and their warnings, where a program
# has turned warnings into errors.
_DAMAGE = (SyntaxError, ValueError, EOFError, OverflowError, IndexError, KeyError, TypeError,
           AttributeError, RuntimeError, struct.error, zlib.error, Warning)  # fmt: skip


def read_image(path: str | os.PathLike) -> RGB:
    """An image file as it is meant to be seen.

    The rotation that its EXIF data asks for is applied. Transparent pictures are laid on white, as
    a page shows them: the colours under transparent pixels are arbitrary and often black. 16-bit
    grey keeps its upper eight bits, and of an animation the first frame is read.

    Args:
        path: any format that Pillow reads (JPEG, PNG, WebP, TIFF, BMP, GIF, …).

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        ImageError: no such file, a folder, no permission, no image, a damaged or a truncated one,
            or more than `MAX_PIXELS` pixels.
    """
    if not isinstance(path, str | os.PathLike):
        raise ImageError(f"expected the path of an image file, got {_kind(path)}")
    if str(path).startswith(("http://", "https://")):
        raise ImageError(f"{path} is an address; fetch it into a file first")
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "no regular file"
            raise ImageError(f"{path} is {kind}; give the path of an image file")
        with path.open("rb") as stream:
            return _read(stream, path)
    except FileNotFoundError as error:
        raise ImageError(f"{path} does not exist; check the path and its spelling") from error
    except PermissionError as error:
        raise ImageError(f"{path} may not be read; give yourself permission to read it") from error
    except ImageError:
        raise
    except (OSError, ValueError) as error:  # a path too long, a NUL in it, a broken disk
        raise ImageError(f"{path!s} cannot be opened ({error}); check the path") from error


def _read(stream, path: Path) -> RGB:
    try:
        picture = _open(stream)
    except UnidentifiedImageError as error:
        raise ImageError(_not_an_image(stream, path)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(
            f"{path} says that it holds more pixels than are read at once of anything but a JPEG or PNG "
            "file; save it as one of these, or shrink it first"
        ) from error
    except (OSError, *_DAMAGE) as error:
        raise ImageError(_not_an_image(stream, path)) from error
    with picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ImageError(
                f"{path} says that it holds more than {MAX_PIXELS // 1_000_000} million pixels, which is "
                "more than is read at once; shrink it first"
            )
        try:
            picture.load()
            return _to_rgb(_upright(picture), path)
        except ImageError:
            raise
        except MemoryError as error:
            raise ImageError(
                f"{path} has {picture.width} × {picture.height} pixels, too many for the free "
                "memory; shrink it first"
            ) from error
        except (OSError, *_DAMAGE) as error:
            raise ImageError(
                f"{path} is a damaged or truncated {picture.format} file ({error}); fetch or export "
                "it again"
            ) from error


def _open(stream) -> Image.Image:
    """The picture, its header read.

    `Image.open` warns above 89 million pixels and refuses above 179, limits that belong to the whole
    process. The two formats of large photos are opened without it, so that the limit is ours.
    """
    head = stream.read(8)
    stream.seek(0)
    if head.startswith(b"\xff\xd8\xff"):
        return JpegImageFile(stream)
    if head == b"\x89PNG\r\n\x1a\n":
        return PngImageFile(stream)
    return Image.open(stream)


def _not_an_image(stream, path: Path) -> str:
    stream.seek(0)
    head = stream.read(16)
    if not head:
        return f"{path} is empty (0 bytes); fetch or export it again"
    if head[4:8] == b"ftyp":
        return f"{path} is a HEIC, AVIF or video file that cannot be read here; convert it to JPEG"
    if head[:4] in (b"II*\0", b"MM\0*"):
        return (
            f"{path} is a camera's raw file, or a TIFF file of a kind that cannot be read here; export "
            "it as JPEG or PNG"
        )
    return (
        f"{path} is no image that can be read (it begins with {head[:8]!r}); expected a JPEG, PNG, "
        "WebP, TIFF, BMP or GIF file"
    )


def _upright(picture: Image.Image) -> Image.Image:
    try:
        orientation = picture.getexif().get(_ORIENTATION)
    except (OSError, *_DAMAGE):
        # Unreadable EXIF data says nothing about the picture, which viewers show all the same.
        return picture
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def _to_rgb(picture: Image.Image, path: Path) -> RGB:
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ImageError(
                f"{path} holds grey values from {values.min()} to {values.max()}, expected 0 to "
                "65535 (16 bits); export it with 8 or 16 bits a channel"
            )
        return as_rgb((values >> 8).astype(np.uint8))
    if picture.mode == "F":
        raise ImageError(
            f"{path} holds floating-point values, whose black and white are not defined; export it "
            "with 8 or 16 bits a channel"
        )
    if picture.has_transparency_data:
        return as_rgb(np.asarray(picture.convert("RGBA")))
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def as_rgb(array: object) -> RGB:
    """An array that a caller gave, checked, as RGB.

    Args:
        array: uint8; (H, W, 3) RGB as it is, (H, W) or (H, W, 1) grey, or (H, W, 4) RGBA, which is
            laid on white. OpenCV's BGR cannot be told from RGB: reverse its channels first.

    Returns:
        (H, W, 3) uint8, contiguous. An RGB array that is contiguous already is not copied.

    Raises:
        ImageError: no array, another dtype or another shape.
    """
    if not isinstance(array, np.ndarray):
        raise ImageError(
            f"expected a NumPy array of shape (height, width, 3) and dtype uint8, got {_kind(array)}"
        )
    shape = array.shape
    if array.dtype != np.uint8:
        what = f"expected an image of dtype uint8 (0 to 255), got {array.dtype}"
        if array.dtype.kind == "f":
            what += f"{_range_of(array)}; convert: {_as_bytes(array)}"
        raise ImageError(what)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in shape:
        hint = ""
        if array.ndim == 3 and shape[0] in (1, 3, 4):
            hint = "; channels come last here: image.transpose(1, 2, 0)"
        elif array.ndim == 4:
            hint = "; give one image at a time"
        raise ImageError(
            f"expected an image of shape (height, width, 3), grey (height, width) or RGBA "
            f"(height, width, 4), got {shape}{hint}"
        )
    if array.shape[2] == 4:
        return _on_white(array)
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array)


def _kind(thing: object) -> str:
    """What something is that is no array and no path, and how it becomes one."""
    name = type(thing).__name__
    if isinstance(thing, np.ndarray):
        return "an array, which is a picture already"
    if isinstance(thing, bytes | bytearray | memoryview) or hasattr(thing, "read"):
        data = "file" if hasattr(thing, "read") else "io.BytesIO(data)"
        return f"{name}: decode it, np.asarray(PIL.Image.open({data}).convert('RGB'))"
    if isinstance(thing, list | tuple):
        return f"a {name}: give one image at a time"
    return f"{name}: convert it, np.asarray(picture.convert('RGB')) if it is Pillow's"


def _as_bytes(floats: np.ndarray) -> str:
    """How a picture of floats becomes one of bytes."""
    unit = floats.size == 0 or not floats.max() > 1
    return "(255 * image).astype('uint8')" if unit else "image.astype('uint8'), if white is 255"


def _range_of(array: np.ndarray) -> str:
    if array.size == 0:
        return ""
    if not np.isfinite(array).all():
        return " with NaN or infinite values"
    return f" with values from {array.min():g} to {array.max():g}"


def _on_white(rgba: UInt8[np.ndarray, "height width 4"]) -> RGB:
    picture = Image.fromarray(np.ascontiguousarray(rgba))
    white = Image.new("RGBA", picture.size, "white")
    return np.array(Image.alpha_composite(white, picture).convert("RGB"))
