"""Pictures that are costly to draw, drawn once and kept in a file."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from tqdm import tqdm


def drawn_once(
    file: Path,
    shape: tuple[int, ...],
    parts: Iterable[UInt8[np.ndarray, "some *rest"]],
    *,
    unit: str,
    progress: bool = False,
) -> UInt8[np.ndarray, "*shape"]:
    """The pictures in a file, drawn into it if it is not there yet; it appears when it is whole.

    Args:
        file: a ``.npy`` file; it is read where it lies, not into memory.
        shape: of all pictures together.
        parts: that follow one another along the first axis; asked for only if they are drawn.
        unit: what the bar counts.
        progress: show a bar on standard error.

    Raises:
        ValueError: the file holds pictures of another shape.
    """
    if not file.exists():
        _draw(file, shape, parts, unit, progress)
    pictures = np.load(file, mmap_mode="r")
    if pictures.shape != shape:
        raise ValueError(
            f"{file} holds pictures of shape {pictures.shape}, expected {shape}; remove it, and it is "
            "drawn again"
        )
    return pictures


def _draw(
    file: Path, shape: tuple[int, ...], parts: Iterable[np.ndarray], unit: str, progress: bool
) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part_of_it = file.with_suffix(".part.npy")
    pictures = np.lib.format.open_memmap(part_of_it, mode="w+", dtype=np.uint8, shape=shape)
    done = 0
    with tqdm(total=shape[0], unit=unit, desc="drawing", disable=not progress) as bar:
        for part in parts:
            pictures[done : done + len(part)] = part
            done += len(part)
            bar.update(len(part))
    pictures.flush()
    del pictures
    part_of_it.replace(file)
