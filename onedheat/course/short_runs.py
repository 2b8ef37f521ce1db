"""Short runs on drawn faces, and what is kept of them while a learner watches (notebook 05).

The loop is the package's own, `onedheat.training.Run`. What is added here is a look at the validation
faces at each of its validations.
"""

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from jaxtyping import Float

from onedheat.atlas.faces import kept_faces
from onedheat.atlas.plan import one_dimensional, recipe
from onedheat.data.samples import FaceSet
from onedheat.faces import Boxes
from onedheat.geometry import Crop, tight_box
from onedheat.heatmaps import Loss, heights
from onedheat.metrics import nrmse
from onedheat.models import Detector, DetectorConfig
from onedheat.pipeline import Landmarker, cut_out
from onedheat.plots import FaceView
from onedheat.plots.sharpening import Moment, Sharpening
from onedheat.presets import Preset
from onedheat.training import Run

BINS = 128  # L; twice F
SIGMA = 4.0  # px; the wider a target, the sooner L2 finds it
TRAINED_ON, HELD_OUT = 0, 1  # seeds of the drawn faces: other people
SIDE = 256  # pixels of the faces that are shown

Points = Float[np.ndarray, "faces landmarks 2"]


def use_device(device: str) -> None:
    """Has the runs that follow train on a processor or a GPU.

    accelerate takes a GPU wherever there is one, and decides once a process, unless it is told.

    Args:
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        ValueError: no such device, or none here.
    """
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device must be 'cpu' or 'cuda', got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device = 'cuda', and PyTorch sees no GPU here; 'cpu' trains as well")
    os.environ["ACCELERATE_USE_CPU"] = str(device == "cpu").lower()
    PartialState._reset_state()


def draw_faces(
    training: int, held_out: int, folder: Path, *, workers: int = 2
) -> tuple[FaceSet, FaceSet]:
    """Faces to train on and faces of other people to validate on, drawn into a folder."""
    return (
        kept_faces(training, TRAINED_ON, folder / "training.npy", workers=workers),
        kept_faces(held_out, HELD_OUT, folder / "held_out.npy", workers=workers),
    )


def short_preset(loss: Loss = "l2", **changes: Any) -> Preset:
    """The atlas' trunk, F = 64 and L = 128, with a recipe for some hundred steps.

    Args:
        loss: ``"l2"`` (Eq. 11) or ``"cross_entropy"``.
        changes: what is to differ in the recipe, by the names of `TrainConfig`.
    """
    config = replace(one_dimensional(BINS).config, loss=loss, target_sigma=SIGMA)
    train = replace(
        recipe(0),
        batch_size=8,
        learning_rate=3e-3,
        warmup_steps=50,
        ema=0.99,
        ema_warmup=True,
        precision="fp32",
    )
    return Preset(config, replace(train, **changes), "a detector for a lesson")


# Looking at it -----------------------------------------------------------------------------------


class Watch:
    """Looks at the validation faces whenever it is called with a run, as `Run` does with its
    `on_validation`.

    Args:
        faces: the validation faces.
        shown: which of them are shown.

    Attributes:
        moments: for each shown face, what the averaged weights made of it, look by look.
        varied: at each look how much the answers differ from face to face, as a share of how much the
            true landmarks do; see `variation`.
    """

    def __init__(self, faces: FaceSet, shown: Sequence[int] = (0,)):
        self.scheme = faces.scheme
        self.images = [sample.image() for sample in faces.samples]
        self.truth = faces.landmarks()
        self.boxes = boxes_of(self.truth)
        self.shown = list(shown)
        self.moments: dict[int, list[Moment]] = {face: [] for face in self.shown}
        self.varied: list[float] = []

    def __call__(self, run: Run) -> None:
        """Looks, and keeps what is seen."""
        network = run.average.module
        config = network.config
        found = Landmarker(network).locate(self.images, self.boxes).landmarks
        errors = nrmse(found, self.truth, self.scheme.normalising_distance(self.truth))
        x, y = self._vectors(network)
        for number, face in enumerate(self.shown):
            points = Crop.from_box(self.boxes[face], config.size).to_crop(found[face])
            images = run.step * run.config.batch_size
            moment = Moment(images, float(errors.mean()), points, x[number], y[number])
            self.moments[face].append(moment)
        answers, truth = (in_boxes(points, self.boxes) for points in (found, self.truth))
        self.varied.append(variation(answers) / variation(truth))

    @torch.inference_mode()
    def _vectors(self, network: Detector) -> list[Float[np.ndarray, "shown landmarks bins"]]:
        """Both vectors of the shown faces, in heights of a target."""
        config, device = network.config, next(network.parameters()).device
        images = [self.images[face] for face in self.shown]
        pictures, _ = cut_out(images, self.boxes[self.shown], config.size, device)
        found = [heights(v, **config.meaning) for v in network.eval()(pictures)]
        return [vectors.cpu().double().numpy() for vectors in found]

    def view(self, face: int, name: str, size: int) -> FaceView:
        """One of the faces with its true landmarks, as figures show it; `size` is F."""
        known = self.images[face], self.truth[face]
        return FaceView.from_photo(name, *known, size, scheme=self.scheme, side=SIDE)


