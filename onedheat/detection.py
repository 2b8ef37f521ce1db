"""Many photos: every file's faces or what is wrong with it, as JSON and as annotated pictures."""

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image as PillowImage

from onedheat.data.images import RGB, SUFFIXES, ImageError, read_image
from onedheat.drawing import draw_landmarks
from onedheat.files import write_atomically
from onedheat.pipeline import Face, Landmarker

DRAWN = b"landmarks drawn by onedheat detect"
"""The comment that annotated pictures carry, by which they are told from photos."""


@dataclass(frozen=True)
class FileResult:
    """What became of one file.

    Attributes:
        path: as it was given, or found in a folder that was given.
        faces: surest first; also where only their drawing failed.
        error: None, or a sentence.
        why_none: where no face was found, why, in words.
    """

    path: Path
    faces: list[Face] = field(default_factory=list)
    error: str | None = None
    why_none: str = ""

    def as_json(self) -> dict:
        """Plain values; pixels to a thousandth."""
        return {
            "path": str(self.path),
            "error": self.error,
            "why_none": self.why_none or None,
            "faces": [
                {
                    "box": face.box.round(3).tolist(),
                    "landmarks": face.landmarks.round(3).tolist(),
                    "sigma": face.sigma.round(3).tolist(),
                    "confidence": face.confidence.round(4).tolist(),
                    "score": round(face.score, 4),
                }
                for face in self.faces
            ],
        }

    def as_text(self) -> str:
        """One short line, which any terminal can print."""
        if self.error:
            return _printable(self.error)
        if not self.faces:
            said = f"no face, {self.why_none}"
        else:
            count = "1 face, score" if len(self.faces) == 1 else f"{len(self.faces)} faces, scores"
            said = f"{count} {', '.join(f'{face.score:.2f}' for face in self.faces)}"
        return _printable(f"{self.path}: {said}")


def _printable(text: str) -> str:
    """File names may hold bytes that are no text in any encoding."""
    return text.encode("utf-8", "backslashreplace").decode()


def photos_in(paths: Iterable[Path], *, leave_out: Path | None = None) -> list[Path]:
    """The files that paths name: files as they are, folders as the images in and below them, sorted.

    What `detect_files` has drawn into such a folder is left out.

    Args:
        paths: files and folders. A folder without images, and what does not exist, stays in the list
            as it is, so that it is reported like a file that cannot be read.
        leave_out: a folder below the others that is not looked into, where results are written.
    """
    avoided = leave_out.resolve() if leave_out else None
    photos = []
    for path in paths:
        if not path.is_dir():
            photos.append(path)
            continue
        inside = [
            file
            for file in sorted(path.rglob("*"))
            if file.suffix.lower() in SUFFIXES
            and not file.name.startswith(".")
            and file.is_file()
            and not (avoided and avoided != path.resolve() and avoided in file.resolve().parents)
            and not _is_drawing(file)
        ]
        photos += inside or [path]
    return photos


def _is_drawing(file: Path) -> bool:
    if not re.search(r"_landmarks(_\d+)?\.jpg$", file.name):
        return False
    try:
        with file.open("rb") as stream:
            return DRAWN in stream.read(1000)
    except OSError:  # said when it is read as a photo
        return False


def detect_files(
    landmarker: Landmarker, photos: Sequence[Path], *, out: Path | None = None
) -> Iterator[FileResult]:
    """The faces of each file, one file after the other; one that fails does not stop the others.

    Args:
        landmarker: what finds them.
        photos: image files.
        out: an existing folder for annotated pictures, `<name>_landmarks.jpg`. Files of one name
            are numbered; none of the photos is ever written over. One that cannot be written is an
            error of its file, whose faces are given all the same.
    """
    name_for = _free_names(photos, out) if out else None
    for photo in photos:
        try:
            if photo.is_dir():
                raise ImageError(
                    f"{photo} is a folder without images; give image files or their folder"
                )
            image = read_image(photo)
            found = landmarker.find(image)
            faces = found.faces
            drawing = _drawn(image, faces, landmarker.scheme.lines) if name_for else None
        except (ImageError, OSError) as error:
            yield FileResult(photo, error=str(error))
        except (ValueError, RuntimeError, MemoryError) as error:
            yield FileResult(photo, error=f"{photo} could not be done: {error or 'no memory left'}")
        else:
            fault = _unwritten(photo, name_for(photo), drawing) if name_for else None
            yield FileResult(photo, faces, fault, found.why_none())


def _drawn(image: RGB, faces: Sequence[Face], lines) -> bytes:
    """A JPEG of a photo, which is drawn into, with its faces."""
    for face in faces:
        draw_landmarks(image, face.landmarks, lines=lines, box=face.box)
    buffer = io.BytesIO()
    # No chroma subsampling: it would smear lines that are one pixel wide.
    how = {"quality": 95, "subsampling": 0, "comment": DRAWN}
    PillowImage.fromarray(image).save(buffer, "JPEG", **how)
    return buffer.getvalue()


def _unwritten(photo: Path, target: Path, drawing: bytes) -> str | None:
    """Writes a drawing; a sentence where that cannot be done."""
    try:
        write_atomically(target, drawing)
    except OSError as error:
        return (
            f"{photo} is done, but its drawing {target} cannot be written ({error.strerror}); make room, "
            "or give another name or folder"
        )
    return None


def _free_names(photos: Sequence[Path], out: Path) -> Callable[[Path], Path]:
    """For each photo in turn, a path in `out` that is neither a photo nor given out already."""
    taken = {str(photo.resolve()).casefold() for photo in photos}

    def name_for(photo: Path) -> Path:
        number = 1
        while True:
            ending = "" if number == 1 else f"_{number}"
            path = out.resolve() / f"{photo.stem}_landmarks{ending}.jpg"
            if str(path).casefold() not in taken:
                taken.add(str(path).casefold())
                return path
            number += 1

    return name_for


def as_json(results: Iterable[FileResult]) -> str:
    """All results as the text of one JSON object."""
    files = [result.as_json() for result in results]
    return json.dumps({"files": files}, allow_nan=False) + "\n"
