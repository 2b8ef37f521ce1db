"""The pictures of synthetic faces and of a synthetic clip that the course shows."""

import numpy as np

import onedheat
from onedheat.data.synthetic import render_face, synthetic_clips
from onedheat.data.synthetic.faces import FACES_EACH
from onedheat.data.synthetic.sets import read_synthetic
from onedheat.landmarks import IBUG68
from onedheat.plots import Figure
from onedheat.plots.motion import ClipStrip, clip_strips
from onedheat.plots.reliability import reliability
from onedheat.plots.sheets import Cutout, face_sheet
from onedheat.reliability import gather

SEED = 5
SIDE = 256  # pixels
PEOPLE = 24
CLIPS = (3, 11)
SECONDS, FPS, SHOWN = 3.0, 30.0, 7
LANDMARK = "inner_lip_6"
TRUSTED = 200  # test faces


def sheet_of_drawn_faces() -> Figure:
    """The first face of each of the first people of a seed, with its landmarks."""
    cutouts = []
    for person in range(PEOPLE):
        face = render_face(SEED, person * FACES_EACH, SIDE)
        cutouts.append(Cutout(f"person {person}", face.image, face.landmarks, face.visible))
    return face_sheet(cutouts, IBUG68, f"Synthetic faces, seed {SEED}")


def strips_of_drawn_clips() -> Figure:
    """Two clips as strips of frames, with the height of the lower lip over time."""
    count = int(SECONDS * FPS)
    strips = []
    for index in CLIPS:
        clip = synthetic_clips(1, count, seed=SEED, start=index, size=SIDE).clips[0]
        shown = np.linspace(0, count - 1, SHOWN).round().astype(int).tolist()
        pictures = np.stack([clip.frames[frame] for frame in shown])
        track = clip.landmarks, clip.visible
        strips.append(ClipStrip(str(clip.frames), pictures, shown, *track, FPS))
    return clip_strips(strips, IBUG68.points.index(LANDMARK), "lower lip")


def reliability_on_drawn_faces() -> Figure:
    """How far σ and confidence of `synthetic68` hold, on drawn faces that it has not seen."""
    landmarker = onedheat.load("synthetic68", engine="torch")
    faces = read_synthetic(None, f"test:{TRUSTED}")
    evidence = gather(landmarker, faces, [landmarker.decoder])[landmarker.decoder]
    calibration = landmarker.detector.calibration
    correction = landmarker.calibration
    if calibration is None or correction is None:
        raise RuntimeError("synthetic68 has no calibration to be shown")
    name = f"σ and confidence of synthetic68 on {TRUSTED} drawn test faces"
    return reliability(evidence, correction, calibration.radius, name=name)
