"""The widgets of notebook 04: the puzzle, the affinities of a face, networks of several γ."""

from collections.abc import Mapping

import ipywidgets as widgets

from onedheat.course.widgets import dropdown, explorer, shown, slider, steps, toggle
from onedheat.plots.affinities import FaceAffinity, GammaView
from onedheat.plots.puzzle import PuzzleView


def puzzle_box(view: PuzzleView) -> widgets.VBox:
    """Choose a picture, turn it over; see what both networks answer."""
    return explorer(
        view.move,
        {
            "number": slider("picture", 0, len(view.cases) - 1, 0),
            "upside_down": toggle([("as it is", False), ("upside down", True)]),
        },
    )


def affinity_box(
    faces: Mapping[str, FaceAffinity], channel: int = 0, position: int = 10
) -> widgets.VBox:
    """Choose a face, a channel and a position along x; see which y positions matter to it.

    Args:
        faces: whose face → its picture.
        channel: the one to begin with.
        position: the same.
    """
    channels, positions, _ = next(iter(faces.values())).yx.shape
    return explorer(
        lambda channel, position, face: faces[face].move(channel, position),
        {
            "channel": slider("channel k", 0, channels - 1, channel),
            "position": slider("x position", 0, positions - 1, position),
            "face": dropdown("face of", faces),
        },
    )


def gamma_box(views: Mapping[str, GammaView], gamma: float) -> widgets.VBox:
    """Choose γ and a drawn face; see what the network trained with it finds.

    Args:
        views: name of the face → its picture.
        gamma: the γ to begin with, or the nearest there is.
    """
    gammas = sorted(next(iter(views.values())).answers)
    return explorer(
        lambda gamma, face: views[face].move(gamma),
        {
            "gamma": steps("γ", gammas, gamma),
            "face": dropdown("face", views),
        },
    )


explore_puzzle = shown(puzzle_box)
explore_affinity = shown(affinity_box)
explore_gamma = shown(gamma_box)
