"""What notebook 07 makes of clips: a detector and its trackers, looking at every frame."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float

from onedheat import atlas
from onedheat.atlas.clips import KeptFrames, drawn_clip
from onedheat.atlas.plan import RECURRENT_2D, RESOLUTIONS, recurrent_2d, tracker
from onedheat.course.photos import InMemory, photographs
from onedheat.data.clips import Clip, ClipSet
from onedheat.data.samples import FaceSet, Sample
from onedheat.data.stills import StillMotionConfig, clips_from_stills
from onedheat.geometry import Box, Crop, tight_box, warp
from onedheat.heatmaps import Heatmaps, heights
from onedheat.landmarks import IBUG68, scheme
from onedheat.metrics import point_errors
from onedheat.models import ClipNetwork, LandmarkNetwork, Tracker
from onedheat.pipeline import Landmarker, to_batch
from onedheat.plots.tracked import ClipSeen, Seen
from onedheat.plots.trackers import ALONE, COVERED, MEMORY
from onedheat.seed_results import Result

SIDE = 240  # pixels of the crops that are shown
AT_ONCE = 8  # frames that are looked at together
FOLLOWS = 0.5  # see `following`

Rows = dict[str, dict[int, tuple[float, ...]]]


def drawn_clips(numbers: Iterable[int], frames: int, seed: int = 1) -> ClipSet:
    """Some of the clips that the atlas' trackers are measured on, drawn now, in memory.

    Args:
        numbers: which.
        frames: T of each.
        seed: of the endless set; those of 0 are trained on.
    """
    drawn = (drawn_clip(number, frames, seed, "test") for number in numbers)
    clips = tuple(
        replace(clip, frames=KeptFrames(np.stack(list(clip.frames)), str(clip.frames)))
        for clip in drawn
    )
    return ClipSet("drawn clips", "test", IBUG68, clips)


def moving_portraits(landmarker: Landmarker, clips: int, frames: int, seed: int = 0) -> ClipSet:
    """The two photographs of the course before a moving camera, things that pass in front of them.

    Nobody annotated them: their landmarks are what the landmarker finds in the photo that stands still,
    the whole face in sight, and they move along with it.

    Args:
        landmarker: of 68 landmarks; it has to find one face at least in each photo, the surest is taken.
        clips: of each photo.
        frames: T of each clip, 30 a second.
        seed: of motion and things.
    """
    samples = []
    for name, photo in photographs().items():
        face = max(landmarker(photo), key=lambda face: face.confidence.mean())
        samples += clips * [Sample(InMemory(name, photo), face.landmarks, name, "portraits")]
    faces = FaceSet("portraits", "seen", landmarker.scheme, tuple(samples))
    return clips_from_stills(faces, frames, seed=seed, config=StillMotionConfig(occluders="test"))


def measured_by_decay(decays: Iterable[float]) -> dict[float, Result]:
    """λ → what was measured of the atlas' tracker of the finest grid that was trained with it."""
    return {decay: atlas.results()[tracker(RESOLUTIONS[-1], decay).name] for decay in decays}


def errors_by_resolution(covered: bool = False) -> Rows:
    """NRMSE of the atlas' detectors and trackers on the same clips.

    Args:
        covered: of the landmarks that something passes in front of; of all otherwise.

    Returns:
        Name of a row → L → NRMSE in per cent of each seed.
    """
    part, rows = COVERED if covered else "", {}
    for kind, entries in (
        ("2D", [recurrent_2d(bins) for bins in RECURRENT_2D]),
        ("1D", [tracker(bins) for bins in RESOLUTIONS]),
    ):
        measured = {entry.config.bins: atlas.results()[entry.name].nrmse for entry in entries}
        rows[f"{kind} detector"] = {
            bins: found[ALONE + part][:1] for bins, found in measured.items()
        }
        rows[f"{kind} tracker"] = {bins: found[MEMORY + part] for bins, found in measured.items()}
    return rows


class MemoryTaken(NamedTuple):
    """NRMSE in per cent of a network that remembers, and of the same weights that may not.

    Attributes:
        with_memory: of all landmarks, and of covered ones.
        without: the same where each frame is looked at as the first of a clip.
    """

    with_memory: tuple[float, float]
    without: tuple[float, float]