def boxes_of(landmarks: Points) -> Boxes:
    """The box of each face, `tight_box` 1.25."""
    return np.stack([tight_box(points, 1.25) for points in landmarks])


def in_boxes(landmarks: Points, boxes: Boxes) -> Points:
    """Landmarks as shares of their boxes' sides: what a network has to say of each face."""
    corners, sides = boxes[:, None, :2], (boxes[:, 2:] - boxes[:, :2])[:, None]
    return (landmarks - corners) / sides


def variation(points: Points) -> float:
    """How far landmarks lie from their own mean over the faces, root mean square."""
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=-1).mean()))


def nrmse_of_mean_face(training: FaceSet, held_out: FaceSet) -> float:
    """NRMSE in per cent of who puts the mean of the training landmarks into every box.

    What a network reaches that has learned where landmarks lie, and nothing about looking.
    """
    learned, truth = training.landmarks(), held_out.landmarks()
    mean = in_boxes(learned, boxes_of(learned)).mean(axis=0)
    boxes = boxes_of(truth)
    answer = boxes[:, None, :2] + mean * (boxes[:, 2:] - boxes[:, :2])[:, None]
    return float(nrmse(answer, truth, held_out.scheme.normalising_distance(truth)).mean())


# Training and watching ----------------------------------------------------------------------------


def ask_to_stop(_run: Run) -> None:
    """What Ctrl-C does, or the ■ of a notebook: as `on_validation` it stops a run at its first one."""
    signal.raise_signal(signal.SIGINT)


@dataclass(frozen=True, eq=False)
class WatchedRun:
    """A run that is over.

    Attributes:
        watch: what was seen of it.
        fault: why it ended early, as the run says it; empty where it did not.
    """

    watch: Watch
    fault: str = ""


def train_watched(
    preset: Preset,
    training: FaceSet,
    held_out: FaceSet,
    out: Path,
    *,
    shown: Sequence[int] = (0,),
    stop_after: int | None = None,
) -> WatchedRun:
    """Trains, and looks at every validation, until something ends it: its last step, a loss that is not
    finite, or enough seen.

    Args:
        preset: what is trained and how.
        training: faces to train on.
        held_out: faces of other people.
        out: the run's folder.
        shown: which of `held_out` are shown.
        stop_after: validations after which the run is asked to stop, as Ctrl-C would.
    """
    watch = Watch(held_out, shown)

    def look(run: Run) -> None:
        watch(run)
        if len(run.history) == stop_after:
            ask_to_stop(run)

    run = Run(
        preset,
        training,
        out,
        held_out=held_out,
        progress=False,
        samples=0,
        on_validation=look,
    )
    watch(run)
    try:
        run.train()
    except FloatingPointError as error:
        return WatchedRun(watch, str(error))
    return WatchedRun(watch)


def sharpening_views(
    runs: Mapping[str, Watch],
    faces: Mapping[int, str],
    config: DetectorConfig,
    constant: float,
) -> dict[str, Sharpening]:
    """Each shown face's picture, to be moved.

    Args:
        runs: name → what was seen of it.
        faces: shown face → what it is called.
        config: of the networks.
        constant: see `nrmse_of_mean_face`.
    """
    watch = next(iter(runs.values()))
    return {
        name: Sharpening(
            watch.view(face, name, config.size),
            {title: one.moments[face] for title, one in runs.items()},
            config.target_sigma,
            constant,
        )
        for face, name in faces.items()
    }
