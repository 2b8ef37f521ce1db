"""How good the averaged weights are by now, on faces of photos that are not trained on."""

import logging

from onedheat.data.clips import ClipSet, drawn_frames
from onedheat.data.crops import BAD_SHARE
from onedheat.data.images import ImageError
from onedheat.data.samples import FaceSet
from onedheat.errors import DataError
from onedheat.evaluation import Report, evaluate, evaluate_clips
from onedheat.pipeline import Landmarker
from onedheat.training.sheet import SampleSheet, draw_sheet

EVERY = 4
"""Every so many frames of a clip σ and confidence are calibrated on."""

_log = logging.getLogger(__name__)


class FaceValidation:
    """The faces held out.

    A photo that cannot be read is left out from then on, with a warning; more than a few such are an
    error, as in training.

    Args:
        faces: those.
        drawn: how many of them a sheet shows; 0 for no sheet.
        seed: chooses these.
    """

    def __init__(self, faces: FaceSet, drawn: int, seed: int):
        self.faces, self.drawn, self.seed = faces, drawn, seed

    @property
    def held_out(self) -> FaceSet:
        """What is held out."""
        return self.faces

    def measure(self, landmarker: Landmarker) -> Report:
        """The landmarker's errors.

        Raises:
            DataError: too many photos cannot be read.
        """
        try:
            return evaluate(landmarker, self.faces)
        except ImageError:
            self._leave_out_unreadable()
            return evaluate(landmarker, self.faces)

    def draw(self, landmarker: Landmarker, title: str) -> SampleSheet | None:
        """A sheet of some of the faces, the same each time."""
        if not self.drawn:
            return None
        shown = self.faces.drawn(self.drawn, self.seed)
        return draw_sheet(landmarker, shown.samples, shown.scheme, title)

    def _leave_out_unreadable(self) -> None:
        faults: dict[int, str] = {}
        for number, sample in enumerate(self.faces.samples):
            try:
                sample.image()
            except ImageError as error:
                faults[number] = str(error)
        if len(faults) > max(3, BAD_SHARE * len(self.faces)) or len(faults) == len(self.faces):
            raise DataError(
                f"{len(faults)} of {len(self.faces)} validation faces cannot be read, the last: "
                f"{list(faults.values())[-1]}"
            )
        for fault in faults.values():
            _log.warning("%s; validation goes on without it", fault)
        bad = {id(self.faces.samples[number]) for number in faults}
        self.faces = self.faces.where(lambda sample: id(sample) not in bad, self.faces.split)


class ClipValidation:
    """The clips held out: every frame is measured, with what is remembered of those before it.

    Args:
        clips: those.
        drawn: how many frames a sheet shows, each as if it were the first; 0 for no sheet.
        seed: chooses these.
    """

    def __init__(self, clips: ClipSet, drawn: int, seed: int):
        self.held_out, self.drawn, self.seed = clips, drawn, seed
        self.faces = clips.faces(every=EVERY)

    def measure(self, landmarker: Landmarker) -> Report:
        """The landmarker's errors, and how much its landmarks shake."""
        return evaluate_clips(landmarker, self.held_out)

    def draw(self, landmarker: Landmarker, title: str) -> SampleSheet | None:
        """A sheet of some of the frames, the same each time."""
        if not self.drawn:
            return None
        shown = drawn_frames(self.held_out, self.drawn, self.seed)
        return draw_sheet(landmarker, shown.samples, shown.scheme, title)


def validation_of(
    held_out: FaceSet | ClipSet, drawn: int, seed: int
) -> FaceValidation | ClipValidation:
    """What measures a network on faces, or on clips, that are held out."""
    kind = ClipValidation if isinstance(held_out, ClipSet) else FaceValidation
    return kind(held_out, drawn, seed)