@torch.inference_mode()
def take_memory(network: ClipNetwork, clips: ClipSet) -> MemoryTaken:
    """What a network that looks at video finds with its memory, and what without.

    Args:
        network: 1D or 2D.
        clips: annotated, all of one length; their frames are looked at as by `see_clip`.
    """
    network.eval()
    cut = [_crops(network, clip) for clip in clips.clips]
    pictures, truth = torch.stack([one for one, _ in cut]), np.stack([one for _, one in cut])
    fresh = network.start(len(cut))
    state, found = fresh, ([], [])
    for now in pictures.unbind(dim=1):
        remembered, state = network.step(now, state)
        alone, _ = network.step(now, fresh)
        for output, into in zip((remembered, alone), found, strict=True):
            into.append(network.read(output, "dark").landmarks.cpu().double().numpy())
    truth = np.concatenate(truth)
    apart = clips.scheme.normalising_distance(truth)
    covered = ~np.concatenate([clip.visible for clip in clips.clips])
    errors = (
        point_errors(np.concatenate(np.stack(frames, axis=1)), truth, apart) for frames in found
    )
    return MemoryTaken(*((float(one.mean()), float(one[covered].mean())) for one in errors))


class Certainty(NamedTuple):
    """Covered landmarks about which the detector was about as sure.

    Attributes:
        lowest: of the lower of a landmark's two peaks, in heights of a target.
        highest: of the same.
        count: how many landmarks, of all frames together.
        alone: their mean error by the detector, in per cent of the inter-ocular distance.
        remembered: λ → the same by the tracker.
    """

    lowest: float
    highest: float
    count: int
    alone: float
    remembered: dict[float, float]


def by_certainty(clips: Iterable[ClipSeen], parts: int = 3) -> list[Certainty]:
    """Covered landmarks in so many equal parts, by how high the detector's heatmaps peak, the lowest first.

    A peak is as high as a target's where the detector knows a place, whether or not it is the right one.

    Args:
        clips: seen by trackers of the same λ; of one after the other the figures are kept.
        parts: how many.
    """
    peaks, alone, remembered = [], [], defaultdict(list)
    for clip in clips:
        peaks.append(_lower_peaks(clip.alone)[clip.covered])
        alone.append(clip.errors(clip.alone)[clip.covered])
        for decay, seen in clip.remembered.items():
            remembered[decay].append(clip.errors(seen)[clip.covered])
    peak, error = np.concatenate(peaks), np.concatenate(alone)
    of_decay = {decay: np.concatenate(errors) for decay, errors in remembered.items()}
    return [
        Certainty(
            float(peak[part].min()),
            float(peak[part].max()),
            len(part),
            float(error[part].mean()),
            {decay: float(errors[part].mean()) for decay, errors in of_decay.items()},
        )
        for part in np.array_split(peak.argsort(), parts)
    ]


def _lower_peaks(seen: Seen) -> Float[np.ndarray, "frames landmarks"]:
    return np.minimum(seen.x.max(axis=-1), seen.y.max(axis=-1))


@torch.inference_mode()
def see_clip(trackers: Mapping[float, Tracker], clip: Clip, name: str) -> ClipSeen:
    """A clip, seen by trackers of several λ and by the detector inside them, frame by frame.

    Each frame is looked at in the tight box of the last frame's labels, as the atlas measures it: what
    differs is the memory alone.

    Args:
        trackers: λ → the network, all around one detector.
        clip: annotated.
        name: what captions call it.
    """
    first = next(iter(trackers.values())).eval()
    pictures, truth = _crops(first, clip)
    # All frames at once would take more memory than the rest of the lesson.
    parts = [first.detect(few[None]) for few in pictures.split(AT_ONCE)]
    detected = Heatmaps(*(torch.cat(axis, dim=1) for axis in zip(*parts, strict=True)))
    shown = [
        warp(image, Crop.from_box(box, SIDE))
        for image, box in zip(clip.frames, _boxes(clip), strict=True)
    ]
    return ClipSeen(
        name,
        np.stack(shown),
        first.config.size,
        truth,
        ~clip.visible,
        scheme(first.config.scheme),
        _seen(first, detected),
        {
            decay: _remembered(tracker.eval(), detected, truth[..., 0], clip.visible)
            for decay, tracker in trackers.items()
        },
    )


