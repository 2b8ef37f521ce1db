"""A little 300VW for tests: numbered frames, and landmarks that say which frame they belong to."""

from pathlib import Path

import numpy as np
from faces300w import face_landmarks, pts_text
from videos import write_numbered

FACE = face_landmarks(np.random.default_rng(0), 110)


def landmarks_of(frame: int) -> np.ndarray:
    """(68, 2), a face in the 160 × 120 frame that moves by a hundredth of a pixel a frame."""
    return FACE + (0.01 * frame, 0.0)


def frame_of(landmarks: np.ndarray) -> int:
    """The frame that landmarks belong to."""
    return round(100 * (landmarks[0, 0] - FACE[0, 0]))


def add_clip(root: Path, name: str, frames: int, annotated: int | None = None) -> Path:
    """Writes a clip's folder; gives it."""
    folder = root / name
    write_numbered(folder / "vid.avi", frames)
    (folder / "annot").mkdir()
    for frame in range(frames if annotated is None else annotated):
        (folder / "annot" / f"{frame + 1:06d}.pts").write_text(pts_text(landmarks_of(frame)))
    return folder
