"""Make the pictures of `figures/`: `python -m onedheat.course.figures`, used by `make figures`.

Each is a picture of a lesson, made by the same function from the same photographs. The command prints
each picture's alt text, for whoever puts it on a page.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import onedheat
from onedheat.checkpoints import CheckpointError
from onedheat.course.augmented import augmented_faces
from onedheat.course.drawn import (
    reliability_on_drawn_faces,
    sheet_of_drawn_faces,
    strips_of_drawn_clips,
)
from onedheat.course.moving import moving_faces
from onedheat.course.photos import look_inside, photographs
from onedheat.data.images import RGB
from onedheat.geometry import Landmarks
from onedheat.pipeline import Face, Landmarker
from onedheat.plots import FaceView, Figure
from onedheat.plots.faces import faces_on_photo
from onedheat.plots.rounding import rounding_floor, snapped_faces

Found = Mapping[str, tuple[RGB, list[Face]]]
Draw = Callable[[Found, Landmarker], Figure]
EYE_CORNER = "right_eye_0"
BINS = (32, 64, 128, 256, 384, 512, 640, 768)
SIZE = 256  # F of the lesson on rounding, face pixels


def _on_photo(name: str) -> Draw:
    def draw(found: Found, landmarker: Landmarker) -> Figure:
        photo, faces = found[name]
        landmarks, sigma = [face.landmarks for face in faces], [face.sigma for face in faces]
        return faces_on_photo(
            photo, landmarks, sigma, scheme=landmarker.scheme, name=name, width=6.0
        )

    return draw


def _two_vectors(found: Found, landmarker: Landmarker) -> Figure:
    photos = {name: photo for name, (photo, _) in found.items()}
    faces = {name: faces for name, (_, faces) in found.items()}
    corner = landmarker.scheme.points.index(EYE_CORNER)
    return look_inside(landmarker, photos, faces)["Eileen Collins"].move(corner)


def _views(found: Found, landmarker: Landmarker) -> list[FaceView]:
    return [
        FaceView.from_photo(name, photo, faces[0].landmarks, SIZE, scheme=landmarker.scheme)
        for name, (photo, faces) in found.items()
    ]


def _first_faces(found: Found) -> dict[str, tuple[RGB, Landmarks]]:
    return {name: (photo, faces[0].landmarks) for name, (photo, faces) in found.items()}


FIGURES: dict[str, Draw] = {
    "two_vectors.png": _two_vectors,
    "eileen_collins.png": _on_photo("Eileen Collins"),
    "grace_hopper.png": _on_photo("Grace Hopper"),
    "snapped_face.png": lambda found, by: snapped_faces(_views(found, by)[0], [32, 64, 256, 768]),
    "rounding_floor.png": lambda found, by: rounding_floor(_views(found, by), BINS),
    "augmentation.png": lambda found, by: augmented_faces(_first_faces(found)),
    "motion_from_stills.png": lambda found, by: moving_faces(_first_faces(found)),
    "synthetic_faces.png": lambda found, by: sheet_of_drawn_faces(),
    "synthetic_clips.png": lambda found, by: strips_of_drawn_clips(),
    "reliability.png": lambda found, by: reliability_on_drawn_faces(),
}


def make_figures(out: Path, weights: str = "tiny68") -> dict[str, str]:
    """Writes every figure into a folder.

    Args:
        out: the folder; it is made where it does not exist.
        weights: what `onedheat.load` takes.

    Returns:
        File name → alt text.

    Raises:
        RuntimeError: no face was found on one of the photographs.
    """
    landmarker = onedheat.load(weights, finder="cascade")  # the finder that needs no network
    found = {name: (photo, landmarker(photo)) for name, photo in photographs().items()}
    if without := [name for name, (_, faces) in found.items() if not faces]:
        raise RuntimeError(f"no face was found on the photograph of {' and '.join(without)}")
    out.mkdir(parents=True, exist_ok=True)
    alt = {}
    for file, draw in FIGURES.items():
        figure = draw(found, landmarker)
        (out / file).write_bytes(figure.small_png())
        alt[file] = figure.alt
    return alt


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m onedheat.course.figures")
    parser.add_argument("--out", type=Path, default=Path("figures"))
    parser.add_argument("--weights", default="tiny68")
    given = parser.parse_args(arguments)
    try:
        alt = make_figures(given.out, given.weights)
    except (CheckpointError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for file, text in alt.items():
        path = given.out / file
        print(f"{path}, {path.stat().st_size:,} bytes: {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
