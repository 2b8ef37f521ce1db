"""The loop (`Run.train`), whose steps are `Learner.learn`, and the folder it writes:

    RUN/run.json            what was asked for
    RUN/metrics.csv         one line per validation
    RUN/samples.png         some validation faces with what is found by now
    RUN/checkpoints, last   see `onedheat.training.saving`: `onedheat.load("RUN/last")` uses the newest

Which pictures a step sees, and how they vary, follows from (seed, step) alone, so a resumed run goes
the way of the unbroken one, bit for bit on one kind of processor.

Several GPUs or machines work on one run when the same program is started by `accelerate launch`, or
by accelerate's `notebook_launcher`: each works on its part of every batch, and the first of them
writes, validates and speaks.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from onedheat.calibration import ENOUGH
from onedheat.checkpoints import write_weights
from onedheat.data.clip_batches import ClipBatches
from onedheat.data.clips import ClipSet
from onedheat.data.crops import FaceBatches
from onedheat.data.images import ImageError
from onedheat.data.samples import FaceSet
from onedheat.errors import DataError
from onedheat.landmarks import Scheme, scheme
from onedheat.models import KINDS, ClipNetwork, LandmarkNetwork, NetworkConfig
from onedheat.pipeline import MIN_PLACED_PEAK, Landmarker
from onedheat.place import Place
from onedheat.presets import Preset
from onedheat.reliability import annotated_landmarks, fitted, gather
from onedheat.reports import Report
from onedheat.training.blame import faces_to_blame, verdict
from onedheat.training.keeping import Keeper, alone_in
from onedheat.training.learner import Learner
from onedheat.training.logs import Logs, Measured
from onedheat.training.losses import Losses
from onedheat.training.machine import (
    make_accelerator,
    share_statistics,
    stop_requests,
    told_by_main,
)
from onedheat.training.placing import learn_place
from onedheat.training.saving import STATE, Checkpoints
from onedheat.training.schedule import Batches, MicroBatches
from onedheat.training.settings import as_json, claim_folder
from onedheat.training.starting import check_start, digest, network_of
from onedheat.training.validation import validation_of
from onedheat.video import VideoError

WITHOUT_ASKING = 20
"""Steps that a GPU is given before it is asked for a number, which it must first have caught up with."""

_log = logging.getLogger(__name__)


class Run:
    """A training run and its folder.

    Wherever it is stopped, and by whatever, `resume` goes on from the newest checkpoint; see `Keeper`
    for a disk that is full and `onedheat.data.crops` for photos that cannot be read.

    Args:
        preset: what is trained and how.
        faces: annotated faces, or clips for a network that looks at video; a share of their photos is
            held out for validation.
        out: the run's folder.
        held_out: faces of other photos to validate on; all of `faces` is then trained on.
        start: weights to start from instead of random ones, as a network, a shipped name or a folder:
            whatever of them fits, see `take_over`.
        resume: continue what is there instead of refusing to touch it.
        progress: show a bar on standard error.
        tensorboard: write for TensorBoard too, into RUN/tensorboard.
        samples: validation faces that are drawn at each validation.
        find_place: look where in a face points of one's own lie, see `learn_place`: `detect` must know it,
            validation does without.
        on_validation: called with the run after each validation, in the main process: its `history`
            has what was measured, e.g. for a live plot.

    Raises:
        CheckpointError: the folder holds a run and `resume` is not set, or one of other settings or
            other faces, or no checkpoint in it can be used; or there are no weights to start from.
        TypeError: a start that is none of the three.
        ValueError: too few faces, a scheme that is not the detector's, fp16 without a GPU, a batch that
            the processes cannot share evenly, or a start that does not fit, see `check_start`.
    """

    def __init__(
        self,
        preset: Preset,
        faces: FaceSet | ClipSet,
        out: str | Path,
        *,
        held_out: FaceSet | ClipSet | None = None,
        start: LandmarkNetwork | str | Path | None = None,
        resume: bool = False,
        progress: bool = True,
        tensorboard: bool = False,
        samples: int = 8,
        find_place: bool = True,
        on_validation: Callable[["Run"], object] | None = None,
    ):
        start = network_of(start)
        _check_faces(preset.detector, faces)
        self.out, self.on_validation, self.config = Path(out), on_validation, preset.train
        self.training, self._finds_place = faces, find_place
        self._sets_aside = held_out is None
        if held_out is None:
            self.training, held_out = faces.divided(self.config.validation, self.config.seed)
        self._held_out = validation_of(held_out, samples, self.config.seed)
        self.accelerator = make_accelerator(self.config.precision)
        self.is_main = self.accelerator.is_main_process
        self.progress = progress and self.is_main
        # What cannot be divided, or built, is refused before a folder is claimed.
        plan = self._plan()
        anew = check_start(preset, start)
        if anew and self.is_main:
            _log.info("%s", anew)
        self.learner = Learner(preset.detector, self.config, plan, self.accelerator, start)
        self.losses = Losses(self.accelerator)
        self.seconds = 0.0
        state = told_by_main(self.accelerator, lambda: self._open_folder(faces, start, resume))
        if state is not None:
            self._restore(state)
        self.keeper = Keeper(
            self.checkpoints if self.is_main else None,
            self.config.save_minutes,
            step=-1 if state is None else self.step,
        )
        self.logs = Logs(self.out if self.is_main else None, self.step, tensorboard=tensorboard)

    @property
    def step(self) -> int:
        """Steps made."""
        return self.learner.step

    @property
    def bare(self) -> LandmarkNetwork:
        """The network that is trained."""
        return self.learner.bare

    @property
    def average(self) -> AveragedModel:
        """The average of its weights; `average.module` is the network to use."""
        return self.learner.average

    @property
    def validation(self) -> FaceSet | ClipSet:
        """The faces, or clips, held out."""
        return self._held_out.held_out

    @property
    def history(self) -> list[Measured]:
        """The lines of metrics.csv, in the main process."""
        return self.logs.history

    def about(self) -> str:
        """The run in a sentence."""
        work, points = self.accelerator, self.training.scheme
        together = f"{work.num_processes} processes, " if work.num_processes > 1 else ""
        return (
            f"{len(self.training)} {self._what}s to train on, {len(self.validation)} of other photos to "
            f"validate; {len(points)} points ({points.name}); {together}{work.device.type}, "
            f"{work.mixed_precision.replace('no', 'fp32')}"
        )

    # The loop -----------------------------------------------------------------------------------

    def train(self) -> Report | None:
        """Trains to the end, or until it is asked to stop. Either way the newest state is saved.

        Returns:
            The last validation, or None if the run was stopped before its end.

        Raises:
            DataError: too many faces can no longer be read; the state is saved.
            FloatingPointError: the loss is not finite; the message names step and faces, or clips, and the
                newest checkpoint is from before.
            CheckpointError: the state could not be saved at the end, or another process trains here.
        """
        config, batches, report = self.config, self.learner.plan.batches, None
        pictures = iter(self._pictures(self.step))
        self.keeper.begin()
        before, started = self.seconds, time.monotonic()
        with (
            alone_in(self.out) if self.is_main else nullcontext(),
            closing(self.logs),
            self._bar(batches) as bar,
            stop_requests() as stop_asked,
            self._saved_if_data_fail(),
        ):
            self.logs.begin()
            if self.step < batches.steps:
                self._learn_place()
            for step in range(self.step, batches.steps):
                # This process's share of the batch, in as many parts as memory asks for.
                parts = list(islice(pictures, config.accumulate))
                self.losses.add(step, self.learner.learn(parts))
                self.seconds = before + time.monotonic() - started
                bar.update(config.batch_size)

                at_end = self.step == batches.steps
                validating = at_end or self.step % (batches.per_pass * config.validate_every) == 0
                if validating:
                    self._settle()
                    report = told_by_main(self.accelerator, self._validate_and_tell)
                    self.losses.forget()
                elif self._may_ask():
                    self._read_losses()
                if validating or self.step % WITHOUT_ASKING == 0:
                    bar.set_postfix_str(self._in_words())
                if at_end:
                    told_by_main(self.accelerator, self._calibrate)

                stopping, due = self._agree(stop_asked())
                if at_end or stopping or due:
                    self._save(last=at_end or stopping, give_up=stop_asked)
                if stopping and not at_end:
                    return None
        return report or told_by_main(self.accelerator, self.validate)

    def _learn_place(self) -> None:
        """Learns where in a face points of one's own lie, which may be any part of it, unless it is known."""
        network = self.average.module
        own = isinstance(network.config.scheme, Scheme)
        if own and self._finds_place and network.place is None:
            network.place = told_by_main(
                self.accelerator, lambda: learn_place(self.training, self.config.seed)
            )

    def _plan(self, first_step: int = 0) -> MicroBatches:
        batches = Batches(len(self.training), self.config, first_step)
        return MicroBatches(batches, self.accelerator.process_index, self.accelerator.num_processes)

    def _pictures(self, first_step: int) -> FaceBatches | ClipBatches:
        config, plan, size = self.config, self._plan(first_step), self.bare.config.size
        how = {
            "seed": config.seed,
            "device": self.accelerator.device,
            "workers": config.workers,
        }
        if isinstance(self.training, ClipSet):
            return ClipBatches(self.training, plan, size, config.frames, config.augment, **how)
        return FaceBatches(self.training, plan, size, config.augment, **how)

    def _bar(self, batches: Batches) -> tqdm:
        size = self.config.batch_size
        return tqdm(
            total=batches.steps * size,
            initial=self.step * size,
            unit="face",
            unit_scale=True,
            disable=not self.progress,
            smoothing=0.05,
        )

    def _in_words(self) -> str:
        recent = self.losses.recent
        loss = f"loss {sum(recent) / len(recent):.3f}" if recent else ""
        if not self.history:
            return loss
        return f"{loss}, validation NRMSE {self.history[-1].validation_nrmse:.2f} %"

    def _may_ask(self) -> bool:
        """Whether the device may be asked for numbers now: a processor has them ready at each step."""
        return self.accelerator.device.type == "cpu" or self.step % WITHOUT_ASKING == 0

    def _read_losses(self) -> None:
        fault = self.losses.read()
        if fault is None:
            return
        step, loss = fault
        batch = self.learner.plan.batches.at(step)
        names = [self.training.name_of(face) for _, face in batch]
        raise FloatingPointError(
            f"the loss is {loss} at step {step}, on the {self._what}s {names}. {self._verdict(step)} "
            f"{self.keeper.newest_in_words()}."
        )

    def _verdict(self, step: int) -> str:
        """Whether one of a step's faces, or clips, is to blame; of this process's alone."""
        if not self.is_main:
            return ""
        learner, plan = self.learner, self.learner.plan
        network = learner.untrained()
        if (state := self.checkpoints.newest()) is not None:
            network.load_state_dict(state["detector"])
        draws = range(step * plan.parts + plan.first, step * plan.parts + plan.first + plan.each)
        parts = zip(draws, self._pictures(step), strict=False)
        guilty = faces_to_blame(network, parts, learner.varied)
        names = [self.training.name_of(face) for face in guilty]
        return verdict(names, self.config.learning_rate, self._what)

    @property
    def _what(self) -> str:
        """What is trained on, one of them."""
        return "clip" if isinstance(self.training, ClipSet) else "face"

    def _agree(self, stop: bool) -> tuple[bool, bool]:
        """Whether to stop, and whether a checkpoint is due: the same answers in all processes."""
        due = self.keeper.due()
        if self.accelerator.num_processes == 1:
            return stop, due
        if not self._may_ask():
            return False, False
        wishes = torch.tensor([stop, due and self.is_main], device=self.accelerator.device)
        stop, due = (self.accelerator.reduce(wishes.float(), "sum") > 0).tolist()
        return stop, due

    # Looking at it ------------------------------------------------------------------------------

    def validate(self) -> Report:
        """Measures the averaged weights on the photos held out.

        Raises:
            FloatingPointError: they are not finite: the last steps, whose losses were, have broken them.
        """
        if not all(weight.isfinite().all() for weight in self.average.module.parameters()):
            raise FloatingPointError(
                f"after step {self.step} the weights are not finite: the learning rate of "
                f"{self.config.learning_rate:g} is at fault; begin anew with a lower one, or with clip=1. "
                f"{self.keeper.newest_in_words()}."
            )
        return self._held_out.measure(Landmarker(self.average.module))

    def _validate_and_tell(self) -> Report:
        report, images = self.validate(), self.step * self.config.batch_size
        row = Measured(
            step=self.step,
            passes=round(images / len(self.training), 2),
            images=images,
            seconds=round(self.seconds, 1),
            images_per_second=round(images / self.seconds, 1),
            loss=round(self.losses.mean(), 5),
            validation_nrmse=round(report.nrmse, 4),
        )
        title = f"Step {self.step:,}: validation NRMSE {report.nrmse:.2f} %"
        sheet = self._held_out.draw(Landmarker(self.average.module), title)
        self.logs.add(row, self.learner.learning_rate, sheet)
        if self.on_validation is not None:
            self.on_validation(self)
        return report

    def _calibrate(self) -> None:
        """Fits what σ and confidence must be corrected by, on the faces held out. It is saved with the
        weights; where it cannot be fitted they stay as the network gives them.
        """
        network, faces = self.average.module, self._held_out.faces
        if not network.has_confidence:
            return
        try:
            evidence = gather(Landmarker(network), faces, network.decoders)
            network.calibration = fitted(evidence, faces)
        except ValueError as error:
            _log.warning("σ and confidence are not calibrated: %s", error)
            return
        if network.calibration is None:
            _log.warning("σ and confidence are not calibrated: %s", self._too_few_held_out())
        peak = evidence[network.decoders[0]].peak.mean()
        if network.place is not None and peak < MIN_PLACED_PEAK:
            _log.warning(
                "the landmarks of the faces held out peak at %.2f on average, and `detect` takes what is "
                "below %.2f for no face: train longer, or give it a lower --min-peak",
                peak,
                MIN_PLACED_PEAK,
            )

    def _too_few_held_out(self) -> str:
        count = annotated_landmarks(self._held_out.faces)
        share = len(self.validation) / (len(self.training) + len(self.validation))
        needed = math.ceil(20 * share * ENOUGH / max(count, 1)) / 20
        settable = self._sets_aside and needed <= 0.3
        more = f"--set validation={needed:g} holds out more, or " if settable else ""
        return f"{count} landmarks held out, {ENOUGH} are needed; {more}add photos"

    # Nothing lost -------------------------------------------------------------------------------

    def _open_folder(
        self, faces: FaceSet | ClipSet, start: LandmarkNetwork | None, resume: bool
    ) -> dict[str, Any] | None:
        """Claims the folder; the state to go on from, if any."""
        begins = None if start is None else digest(start)
        asked = as_json(self.bare.config, self.config, faces, self.learner.plan.parts, begins)
        claim_folder(self.out, asked, resume=resume)
        self.checkpoints = Checkpoints(self.out, asked)
        return self.checkpoints.newest() if resume else None

    def save(self) -> None:
        """Writes the newest state; what was saved before stays until it is complete.

        Raises:
            FloatingPointError: the state is not worth saving: a loss was not finite.
            OSError, RuntimeError, SafetensorError: it cannot be written.
        """
        self._settle()
        self.keeper.write(self.step, self._fill)

    def _save(self, *, last: bool, give_up: Callable[[], bool]) -> None:
        """Writes the newest state, or copes where that is impossible, see `Keeper`."""
        self._settle()
        if last:
            self.keeper.write_or_wait(self.step, self._fill, give_up)
        else:
            self.keeper.write_or_warn(self.step, self._fill)

    def _settle(self) -> None:
        """Makes sure that the state is sound, and that of all processes."""
        self._read_losses()
        share_statistics(self.accelerator, self.bare, self.average.module)

    def _fill(self, folder: Path) -> None:
        network = self.average.module
        write_weights(network, folder)
        more = {
            "seconds": self.seconds,
            "losses": self.losses.state(),
            "place": network.place and network.place._asdict(),
        }
        torch.save(self.learner.state() | more, folder / STATE)

    def _restore(self, state: dict[str, Any]) -> None:
        self.learner.restore(state)
        self.seconds = state["seconds"]
        self.losses.restore(state["losses"])
        if place := state.get("place"):
            self.average.module.place = Place.from_json(place)

    @contextmanager
    def _saved_if_data_fail(self) -> Iterator[None]:
        """Saves before an error of the data ends the run. With several processes, of which one may
        fail alone, the checkpoint that was due last has to do.
        """
        try:
            yield
        except (DataError, ImageError, VideoError) as error:
            if self.accelerator.num_processes == 1:
                self._save(last=True, give_up=lambda: True)
            raise DataError(
                f"{_last_sentence(error)} Training stopped at step {self.step}. "
                f"{self.keeper.newest_in_words()}; --resume goes on from there when the data are back"
            ) from error


def _check_faces(network: NetworkConfig, faces: FaceSet | ClipSet) -> None:
    """Makes sure that a network can be trained on faces, or clips, of this kind and scheme."""
    if isinstance(faces, ClipSet) and not issubclass(KINDS[network.kind], ClipNetwork):
        raise ValueError(f"a {network.kind} looks at single faces: train it on clips.faces()")
    wanted, count = scheme(network.scheme), network.landmarks
    if (wanted, count) != (faces.scheme, len(faces.scheme)):
        raise ValueError(
            f"the preset finds {count} {wanted.name} landmarks, the faces have "
            f"{len(faces.scheme)} {faces.scheme.name} ones; preset.for_scheme(faces.scheme) fits"
        )


def _last_sentence(error: Exception) -> str:
    """What an error says; from a worker process it comes with a traceback before it."""
    line = str(error).strip().splitlines()[-1]
    return line.removeprefix(f"{type(error).__module__}.{type(error).__name__}: ").rstrip(".") + "."
