"""The widgets of notebook 04: the puzzle, the affinities of a face, networks of several γ."""

from collections.abc import Mapping

import ipywidgets as widgets

from onedheat.course.show import show_widget
from onedheat.course.widgets import NARROW, NOTE, dropdown, explorer, slider, steps
from onedheat.plots.affinities import FaceAffinity, GammaView
from onedheat.plots.puzzle import PuzzleView


def puzzle_box(view: PuzzleView, number: int = 0) -> widgets.VBox:
    """Choose a picture, turn it over; see what both networks answer.

    Args:
        view: the pictures.
        number: the one to begin with.
    """
    turned = widgets.ToggleButtons(
        options=[("as it is", False), ("upside down", True)],
        style={"button_width": "8em"},
        layout=widgets.Layout(**NARROW),
    )
    return explorer(
        view.move,
        {
            "number": slider("picture", 0, len(view.cases) - 1, number),
            "upside_down": turned,
        },
    )


def explore_puzzle(view: PuzzleView, number: int = 0) -> None:
    """Shows `puzzle_box`."""
    show_widget(puzzle_box(view, number), NOTE)


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
            "face": dropdown("face of", [(name, name) for name in faces]),
        },
    )


def explore_affinity(
    faces: Mapping[str, FaceAffinity], channel: int = 0, position: int = 10
) -> None:
    """Shows `affinity_box`."""
    show_widget(affinity_box(faces, channel, position), NOTE)


def gamma_box(views: Mapping[str, GammaView], gamma: float | None = None) -> widgets.VBox:
    """Choose γ and a drawn face; see what the network trained with it finds.

    Args:
        views: name of the face → its picture.
        gamma: the γ to begin with, or the nearest there is; the first where none is given.
    """
    gammas = sorted(next(iter(views.values())).looks)
    return explorer(
        lambda gamma, face: views[face].move(gamma),
        {
            "gamma": steps("γ", gammas, gammas[0] if gamma is None else gamma),
            "face": dropdown("face", [(name, name) for name in views]),
        },
    )


def explore_gamma(views: Mapping[str, GammaView], gamma: float | None = None) -> None:
    """Shows `gamma_box`."""
    show_widget(gamma_box(views, gamma), NOTE)
