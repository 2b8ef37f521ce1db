"""Annotated faces as training pictures, drawn anew each time they are asked for."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from onedheat.data.augment import MAX_BOX_SCALE, MAX_SHIFT, AugmentConfig, draw_crop
from onedheat.data.samples import FaceSet, Sample
from onedheat.geometry import tight_box, warp


class Picture(NamedTuple):
    """One training picture.

    Attributes:
        pixels: (3, F, F) uint8.
        landmarks: (N, 2) in pixels of the picture.
        index: of the face in its set.
    """

    pixels: UInt8[Tensor, "3 size size"]
    landmarks: Float[Tensor, "landmarks 2"]
    index: int


class TrainingPictures(Dataset):
    """Faces of a set, each cropped at random.

    An item is asked for by (epoch, index), and these two and the seed decide it: a resumed run sees
    what the unbroken one would have seen, whichever worker does the work.

    Args:
        faces: the set.
        size: F in pixels.
        augment: how much the pictures vary.
        seed: of the run.
        cache_bytes: photos are kept decoded in memory up to this much, each cut to what any crop of
            its face can reach.
    """

    def __init__(
        self,
        faces: FaceSet,
        size: int,
        augment: AugmentConfig,
        *,
        seed: int = 0,
        cache_bytes: int = 2 * 10**9,
    ):
        self.faces, self.size, self.augment, self.seed = faces, size, augment, seed
        self.mirror = list(faces.scheme.mirror)
        self.kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.room = cache_bytes

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, at: tuple[int, int]) -> Picture:
        epoch, index = at
        rng = np.random.default_rng([self.seed, epoch, index])
        sample = self.faces.samples[index]
        image, corner = self._reach(index, sample)
        landmarks = sample.landmarks - corner
        crop, mirrored = draw_crop(landmarks, self.size, self.augment, rng)
        pixels = torch.from_numpy(warp(image, crop)).permute(2, 0, 1)
        landmarks = crop.to_crop(landmarks)
        if mirrored:
            landmarks = landmarks[self.mirror]
        return Picture(pixels, torch.from_numpy(landmarks).float(), index)

    def _reach(self, index: int, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        """The part of a photo that any crop of its face can show, and where it begins."""
        if index not in self.kept:
            image = sample.image()
            # A square turned by 45° reaches √2 times its half side.
            widest = MAX_BOX_SCALE * (2**0.5 + 2 * MAX_SHIFT * self.augment.shift)
            low, high = np.split(tight_box(sample.landmarks, widest), 2)
            end = np.array([image.shape[1], image.shape[0]])
            first = np.clip(np.floor(low).astype(int), 0, end - 1)
            last = np.clip(np.ceil(high).astype(int) + 1, first + 1, end)
            part = np.ascontiguousarray(image[first[1] : last[1], first[0] : last[0]])
            if self.room < part.nbytes:
                return part, first
            self.room -= part.nbytes
            self.kept[index] = part, first
        return self.kept[index]
