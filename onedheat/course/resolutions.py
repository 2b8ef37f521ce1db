"""What the networks of the atlas make of drawn faces, whose landmarks are known exactly."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch

from onedheat import atlas
from onedheat.atlas.faces import PICTURE
from onedheat.atlas.plan import RESOLUTIONS, RESOLUTIONS_2D, SIZE, one_dimensional, two_dimensional
from onedheat.bench.saved_bytes import output_numbers, saved_bytes
from onedheat.data.synthetic import render_face
from onedheat.geometry import Crop, tight_box, warp
from onedheat.landmarks import IBUG68
from onedheat.models import LandmarkNetwork
from onedheat.pipeline import to_batch
from onedheat.plots import FaceView
from onedheat.plots.resolution import AnswerAtL, Resolution, TrainedNetwork

SEED = 1  # of the faces that the atlas is measured on: people whom no network has seen
DECODERS = {"1D": "dark", "2D": "dark"}

Load = Callable[[str], LandmarkNetwork]


def trained_networks(
    bins: Iterable[int] = RESOLUTIONS, bins_2d: Iterable[int] = RESOLUTIONS_2D
) -> list[tuple[str, TrainedNetwork]]:
    """The atlas' networks of several resolutions: name and what was measured of each."""
    entries = [("1D", one_dimensional(one)) for one in bins]
    entries += [("2D", two_dimensional(one)) for one in bins_2d]
    measured = atlas.results()
    return [
        (
            entry.name,
            TrainedNetwork(
                kind,
                entry.config.bins,
                measured[entry.name].nrmse[DECODERS[kind]],
                output_numbers(entry.config),
                saved_bytes(entry.config),
            ),
        )
        for kind, entry in entries
    ]


def drawn_faces(indices: Sequence[int], seed: int = SEED) -> tuple[list[FaceView], torch.Tensor]:
    """Drawn faces with their true landmarks, and the pictures of them that a network is given.

    Args:
        indices: which faces of the endless set `seed`.

    Returns:
        Views, and pictures (B, 3, F, F).
    """
    views, pictures = [], []
    for index in indices:
        face = render_face(seed, index, PICTURE)
        pictures.append(warp(face.image, Crop.from_box(tight_box(face.landmarks), SIZE)))
        known, how = (face.image, face.landmarks), {"scheme": IBUG68, "side": 4 * SIZE}
        views.append(FaceView.from_photo(f"Drawn face {index}", *known, SIZE, **how))
    return views, to_batch(pictures)


@torch.inference_mode()
def resolution_pictures(
    networks: Sequence[tuple[str, TrainedNetwork]],
    indices: Sequence[int],
    seed: int = SEED,
    load: Load = atlas.load,
) -> dict[str, Resolution]:
    """What networks find on drawn faces, as pictures that can be moved.

    Args:
        networks: names and measurements, see `trained_networks`.
        indices: which drawn faces of the endless set `seed`.
        seed: of that set.
        load: gives the network of a name.

    Returns:
        Name of the face → its picture.
    """
    views, pictures = drawn_faces(indices, seed)
    answers: list[list[AnswerAtL]] = [[] for _ in views]
    for name, network in networks:
        model = load(name).eval()
        output = model(pictures)
        landmarks = model.read(output, DECODERS[network.kind]).landmarks.double().numpy()
        kept = [values.numpy() for values in ((output,) if network.kind == "2D" else output)]
        for face, found in enumerate(landmarks):
            heatmaps = [values[face].astype(np.float32) for values in kept]
            answers[face].append(AnswerAtL(network, found, heatmaps))
    return {view.name: Resolution(view, of_it) for view, of_it in zip(views, answers, strict=True)}
