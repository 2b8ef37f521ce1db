"""What learners move in notebook 02: maps with their marginals, and decoders at work."""

from collections.abc import Mapping, Sequence

import ipywidgets as widgets

from onedheat.course.widgets import dropdown, explorer, shown, slider, steps
from onedheat.plots.decoding import KINDS, DecoderRace
from onedheat.plots.marginals import OneMode, TwoModes
from onedheat.plots.reading import ReadVector


def one_mode_box(size: int, bins: Sequence[int], value: int) -> widgets.VBox:
    """Move, widen and tilt one Gaussian; see its map, its vectors, and what they give back."""
    return explorer(
        OneMode(size).move,
        {
            "x": slider("x, pixels", 0, size - 1, 3 * size // 8),
            "y": slider("y, pixels", 0, size - 1, 5 * size // 8),
            "sigma": slider("σ, pixels", 3, 24, 8),
            "tilt": slider("correlation, %", -90, 90, 0, step=10),
            "bins": steps("L, bins an axis", bins, value),
        },
    )


def two_modes_box(size: int) -> widgets.VBox:
    """Set two spots, and move a part of them to the other diagonal; the vectors stay."""
    return explorer(
        TwoModes(size).move,
        {
            "distance": slider("distance, pixels", 0, 5 * size // 8, 7 * size // 16),
            "brightness": slider("up left has, %", 10, 90, 50, step=5),
            "moved": slider("moved, %", 0, 100, 0, step=10),
        },
    )


def decoder_race_box(
    race: DecoderRace, sigmas: Sequence[int], noises: Sequence[int]
) -> widgets.VBox:
    """Choose L, noise and target; see one vector read, and the mean errors.

    Args:
        race: the picture.
        sigmas: the widths of the target that it was made with.
        noises: the noises that it was made with.
    """
    middle = len(noises) // 2
    return explorer(
        race.move,
        {
            "bins": steps("L, bins an axis", race.bins, race.bins[len(race.bins) // 2]),
            "noise": steps("noise, %", noises, noises[middle]),
            "sigma": steps("target σ, px", sigmas, sigmas[-1]),
            "kind": dropdown("noise", KINDS),
            "draw": slider("another vector", 1, 50, 1),
        },
    )


def read_vector_box(pictures: Mapping[str, ReadVector], landmark: int = 0) -> widgets.VBox:
    """Choose a face, a landmark and an axis; see what each decoder reads off the vector."""
    most = min(len(picture.view.landmarks) for picture in pictures.values()) - 1
    return explorer(
        lambda face, landmark, axis: pictures[face].move(landmark, axis),
        {
            "landmark": slider("landmark", 0, most, landmark),
            "axis": dropdown("vector of", ("x", "y")),
            "face": dropdown("face of", pictures),
        },
    )


explore_one_mode = shown(one_mode_box)
explore_two_modes = shown(two_modes_box)
explore_decoder_race = shown(decoder_race_box)
explore_read_vector = shown(read_vector_box)
