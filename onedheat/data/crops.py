"""Annotated faces as batches of training pictures, cut anew from their photos each time.

    for batch in FaceBatches(faces, plan, 128, config, device=device):
        ...  # batch.images (B, 3, F, F) and batch.landmarks (B, N, 2), on the device

Photos are decoded once and kept, each cut to what any crop of its face can show. Where the network
computes on a GPU they are kept there and cut there, a batch at a time; elsewhere OpenCV cuts them one
by one. Both draw the same crops, and their pictures agree to one grey level.

A photo that cannot be read stops nothing: the next face of the set takes its place, always the same
one, and a warning names the file once. Where more than a few are like that, something else is wrong.
"""

import logging
import multiprocessing
import signal
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from onedheat.data.augment import AugmentConfig, draw_crop, reach
from onedheat.data.images import ImageError
from onedheat.data.samples import FaceSet
from onedheat.errors import DataError
from onedheat.geometry import Bend, Crop, warp, warp_batch

KEPT_BYTES = 2 * 10**9
IN_A_ROW = 8  # faces tried before the data are given up
BAD_SHARE = 0.01  # of the faces may be unreadable, or three

_log = logging.getLogger(__name__)


@runtime_checkable
class Plan(Protocol):
    """Which faces come when: batches of (pass, index of the face)."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[list[tuple[int, int]]]: ...


class Picture(NamedTuple):
    """One training picture, or, stacked, a batch of them; of video one clip, with an axis of frames.

    Attributes:
        pixels: (3, F, F) uint8; of clips (T, 3, F, F).
        landmarks: (N, 2) in pixels of the picture; NaN where there is no annotation.
        hidden: (N,), which of them are known not to be seen.
        index: of the face in its set; another than was asked for where that could not be read.
    """

    pixels: UInt8[Tensor, "*batch 3 size size"]
    landmarks: Float[Tensor, "*batch landmarks 2"]
    hidden: Bool[Tensor, "*batch landmarks"]
    index: int | Int64[Tensor, "*batch"]

    def on(self, device: torch.device) -> "FaceBatch":
        """Stacked ones, ready on a device."""
        return FaceBatch(
            self.pixels.to(device, non_blocking=True).float().div(255),
            self.landmarks.to(device, non_blocking=True),
            self.hidden.to(device, non_blocking=True),
            self.index,
        )


class FaceBatch(NamedTuple):
    """Training pictures, ready on the device, or clips of T of them.

    Attributes:
        images: (B, 3, F, F), or (B, T, 3, F, F), in [0, 1].
        landmarks: (B, N, 2), or (B, T, N, 2), in pixels of the pictures; NaN where there is no
            annotation.
        hidden: (B, N), or (B, T, N), which of them are known not to be seen.
        indices: (B,) of the faces, or clips, in their set, on the processor.
    """

    images: Float[Tensor, "*batch 3 size size"]
    landmarks: Float[Tensor, "*batch landmarks 2"]
    hidden: Bool[Tensor, "*batch landmarks"]
    indices: Int64[Tensor, "faces"]


class PhotoPart(NamedTuple):
    """The part of a photo that any crop of its face can show, and where in the photo it begins."""

    pixels: UInt8[Tensor, "height width 3"]
    corner: Int64[np.ndarray, "2"]


class PhotoStore:
    """The photos of a set, decoded when first asked for and kept as long as there is room.

    Args:
        faces: the set.
        augment: how far crops reach.
        device: where the photos are kept.
        room: bytes.
    """

    def __init__(self, faces: FaceSet, augment: AugmentConfig, device: torch.device, room: int):
        self.faces, self.augment, self.device, self.room = faces, augment, device, room
        self.kept: dict[int, PhotoPart] = {}

    def __getitem__(self, index: int) -> PhotoPart:
        """The photo of a face. Raises `DataError` if the face has no box, `ImageError` if it cannot be
        read.
        """
        if index in self.kept:
            return self.kept[index]
        part = self._read(index)
        if part.pixels.nbytes <= self.room:
            self.room -= part.pixels.nbytes
            self.kept[index] = part
        return part

    def _read(self, index: int) -> PhotoPart:
        sample = self.faces.samples[index]
        try:
            low, high = np.split(reach(sample.landmarks, self.augment), 2)
        except ValueError as error:
            raise DataError(f"{sample.source}: {error}") from error
        image = sample.image()
        end = np.array([image.shape[1], image.shape[0]])
        first = np.clip(np.floor(low).astype(int), 0, end - 1)
        last = np.clip(np.ceil(high).astype(int) + 1, first + 1, end)
        part = np.ascontiguousarray(image[first[1] : last[1], first[0] : last[0]])
        return PhotoPart(torch.from_numpy(part).to(self.device), first)


class TrainingPictures(Dataset):
    """Faces of a set, each cropped at random.

    An item is asked for by (epoch, index), and these two and the seed decide it: a resumed run sees
    what the unbroken one would have seen, whichever worker or device does the work.

    Args:
        faces: the set.
        size: F in pixels.
        augment: how much the crops vary.
        seed: of the run.
        device: where photos are kept, and cut by `batch`.
        keep: bytes of photos that are kept decoded.
    """

    def __init__(
        self,
        faces: FaceSet,
        size: int,
        augment: AugmentConfig,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
        keep: int = KEPT_BYTES,
    ):
        self.size, self.augment, self.seed = size, augment, seed
        self.photos = PhotoStore(faces, augment, torch.device(device), keep)
        self.landmarks = [sample.landmarks for sample in faces.samples]
        self.hidden = [hidden_of(sample.visible, sample.landmarks) for sample in faces.samples]
        self.mirror = list(faces.scheme.mirror)

    def __len__(self) -> int:
        return len(self.landmarks)

    def __getitem__(self, at: tuple[int, int]) -> Picture:
        """One picture, cut by OpenCV."""
        part, crop, bend, landmarks, hidden, index = self._draw(at)
        pixels = torch.from_numpy(warp(part.numpy(), crop, bend)).permute(2, 0, 1)
        return Picture(pixels, landmarks, hidden, index)

    def batch(self, ats: Sequence[tuple[int, int]]) -> Picture:
        """Several pictures, stacked, cut where the photos are kept."""
        parts, crops, bends, landmarks, hidden, indices = zip(*map(self._draw, ats), strict=True)
        pixels = warp_batch(parts, crops, bends)
        return Picture(pixels, torch.stack(landmarks), torch.stack(hidden), torch.tensor(indices))

    def _draw(
        self, at: tuple[int, int]
    ) -> tuple[
        UInt8[Tensor, "height width 3"],
        Crop,
        Bend | None,
        Float[Tensor, "landmarks 2"],
        Bool[Tensor, "landmarks"],
        int,
    ]:
        """Everything about a picture but its pixels: the photo, the crop, how the photo is bent, the
        landmarks in the crop, which of them are hidden, and whose they are.
        """
        epoch, index = at
        rng = np.random.default_rng([self.seed, epoch, index])
        index, (part, corner) = self._readable(index)
        drawn = draw_crop(self.landmarks[index] - corner, self.size, self.augment, rng)
        order = self.mirror if drawn.mirrored else slice(None)
        landmarks = torch.from_numpy(drawn.landmarks[order]).float()
        hidden = torch.from_numpy(self.hidden[index][order])
        return part, drawn.crop, drawn.bend, landmarks, hidden, index

    def _readable(self, index: int) -> tuple[int, PhotoPart]:
        """The first face from `index` on whose photo can be read. Raises `DataError` if none near can."""
        tried = [(index + further) % len(self) for further in range(min(IN_A_ROW, len(self)))]
        for other in tried:
            try:
                return other, self.photos[other]
            except ImageError as error:
                fault = error
        raise DataError(
            f"{len(tried)} faces in a row cannot be read, the last: {fault}. Are the data still where "
            "they were?"
        ) from fault


class FaceBatches:
    """Batches of training pictures, ready on the device, in the order of a plan.

    Args:
        faces: the set.
        plan: which faces come when.
        size: F in pixels.
        augment: how much the crops vary.
        seed: of the run.
        device: where the batches are wanted.
        workers: processes that read and cut ahead, for photos that do not fit into memory; 0 does it
            here, on a GPU by the GPU.
        keep: bytes of photos that are kept decoded, on a GPU in its memory.
    """

    def __init__(
        self,
        faces: FaceSet,
        plan: Plan,
        size: int,
        augment: AugmentConfig,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
        workers: int = 0,
        keep: int = KEPT_BYTES,
    ):
        self.plan, self.device, self.workers = plan, torch.device(device), workers
        self.faces, self.unreadable = faces, set[int]()
        self.cut_on_device = self.device.type == "cuda" and not workers
        self.pictures = TrainingPictures(
            faces,
            size,
            augment,
            seed=seed,
            device=self.device if self.cut_on_device else "cpu",
            keep=keep // max(1, workers),
        )

    def __len__(self) -> int:
        return len(self.plan)

    def __iter__(self) -> Iterator[FaceBatch]:
        for ats, pictures in zip(self.plan, self._cut(), strict=True):
            for (_, asked), got in zip(ats, pictures.index.tolist(), strict=True):
                if asked != got and asked not in self.unreadable:
                    self._note_unreadable(asked)
            yield pictures.on(self.device)

    def _note_unreadable(self, index: int) -> None:
        """Says which face was left out. Raises `DataError` when these are too many."""
        self.unreadable.add(index)
        try:
            self.faces.samples[index].image()
            fault = f"{self.faces.samples[index].source} could not be read a moment ago"
        except ImageError as error:
            fault = str(error)
        if len(self.unreadable) > max(3, BAD_SHARE * len(self.faces)):
            raise DataError(
                f"{len(self.unreadable)} of {len(self.faces)} faces cannot be read, the last: {fault}"
            )
        _log.warning("%s; the next face takes its place", fault)

    def _cut(self) -> Iterator[Picture]:
        if self.cut_on_device:
            yield from map(self.pictures.batch, self.plan)
        else:
            yield from cut_ahead(self.pictures, self.plan, self.workers, self.device)


def hidden_of(
    visible: Bool[np.ndarray, "*frames landmarks"] | None,
    landmarks: Float[np.ndarray, "*frames landmarks 2"],
    part: slice = slice(None),
) -> Bool[np.ndarray, "*part landmarks"]:
    """Which landmarks are known not to be seen, of a clip in a part of its frames; none where a data set
    does not say.
    """
    return np.zeros(landmarks[part].shape[:-1], bool) if visible is None else ~visible[part]


def _one_has_ended(workers: Collection[BaseProcess]) -> bool:
    """Whether one is no longer there. One that was killed a moment ago is given a second to be gone."""
    for worker in workers:
        worker.join(1 / len(workers))
    return any(worker.exitcode is not None for worker in workers)


@contextmanager
def _found_out_in_between() -> Iterator[None]:
    """Workers are begun in it. That one has died is then found out when the next batch is asked for, and
    not, as PyTorch would have it, by a signal in the middle of a step: who asks all processes to stop
    ends the workers, and a step must be made to its end all the same.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGCHLD"):
        yield
        return
    before = signal.getsignal(signal.SIGCHLD)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


def cut_ahead(
    pictures: Dataset, plan: Plan, workers: int, device: torch.device
) -> Iterator[Picture]:
    """Batches of a plan, on the processor: by so many processes that work ahead, or here for 0.

    Raises:
        DataError: one of the processes was ended from outside.
    """
    if workers:
        how = {"num_workers": workers, "pin_memory": device.type == "cuda"}
        ahead = DataLoader(pictures, batch_sampler=plan, **how)
        others = set(multiprocessing.active_children())
        with _found_out_in_between():
            batches = iter(ahead)
        begun = set(multiprocessing.active_children()) - others
        try:
            yield from batches
        except (RuntimeError, OSError, EOFError) as error:  # of a connection that broke, too
            if not _one_has_ended(begun):
                raise
            raise DataError(
                "a process that prepares pictures has ended, as one does where memory is short; fewer "
                "of them (--set workers=…) need less"
            ) from error
    else:
        for ats in plan:
            yield default_collate([pictures[at] for at in ats])
