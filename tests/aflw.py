"""A little AFLW for tests: drawn faces, and their annotations as MATLAB writes them."""

from pathlib import Path

import cv2
import numpy as np
from faces300w import draw_face, face_landmarks

SHARED = {  # AFLW's point → the 68 points whose mean stands for it on a drawn face
    0: (17,), 1: (19,), 2: (21,), 3: (22,), 4: (24,), 5: (26,), 6: (36,), 7: (36, 39), 8: (39,),
    9: (42,), 10: (42, 45), 11: (45,), 12: (31,), 13: (30,), 14: (35,), 15: (48,), 16: (48, 54),
    17: (54,), 18: (8,),
}  # fmt: skip


def landmarks19(landmarks: np.ndarray) -> np.ndarray:
    """19 points of a drawn face of 68."""
    return np.stack([landmarks[list(points)].mean(axis=0) for points in SHARED.values()])


def make_photos(folder: Path, photos: int, size: int = 96) -> tuple[list[str], np.ndarray]:
    """Writes photos; gives their names and the landmarks of their faces, (photos, 19, 2)."""
    names, faces = [], []
    for i in range(photos):
        rng = np.random.default_rng(i)
        landmarks = face_landmarks(rng, size)
        names.append(f"{(0, 2, 3)[i % 3]}/image{i:05d}.jpg")
        path = folder / names[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), draw_face(landmarks, size, rng)[..., ::-1])
        faces.append(landmarks19(landmarks))
    return names, np.stack(faces)


def annotations(names: list[str], landmarks: np.ndarray, seed: int = 0) -> dict:
    """The variables of `AFLWinfo_release.mat` for these faces; every third hides a point."""
    rng = np.random.default_rng(seed)
    count = len(names)
    mask = np.ones((count, 19))
    mask[np.arange(0, count, 3), rng.integers(0, 19, len(range(0, count, 3)))] = 0
    low, high = landmarks.min(axis=1), landmarks.max(axis=1)
    return {
        "nameList": names,
        "data": landmarks.transpose(0, 2, 1).reshape(count, 38),
        "mask_new": mask,
        "bbox": np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1),
        "ra": rng.permutation(count)[None] + 1.0,
    }


def write_mat5(path: Path, variables: dict, *, compressed: bool = True) -> Path:
    """As MATLAB's `save -v7` (compressed) or `-v6` writes it, through SciPy."""
    from scipy.io import savemat

    cells = np.empty((len(variables["nameList"]), 1), dtype=object)
    cells[:, 0] = variables["nameList"]
    savemat(path, variables | {"nameList": cells}, do_compression=compressed)
    return path


def write_mat73(path: Path, variables: dict) -> Path:
    """As MATLAB's `save -v7.3` writes it: HDF5 after 512 bytes, dimensions in reverse."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in variables.items():
            if name != "nameList":
                file[name] = np.ascontiguousarray(values.T)
                file[name].attrs["MATLAB_class"] = np.bytes_("double")
        cells = file.create_group("#refs#")
        names = variables["nameList"]
        listed = file.create_dataset("nameList", (1, len(names)), dtype=h5py.ref_dtype)
        for i, text in enumerate(names):
            cells[f"{i}"] = np.frombuffer(text.encode("utf-16-le"), np.uint16)[:, None]
            listed[0, i] = cells[f"{i}"].ref
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(116) + bytes(8) + b"\0\2IM")
    return path