def _boxes(clip: Clip) -> list[Box]:
    return [tight_box(clip.landmarks[max(0, t - 1)], 1.25) for t in range(len(clip))]


def _crops(
    network: LandmarkNetwork, clip: Clip
) -> tuple[Float[torch.Tensor, "frames 3 size size"], Float[np.ndarray, "frames landmarks 2"]]:
    """Each frame in the tight box of the last frame's labels, on the network's device, and its labels."""
    crops = [Crop.from_box(box, network.config.size) for box in _boxes(clip)]
    pictures = [warp(*pair) for pair in zip(clip.frames, crops, strict=True)]
    truth = [crop.to_crop(points) for crop, points in zip(crops, clip.landmarks, strict=True)]
    return to_batch(pictures, next(network.parameters()).device), np.stack(truth)


def _remembered(
    tracker: Tracker,
    detected: Heatmaps,
    places: Float[np.ndarray, "frames landmarks"],
    visible: Bool[np.ndarray, "frames landmarks"],
) -> Seen:
    """One frame after the other, with the state after each.

    Args:
        tracker: the network.
        detected: E of each frame.
        places: true x of each landmark, in pixels of the frame's crop.
        visible: whether it can be seen there.
    """
    state, refined, states = tracker.start(), [], []
    for x, y in zip(detected.x[0], detected.y[0], strict=True):
        found, state = tracker.refine(Heatmaps(x[None], y[None]), state)
        refined.append(found)
        states.append(state.x[0])
    vectors = Heatmaps(*(torch.stack(parts, dim=1) for parts in zip(*refined, strict=True)))
    state = torch.stack(states).cpu().numpy()
    return _seen(tracker, vectors, state, following(state, places, visible, tracker.config.size))


def following(
    state: Float[np.ndarray, "frames features positions"],
    places: Float[np.ndarray, "frames landmarks"],
    visible: Bool[np.ndarray, "frames landmarks"],
    size: int,
) -> tuple[int | None, ...]:
    """For each landmark the feature of a state that follows it best, in the frames in which it is seen.

    A feature follows a landmark where it is high at the landmark, within one position, and low elsewhere:
    its height there less its mean height, both as shares of its greatest, is `FOLLOWS` at least.

    Args:
        state: V of one axis after each frame.
        places: where each landmark is along that axis, in pixels of the crop.
        visible: whether it can be seen.
        size: F.

    Returns:
        A feature's number for each landmark; None where none follows it.
    """
    count = state.shape[-1]
    at = np.rint((places + 0.5) * count / size - 0.5).astype(int).clip(0, count - 1)
    share = state / np.maximum(state.max(axis=-1, keepdims=True), 1e-12)
    wide = np.pad(share, ((0, 0), (0, 0), (1, 1)))
    near = np.maximum.reduce([wide[..., :-2], share, wide[..., 2:]])
    there = np.take_along_axis(near, at[:, None], axis=-1)  # (frames, features, landmarks)
    there = there - share.mean(axis=-1)[..., None]
    weights = visible[:, None] / np.maximum(1, visible.sum(axis=0))
    scores = (there * weights).sum(axis=0)  # (features, landmarks)
    best = scores.argmax(axis=0)
    return tuple(
        int(feature) if scores[feature, landmark] >= FOLLOWS else None
        for landmark, feature in enumerate(best)
    )


def _seen(
    tracker: Tracker, vectors: Heatmaps, state=None, listens: tuple[int | None, ...] = ()
) -> Seen:
    few = zip(*(axis[0].split(AT_ONCE) for axis in vectors), strict=True)
    landmarks = torch.cat([tracker.read(Heatmaps(*part)).landmarks for part in few])
    landmarks = landmarks.cpu().double().numpy()
    high = (heights(part[0], **tracker.config.meaning) for part in vectors)
    return Seen(landmarks, *(part.cpu().numpy() for part in high), state, listens)
