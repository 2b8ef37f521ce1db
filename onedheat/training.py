"""Training, as one loop that reads from top to bottom.

A run is a folder:

    RUN/run.json        what was asked for
    RUN/metrics.csv     one line per validation
    RUN/last/           the newest checkpoint: `onedheat.load("RUN/last")` uses it, --resume continues it

Which pictures a step sees, and how they vary, follows from (seed, step) alone, so a resumed run goes
the way of the unbroken one.
"""

import csv
import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from onedheat.checkpoints import CheckpointError, write_weights
from onedheat.data.augment import Augmentation
from onedheat.data.crops import FaceBatch, FaceBatches
from onedheat.data.errors import DataError
from onedheat.data.samples import FaceSet
from onedheat.evaluation import Report, evaluate
from onedheat.files import folder_written_atomically, write_atomically
from onedheat.landmarks import scheme
from onedheat.models import NetworkConfig, build
from onedheat.pipeline import Landmarker
from onedheat.presets import Preset, TrainConfig

STATE = "training.pt"


# The pieces of a step ---------------------------------------------------------------------------


def learning_rate(step: int, steps: int, config: TrainConfig) -> float:
    """Linear warm-up, then a cosine to 0, or no change."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    fall = 0.5 * (1 + math.cos(math.pi * step / steps)) if config.schedule == "cosine" else 1.0
    return config.learning_rate * warm * fall


class Batches:
    """Batches of (pass, face), decided by seed and step; every face once a pass, in a new order."""

    def __init__(self, faces: int, config: TrainConfig, first_step: int):
        if faces < config.batch_size:
            raise DataError(
                f"{faces} training faces do not fill one batch of {config.batch_size}; add faces or "
                "lower it with batch_size=…"
            )
        self.faces, self.config, self.first_step = faces, config, first_step
        self.per_pass = faces // config.batch_size
        self.steps = self.per_pass * config.passes

    def __len__(self) -> int:
        return self.steps - self.first_step

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        size, order_of = self.config.batch_size, (-1, np.empty(0, int))
        for step in range(self.first_step, self.steps):
            epoch, at = divmod(step, self.per_pass)
            if order_of[0] != epoch:
                rng = np.random.default_rng([self.config.seed, epoch])
                order_of = epoch, rng.permutation(self.faces)
            yield [(epoch, int(face)) for face in order_of[1][at * size : (at + 1) * size]]


def fast_precision(device: torch.device) -> str:
    """``"bf16"`` where the hardware multiplies it faster than float32, else ``"no"``."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no"
    abilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bf16" if abilities.get("avx512_bf16") or abilities.get("amx_bf16") else "no"


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Turns Ctrl-C and SIGTERM into a question that the loop asks after each step.

    A second Ctrl-C interrupts at once.
    """
    asked = []

    def note(signum, frame):
        if asked and signum == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(signum)

    before = {which: signal.signal(which, note) for which in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def _differences(there: dict, asked: dict, config: type[NetworkConfig]) -> list[str]:
    """What differs between the settings of a run and those asked for, as phrases.

    A setting that did not exist when the run was begun had what is its default today.
    """
    defaults = {
        "detector": config().as_dict(),
        "train": asdict(TrainConfig()),
    }
    since = {"kind": "detector"} | there
    since |= {part: values | since.get(part, {}) for part, values in defaults.items()}
    pairs = [
        (f"{part}.", since.get(part, {}), asked[part]) for part in ("detector", "train", "data")
    ]
    pairs.append(("", {"kind": since["kind"]}, {"kind": asked["kind"]}))
    return [
        f"{part}{key}: {before.get(key)} there, {value} asked for"
        for part, before, values in pairs
        for key, value in values.items()
        if before.get(key) != value
    ]


# A run ------------------------------------------------------------------------------------------


class Run:
    """A training run and its folder.

    Args:
        preset: what is trained and how.
        faces: annotated faces; a share of their photos is held out for validation.
        out: the run's folder.
        resume: continue what is there instead of refusing to touch it.
        progress: show a bar on standard error.

    Raises:
        CheckpointError: the folder holds a run and `resume` is not set, or one of other settings or
            other faces.
        ValueError: too few faces, or a scheme that is not the detector's.
    """

    def __init__(
        self,
        preset: Preset,
        faces: FaceSet,
        out: str | Path,
        *,
        resume: bool = False,
        progress: bool = True,
    ):
        self.out, self.progress = Path(out), progress
        self.config, detector_config = preset.train, preset.detector
        wanted, count = scheme(detector_config.scheme), detector_config.landmarks
        if (wanted, count) != (faces.scheme, len(faces.scheme)):
            raise ValueError(
                f"the preset finds {count} {wanted.name} landmarks, the faces have "
                f"{len(faces.scheme)} {faces.scheme.name} ones; preset.for_scheme(faces.scheme) fits"
            )
        self.training, self.validation = faces.divided(self.config.validation, self.config.seed)
        Batches(len(self.training), self.config, 0)  # too few faces: before a folder is claimed
        self._claim_folder(detector_config, faces, resume)

        torch.manual_seed(self.config.seed)
        precision = self.config.precision
        if precision == "auto":
            precision = fast_precision(PartialState().device)
        # accelerate keeps one precision per process; a notebook may start several runs.
        AcceleratorState._reset_state()
        self.accelerator = Accelerator(mixed_precision=precision.replace("fp32", "no"))
        detector = build(detector_config).to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(
            detector.parameters(), lr=self.config.learning_rate, fused=True
        )
        # `bare` holds the same weights as `detector`, without what accelerate wraps around them.
        self.bare = detector
        self.detector, self.optimizer = self.accelerator.prepare(detector, optimizer)
        self.average = AveragedModel(
            self.bare,
            multi_avg_fn=get_ema_multi_avg_fn(self.config.ema),
            use_buffers=True,
        )
        self.step, self.seconds = 0, 0.0
        if resume and (self.out / "last").exists():
            self._restore()

    def _claim_folder(self, detector: NetworkConfig, faces: FaceSet, resume: bool) -> None:
        asked = {
            "kind": detector.kind,
            "detector": detector.as_dict(),
            "train": asdict(self.config),
            "data": {"name": faces.name, "split": faces.split, "faces": len(faces)},
        }
        path = self.out / "run.json"
        if path.exists():
            if not resume:
                raise CheckpointError(
                    f"{self.out} holds a run already; --resume continues it, another --out starts anew"
                )
            there = json.loads(path.read_text())
            differing = _differences(there, json.loads(json.dumps(asked)), type(detector))
            if differing:
                raise CheckpointError(
                    f"{self.out} was begun with other settings ({'; '.join(differing)}); resume with "
                    "those, or choose another --out"
                )
        self.out.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (json.dumps(asked, indent=2) + "\n").encode())

    def train(self) -> Report | None:
        """Trains to the end, or until it is asked to stop. Either way the newest state is saved.

        Returns:
            The last validation, or None if the run was stopped before its end.
        """
        config = self.config
        batches = Batches(len(self.training), config, self.step)
        pictures = FaceBatches(
            self.training,
            batches,
            self.average.module.config.size,
            config.augment,
            seed=config.seed,
            device=self.accelerator.device,
            workers=config.workers,
        )
        augmentation = Augmentation(config.augment, seed=config.seed)
        report, measured, losses = None, "", []
        saved_at = started = time.monotonic()
        before = self.seconds
        bar = tqdm(
            total=batches.steps * config.batch_size,
            initial=self.step * config.batch_size,
            unit="face",
            unit_scale=True,
            disable=not self.progress,
            smoothing=0.05,
        )
        with bar, stop_requests() as stop_asked:
            for batch in pictures:
                losses.append(self._train_step(batch, augmentation, batches.steps))
                self.step += 1
                self.seconds = before + time.monotonic() - started
                bar.update(config.batch_size)
                at_end = self.step == batches.steps
                if self.step % (batches.per_pass * config.validate_every) == 0 or at_end:
                    report = self.validate()
                    self._log(float(np.mean(losses)), report)
                    losses.clear()
                    measured = f", validation NRMSE {report.nrmse:.2f} %"
                elif self.step % 20 == 0:
                    bar.set_postfix_str(f"loss {np.mean(losses[-20:]):.3f}{measured}")
                if at_end or stop_asked() or time.monotonic() - saved_at > 60 * config.save_minutes:
                    self.save()
                    saved_at = time.monotonic()
                if stop_asked() and not at_end:
                    return None
        return report if report is not None else self.validate()

    def _train_step(self, batch: FaceBatch, augmentation: Augmentation, steps: int) -> float:
        config = self.config
        images = augmentation(batch.images, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, steps, config)
        self.detector.train()
        output = self.detector(images.contiguous(memory_format=torch.channels_last))
        loss = self.bare.loss(output, batch.landmarks)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {self.step}, on the faces "
                f"{[str(self.training.samples[i].source) for i in batch.indices.tolist()]}. The last "
                f"checkpoint is whole; resume it with a lower learning rate than {config.learning_rate:g}."
            )
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        self.optimizer.step()
        self.average.update_parameters(self.bare)
        return loss.item()

    def validate(self) -> Report:
        """Measures the averaged weights on the photos held out."""
        return evaluate(Landmarker(self.average.module), self.validation)

    def save(self) -> None:
        """Writes the newest state; the one before stays until it is complete."""
        state = {
            "detector": self.bare.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        with folder_written_atomically(self.out / "last") as folder:
            write_weights(self.average.module, folder)
            torch.save(state, folder / STATE)

    def _restore(self) -> None:
        path = self.out / "last" / STATE
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many kinds for a file that is not its own
            raise CheckpointError(f"{path} cannot be resumed from: {error}") from error
        self.bare.load_state_dict(state["detector"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        self._forget_after(self.step)

    def _forget_after(self, step: int) -> None:
        """Drops the lines of metrics.csv that a kill left ahead of the newest checkpoint."""
        path = self.out / "metrics.csv"
        if not path.exists():
            return
        head, *lines = path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if int(line.split(",")[0]) <= step and line.endswith("\n")]
        write_atomically(path, "".join([head, *kept]).encode())

    def _log(self, loss: float, report: Report) -> None:
        path = self.out / "metrics.csv"
        images = self.step * self.config.batch_size
        row = {
            "step": self.step,
            "passes": round(images / len(self.training), 2),
            "images": images,
            "seconds": round(self.seconds, 1),
            "images_per_second": round(images / self.seconds, 1),
            "loss": round(loss, 5),
            "validation_nrmse": round(report.nrmse, 4),
        }
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)
