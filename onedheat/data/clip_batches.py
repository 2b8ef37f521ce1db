"""Annotated clips as batches of short training clips, cut anew from their frames each time.

    for batch in ClipBatches(clips, plan, 128, 16, config, device=device):
        ...  # batch.images (B, T, 3, F, F) and batch.landmarks (B, T, N, 2), on the device

A training clip is T frames that follow one another, from a random one on, all seen alike: turned,
mirrored and framed by one `View`. In use the box comes from a frame's own landmarks (two passes, the
paper's way) or from those of the frame before (one pass), never quite exactly. So it is here: half of
the clips lag by a frame, and every box is off by a little of its own.

Light, lens and sensor, and what passes in front, change from frame to frame in ways that hang
together: they are the clips' own, see `onedheat.data.stills`; nothing is done to pixels here.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import Dataset

from onedheat.data.augment import AugmentConfig, draw_view
from onedheat.data.clips import ClipSet
from onedheat.data.crops import FaceBatch, Picture, Plan, cut_ahead, hidden_of
from onedheat.errors import DataError
from onedheat.geometry import warp


class TrainingClips(Dataset):
    """Clips of a set, a random piece of each.

    An item is asked for by (epoch, index), and these two and the seed decide it.

    Args:
        clips: the set; a clip of fewer than `frames` frames is refused.
        size: F in pixels.
        frames: T.
        augment: how much the crops vary; what it says of pixels is left out.
        seed: of the run.

    Raises:
        DataError: a clip is too short; the message names it.
    """

    def __init__(
        self, clips: ClipSet, size: int, frames: int, augment: AugmentConfig, *, seed: int = 0
    ):
        for index, clip in enumerate(clips.clips):
            if len(clip) < frames:
                raise DataError(
                    f"{clips.name_of(index)} has {len(clip)} frames, and training clips are to have "
                    f"{frames}; leave it out, or set frames={len(clip)}"
                )
        self.clips, self.size, self.frames = clips, size, frames
        self.augment, self.seed = augment, seed
        self.mirror = list(clips.scheme.mirror)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, at: tuple[int, int]) -> Picture:
        """One training clip: pixels (T, 3, F, F), landmarks (T, N, 2), hidden (T, N)."""
        epoch, index = at
        rng = np.random.default_rng([self.seed, epoch, index])
        clip = self.clips.clips[index]
        first = int(rng.integers(0, len(clip) - self.frames + 1))
        view, behind = draw_view(self.augment, rng), int(rng.random() < 0.5)
        off = rng.normal(0, self.augment.wobble, (self.frames, 2))
        pixels, landmarks = [], []
        for number in range(self.frames):
            t = first + number
            looked_at = clip.landmarks[max(first, t - behind)]
            shifted = view._replace(shift=view.shift + off[number])
            crop = shifted.crop(looked_at, self.size)
            pixels.append(warp(clip.frames[t], crop))
            points = crop.to_crop(clip.landmarks[t])
            landmarks.append(points[self.mirror] if view.mirrored else points)
        hidden = hidden_of(clip.visible, clip.landmarks, slice(first, first + self.frames))
        if view.mirrored:
            hidden = hidden[:, self.mirror]
        stacked = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
        points = torch.from_numpy(np.stack(landmarks)).float()
        return Picture(stacked, points, torch.from_numpy(hidden), index)


class ClipBatches:
    """Batches of training clips, ready on the device, in the order of a plan.

    Args:
        clips: the set.
        plan: which clips come when.
        size: F in pixels.
        frames: T.
        augment: how much the crops vary.
        seed: of the run.
        device: where the batches are wanted.
        workers: processes that make frames and cut ahead; 0 does it here.
    """

    def __init__(
        self,
        clips: ClipSet,
        plan: Plan,
        size: int,
        frames: int,
        augment: AugmentConfig,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
        workers: int = 0,
    ):
        self.plan, self.device, self.workers = plan, torch.device(device), workers
        self.pictures = TrainingClips(clips, size, frames, augment, seed=seed)

    def __len__(self) -> int:
        return len(self.plan)

    def __iter__(self) -> Iterator[FaceBatch]:
        for pictures in cut_ahead(self.pictures, self.plan, self.workers, self.device):
            yield pictures.on(self.device)
