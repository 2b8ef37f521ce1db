"""Folders of one's own faces for tests: drawn faces with five points, in either format."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
from faces300w import draw_face, face_landmarks, pts_text

from onedheat.landmarks import Scheme, scheme_as_json

FIVE = Scheme(
    name="five",
    points=("right_eye", "left_eye", "nose", "mouth_right", "mouth_left"),
    mirror=(1, 0, 2, 4, 3),
    areas={"eyes": (0, 1), "mouth": (3, 4)},
    normaliser=(0, 1),
    lines=((3, 4),),
)
OF_68 = (36, 45, 30, 48, 54)


def draw(path: Path, seed: int, size: int = 120) -> np.ndarray:
    """Writes a drawn face; gives its five landmarks, counting from 0."""
    rng = np.random.default_rng(seed)
    landmarks = face_landmarks(rng, size)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), draw_face(landmarks, size, rng)[..., ::-1])
    return landmarks[list(OF_68)]


def write_scheme(root: Path, **changes) -> None:
    """Writes `scheme.json`, with keys changed."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "scheme.json").write_text(json.dumps({**scheme_as_json(FIVE), **changes}))


def make_pts_folder(root: Path, names=("a.jpg", "b.png", "group/c.jpg"), seed: int = 0) -> Path:
    """Photos with a `.pts` beside each, and a scheme."""
    write_scheme(root)
    for i, name in enumerate(names):
        landmarks = draw(root / name, seed + i)
        (root / name).with_suffix(".pts").write_text(pts_text(landmarks))
    return root


def make_csv_folder(root: Path, faces: int = 3, *, named: bool = False, **columns) -> Path:
    """Photos and one CSV; `columns` are further ones, name → value for each face."""
    write_scheme(root)
    parts = FIVE.points if named else [str(i) for i in range(5)]
    head = [f"{p}_{a}" if named else f"{a}{p}" for p in parts for a in "xy"]
    with (root / "landmarks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *head, *columns])
        for i in range(faces):
            landmarks = draw(root / f"face {i}.jpg", i)
            more = [values[i] for values in columns.values()]
            writer.writerow([f"face {i}.jpg", *np.round(landmarks, 4).ravel(), *more])
    return root
