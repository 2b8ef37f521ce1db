"""A little 300W for tests: drawn faces in the published folder tree and file format."""

from pathlib import Path

import cv2
import numpy as np

from onedheat.landmarks import IBUG68


def face_landmarks(rng: np.random.Generator, size: int) -> np.ndarray:
    """68 points roughly where faces have them, (68, 2), in pixels of a `size` × `size` photo."""
    angle = np.linspace(0, np.pi, 17)
    contour = np.stack([-np.cos(angle), 0.1 + 0.9 * np.sin(angle)], 1)
    brow = np.stack([np.linspace(-0.3, 0.3, 5), -0.06 * np.cos(np.linspace(-1.5, 1.5, 5))], 1)
    bridge = np.stack([np.zeros(4), np.linspace(-0.1, 0.3, 4)], 1)
    base = np.stack([np.linspace(-0.18, 0.18, 5), np.full(5, 0.38)], 1)

    def ring(count, width, height, center):
        turn = np.linspace(np.pi, 3 * np.pi, count, endpoint=False)
        return np.stack([width * np.cos(turn), height * np.sin(turn)], 1) + center

    points = np.concatenate(
        [contour, brow + (-0.5, -0.35), brow + (0.5, -0.35), bridge, base]
        + [ring(6, 0.18, 0.08, (-0.45, -0.12)), ring(6, 0.18, 0.08, (0.45, -0.12))]
        + [ring(12, 0.38, 0.18, (0, 0.62)), ring(8, 0.28, 0.07, (0, 0.62))]
    )
    return size / 2 + (points - (0, 0.25)) * size * rng.uniform(0.26, 0.32) + rng.normal(0, 2, 2)


def draw_face(landmarks: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A photo of sorts: skin, lines and lips in colours of their own, (size, size, 3) uint8."""
    image = rng.integers(20, 120, (size, size, 3), dtype=np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 3)
    points = np.round(landmarks * 16).astype(np.int32)
    hull = cv2.convexHull(points)
    cv2.fillConvexPoly(image, hull, (205, 160, 135), cv2.LINE_AA, shift=4)
    for line in IBUG68.lines:
        closed = line[0] == line[-1]
        color = (60, 30, 30) if not closed else (160, 40, 60)
        cv2.polylines(image, [points[list(line)]], closed, color, 2, cv2.LINE_AA, shift=4)
    return image


def pts_text(landmarks: np.ndarray) -> str:
    """The file format of 300W, counting from 1."""
    rows = "\n".join(f"{x + 1:.6f} {y + 1:.6f}" for x, y in landmarks)
    return f"version: 1\nn_points:  {len(landmarks)}\n{{\n{rows}\n}}\n"


def add_face(
    folder: Path, name: str, seed: int, size: int = 120, suffix: str = ".jpg"
) -> np.ndarray:
    """Writes a photo and its `.pts`; gives the landmarks, counting from 0."""
    rng = np.random.default_rng(seed)
    landmarks = face_landmarks(rng, size)
    folder.mkdir(parents=True, exist_ok=True)
    picture = draw_face(landmarks, size, rng)[..., ::-1]
    assert cv2.imwrite(str(folder / f"{name}{suffix}"), picture)
    (folder / f"{name}.pts").write_text(pts_text(landmarks))
    return landmarks


def make_300w(root: Path, faces: int = 24) -> Path:
    """A tree with `faces` training faces and a third as many test faces."""
    for i in range(faces):
        subset = ("afw", "helen/trainset", "lfpw/trainset")[i % 3]
        name = f"image_{i:04d}" if subset.startswith("lfpw") else f"{100 + i // 6}_{i}"
        add_face(root / subset, name, seed=i, suffix=".png" if i % 3 == 2 else ".jpg")
    for i in range(max(1, faces // 3)):
        add_face(root / "lfpw/testset", f"image_{i:04d}", seed=1000 + i, suffix=".png")
    return root
