"""A little WFLW for tests: drawn faces, in the published lists and folders."""

from pathlib import Path

import cv2
import numpy as np
from faces300w import draw_face, face_landmarks

from onedheat.landmarks import IBUG68, WFLW98, correspondence

ANNOTATIONS = Path("WFLW_annotations")
FLAGS = ("pose", "expression", "illumination", "makeup", "occlusion", "blur")
SUBSETS = ("largepose", "expression", "illumination", "makeup", "occlusion", "blur")


def landmarks98(landmarks: np.ndarray) -> np.ndarray:
    """98 points of a drawn face of 68: the shared ones, the others halfway between neighbours."""
    points = np.full((98, 2), np.nan)
    of_98, of_68 = map(list, correspondence(WFLW98, IBUG68))
    points[of_98] = landmarks[of_68]
    for i in np.flatnonzero(np.isnan(points[:, 0])):
        points[i] = (points[i - 1] + landmarks[i % 68]) / 2
    return np.round(points, 6)


def full_line(landmarks: np.ndarray, photo: str, flags: set[str], box=None) -> str:
    """A face as the training and the test list have it."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    box = [int(v) for v in (*low, *high)] if box is None else box
    marks = [int(flag in flags) for flag in FLAGS]
    return " ".join([_coordinates(landmarks), *map(str, box), *map(str, marks), photo])


def subset_line(landmarks: np.ndarray, photo: str) -> str:
    """A face as the list of a subset has it."""
    return f"{_coordinates(landmarks)} {photo}"


def _coordinates(landmarks: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for value in landmarks.ravel())


def add_photo(folder: Path, seed: int, size: int = 96) -> np.ndarray:
    """Writes a photo; gives the landmarks of its face, (98, 2)."""
    rng = np.random.default_rng(seed)
    landmarks = face_landmarks(rng, size)
    folder.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(folder), draw_face(landmarks, size, rng)[..., ::-1])
    return landmarks98(landmarks)


def make_wflw(root: Path, train: int = 6, test: int = 8) -> dict[str, list[np.ndarray]]:
    """Lists and photos, two faces a photo; gives the landmarks of each split's faces in order."""
    written: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    lines: dict[str, list[str]] = {split: [] for split in ("train", "test", *SUBSETS)}
    for split, count in (("train", train), ("test", test)):
        for i in range(count):
            photo = f"{i // 2 % 3}--Event/{split}_{i // 2}.jpg"
            points = add_photo(root / "WFLW_images" / photo, seed=i // 2 + 100 * (split == "test"))
            points = np.round(points + i % 2, 6)  # the photo's second face, beside the first
            flags = {FLAGS[i % 6], FLAGS[(i + 3) % 6]} if i % 4 else set()
            written[split].append(points)
            lines[split].append(full_line(points, photo, flags))
            if split == "test":
                for flag, subset in zip(FLAGS, SUBSETS, strict=True):
                    if flag in flags:
                        lines[subset].append(subset_line(points, photo))
    for split, text in lines.items():
        write_list(root, split, text)
    return written


def list_path(root: Path, split: str) -> Path:
    """Where the list of a split lies."""
    folder, name = (
        ("list_98pt_test", f"list_98pt_test_{split}.txt")
        if split in SUBSETS
        else ("list_98pt_rect_attr_train_test", f"list_98pt_rect_attr_{split}.txt")
    )
    return root / ANNOTATIONS / folder / name


def write_list(root: Path, split: str, lines: list[str]) -> Path:
    """Writes the list of a split."""
    path = list_path(root, split)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
