"""Thin shells of ipywidgets round the pictures of `onedheat.plots`.

Only widgets that work alike in JupyterLab, on Binder and on Colab (ipywidgets 7.7.1 and 8), drawing
PNG bytes into an `Image`. Controls have the CSS class ``onedheat-control``, the picture and its words
``onedheat-output``, and the box round both ``onedheat-widget``; a browser test moves every control.
"""

from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from onedheat.course.show import escaped, show_widget
from onedheat.plots import FaceView, Figure
from onedheat.plots.faces import TwoVectors
from onedheat.plots.rounding import FRAMES, CellAndCurve, SnappedFace

STYLE = {"description_width": "8em"}
NARROW, WIDE = ({"width": width, "max_width": "100%"} for width in ("22em", "38em"))
NOTE = "Controls appear here when this cell is run. The figures in this notebook show the same."


def explorer(draw: Callable[..., Figure], controls: Mapping[str, widgets.Widget]) -> widgets.VBox:
    """Controls above the picture that `draw` makes of their values; its alt text below, in words.

    Args:
        draw: takes each control's value under its name.
        controls: name → widget with a `value`.
    """
    picture = widgets.Image(format="png", layout=widgets.Layout(max_width="100%"))
    words = widgets.HTML()

    def redraw(_change=None) -> None:
        figure = draw(**{name: control.value for name, control in controls.items()})
        picture.value = figure.png()
        picture.layout.width = f"{figure.bbox.width:.0f}px"  # or it is stretched to the page
        words.value = (
            '<div role="status" style="max-width: 48em; line-height: 1.4">'
            f"In words: {escaped(figure.alt)}</div>"
        )

    redraw()
    for control in controls.values():
        control.add_class("onedheat-control")
        control.observe(redraw, "value")
    output = widgets.VBox([picture, words])
    output.add_class("onedheat-output")
    flow = widgets.Layout(flex_flow="row wrap")
    box = widgets.VBox([widgets.Box(list(controls.values()), layout=flow), output])
    box.add_class("onedheat-widget")
    return box


def dropdown(description: str, options: Sequence[tuple[str, object]]) -> widgets.Dropdown:
    """A choice from a list of (label, value)."""
    return widgets.Dropdown(
        options=list(options), description=description, style=STYLE, layout=widgets.Layout(**NARROW)
    )


def steps(description: str, values: Sequence[float], value: float) -> widgets.SelectionSlider:
    """A slider over given values; it begins at the one nearest to `value`."""
    return widgets.SelectionSlider(
        options=[(f"{one:g}", one) for one in values],
        value=min(values, key=lambda one: abs(one - value)),
        description=description,
        style=STYLE,
        layout=widgets.Layout(**WIDE),
    )


def slider(description: str, low: int, high: int, value: int, step: int = 1) -> widgets.IntSlider:
    """A slider over whole numbers."""
    return widgets.IntSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=description,
        style=STYLE,
        layout=widgets.Layout(**WIDE),
    )


def reading_rule() -> widgets.ToggleButtons:
    """Left edge (Eq. 4) or centre."""
    return widgets.ToggleButtons(
        options=[(f"bins read at the {rule}", rule) for rule in FRAMES],
        style={"button_width": "15em"},
        layout=widgets.Layout(**WIDE),
    )


# The explorers of the lessons ---------------------------------------------------------------------


def two_vectors_box(pictures: Mapping[str, TwoVectors], landmark: int = 0) -> widgets.VBox:
    """Choose a face and a landmark; see its two vectors beside the face."""
    most = max(len(picture.view.landmarks) for picture in pictures.values()) - 1
    return explorer(
        lambda face, landmark: pictures[face].move(landmark),
        {
            "landmark": slider("landmark", 0, most, landmark),
            "face": dropdown("face of", [(name, name) for name in pictures]),
        },
    )


def explore_two_vectors(pictures: Mapping[str, TwoVectors], landmark: int = 0) -> None:
    """Shows `two_vectors_box`."""
    show_widget(two_vectors_box(pictures, landmark), NOTE)


def snapped_face_box(
    views: Sequence[FaceView], bins: Sequence[int], value: int = 64
) -> widgets.VBox:
    """Choose a resolution; see where real landmarks go."""
    pictures = {view.name: SnappedFace(view) for view in views}
    areas = ("right_eye", "left_eye", "nose", "outer_lip", "contour_8")
    names = ("right eye", "left eye", "nose", "mouth", "chin")
    return explorer(
        lambda face, bins, rule, area: pictures[face].move(bins, rule, area),
        {
            "bins": steps("L, bins an axis", bins, value),
            "rule": reading_rule(),
            "face": dropdown("face of", [(name, name) for name in pictures]),
            "area": dropdown("from near", list(zip(names, areas, strict=True))),
        },
    )


def explore_snapped_face(views: Sequence[FaceView], bins: Sequence[int], value: int = 64) -> None:
    """Shows `snapped_face_box`."""
    show_widget(snapped_face_box(views, bins, value), NOTE)


def cell_and_curve_box(
    point: tuple[float, float], size: int = 256, fewest: int = 64, most: int = 768
) -> widgets.VBox:
    """Move L/F; see one point's cell and its E."""
    picture = CellAndCurve(np.array(point), size, fewest=fewest, most=most)
    return explorer(
        lambda bins, rule: picture.move(bins, rule),
        {
            "bins": slider("L, bins an axis", fewest, most, size // 2, step=8),
            "rule": reading_rule(),
        },
    )


def explore_cell_and_curve(
    point: tuple[float, float], size: int = 256, fewest: int = 64, most: int = 768
) -> None:
    """Shows `cell_and_curve_box`."""
    show_widget(cell_and_curve_box(point, size, fewest, most), NOTE)
