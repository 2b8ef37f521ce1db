"""Fits a checkpoint's calibration on validation faces, and shows on others how far it holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from onedheat.calibration import ENOUGH, RADIUS, Calibration, Evidence, fit
from onedheat.checkpoints import write_calibration
from onedheat.data import DataError, FaceSet
from onedheat.evaluation import BOX_RULES
from onedheat.landmarks import scheme
from onedheat.pipeline import Landmarker, cut_out
from onedheat.reports import normalising_distances

BATCH = 32


def calibrate(
    landmarker: Landmarker, faces: FaceSet, *, radius: float = RADIUS, progress: bool = False
) -> Calibration | None:
    """The calibration of a network's weights, for each of its decoders.

    Averaging with the mirror has no calibration of its own: it makes errors a little smaller, and
    leaves one (`tiny68` on photographs) to three (`synthetic68` on drawn faces) of a hundred more
    within σ.

    Args:
        landmarker: whose network and engine look at the faces; what it knows of its calibration is not
            used.
        faces: annotated faces that the network was not trained on: those held out for validation, and
            never those it is measured on.
        radius: within how many per cent of the normalising distance a landmark counts as right.
        progress: show a bar on standard error.

    Returns:
        The calibration, which is the landmarker's from then on if it is made `detector.calibration`.
        None for a network that does not say how sure it is, and for fewer faces than can be fitted on.

    Raises:
        DataError: faces of another markup, or one that lacks what its errors are divided by.
    """
    if not landmarker.detector.has_confidence:
        return None
    evidence = gather(landmarker, faces, landmarker.detector.decoders, progress=progress)
    return fitted(evidence, faces, radius)


def fitted(
    evidence: Mapping[str, Evidence], faces: FaceSet, radius: float = RADIUS
) -> Calibration | None:
    """The calibration that a network's evidence on some faces, from `gather`, tells; see `calibrate`."""
    if min(found.annotated.sum() for found in evidence.values()) < ENOUGH:
        return None
    return Calibration(
        fitted_on=f"{faces.name}, {faces.split}",
        faces=len(faces),
        radius=radius,
        decoders={name: fit(found, radius) for name, found in evidence.items()},
    )


def annotated_landmarks(faces: FaceSet) -> int:
    """How many annotated landmarks faces have; a calibration is fitted on `ENOUGH` at least."""
    return int(np.isfinite(faces.landmarks()).all(axis=2).sum())


def calibrate_folder(folder: str | Path, landmarker: Landmarker, faces: FaceSet) -> Calibration:
    """Fits the calibration of weights that lie in a folder, and puts it beside them.

    Args:
        folder: of the checkpoint.
        landmarker: made of it, as `onedheat.load` makes it.
        faces: see `calibrate`. For the folder RUN/last of a training run these are
            `faces.divided(validation, seed)[1]`, with both as RUN/run.json says.

    Raises:
        DataError: see `calibrate`; or a network or faces that no calibration can be fitted on.
    """
    calibration = calibrate(landmarker, faces)
    if calibration is None:
        raise DataError(
            f"no calibration can be fitted on {len(faces)} faces of {faces.name}: the network must have "
            f"σ, and the faces at least {ENOUGH} annotated landmarks"
        )
    write_calibration(calibration, Path(folder))
    landmarker.detector.calibration = calibration
    return calibration


@torch.inference_mode()
def gather(
    landmarker: Landmarker, faces: FaceSet, decoders: Sequence[str], *, progress: bool = False
) -> dict[str, Evidence]:
    """What a network says of faces and how wrong it is, uncalibrated, for some of its decoders.

    Each face is looked at once, in `tight_box` 1.25, and read by every decoder.

    Raises:
        DataError: see `calibrate`.
    """
    detector = landmarker.detector
    if scheme(detector.config.scheme).points != faces.scheme.points:
        raise DataError(
            f"the network finds the landmarks of {scheme(detector.config.scheme).name}, and "
            f"{faces.name} is annotated with {faces.scheme.name}; calibrate on faces of its own markup"
        )
    run, size = landmarker.engine or detector, detector.config.size
    device = landmarker.engine.device if landmarker.engine else next(detector.parameters()).device
    normaliser = normalising_distances(faces)
    looks: dict[str, list[Evidence]] = {name: [] for name in decoders}
    with tqdm(total=len(faces), unit="face", disable=not progress) as bar:
        for start in range(0, len(faces), BATCH):
            samples = faces.samples[start : start + BATCH]
            boxes = np.stack([BOX_RULES["tight"](sample, faces) for sample in samples])
            pictures, crops = cut_out([one.image() for one in samples], boxes, size, device)
            truth = np.stack(
                [crop.to_crop(s.landmarks) for s, crop in zip(samples, crops, strict=True)]
            )
            shrunk = np.array([crop.matrix[0, 0] for crop in crops])
            output = run(pictures)
            for name in decoders:
                reading = [part.cpu().double().numpy() for part in detector.read(output, name)]
                looks[name].append(
                    Evidence(
                        errors=reading[0] - truth,
                        sigma=reading[1],
                        peak=reading[2],
                        normaliser=normaliser[start : start + BATCH] * shrunk,
                    )
                )
            bar.update(len(samples))
    return {name: _joined(parts) for name, parts in looks.items()}


def _joined(parts: list[Evidence]) -> Evidence:
    names = ("errors", "sigma", "peak", "normaliser")
    return Evidence(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})
