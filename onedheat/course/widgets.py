"""Thin shells of ipywidgets round the pictures of `onedheat.plots`.

Only widgets that work alike in JupyterLab, on Binder and on Colab (ipywidgets 7.7.1 and 8), drawing
PNG bytes into an `Image`. Controls have the CSS class ``onedheat-control``, the picture and its words
``onedheat-output``, and the box round both ``onedheat-widget``; a browser test moves every control.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import ParamSpec

import ipywidgets as widgets
import numpy as np

from onedheat.course import WIDGET_NOTE
from onedheat.course.show import escaped, show_widget
from onedheat.plots import FaceView, Figure
from onedheat.plots.faces import TwoVectors
from onedheat.plots.rounding import FRAMES, CellAndCurve, SnappedFace

STYLE = {"description_width": "8em"}
NARROW, WIDE = ({"width": width, "max_width": "100%"} for width in ("22em", "38em"))

Asked = ParamSpec("Asked")


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


def shown(box: Callable[Asked, widgets.VBox]) -> Callable[Asked, None]:
    """A function that displays what `box` builds, with a note for where there are no widgets."""

    @wraps(box)
    def explore(*arguments: Asked.args, **named: Asked.kwargs) -> None:
        show_widget(box(*arguments, **named), WIDGET_NOTE)

    return explore


def dropdown(description: str, options: Iterable[str | tuple[str, object]]) -> widgets.Dropdown:
    """A choice from a list of names, or of (label, value)."""
    return widgets.Dropdown(
        options=list(options), description=description, style=STYLE, layout=widgets.Layout(**NARROW)
    )


def toggle(
    options: Sequence[tuple[str, object]],
    *,
    button: str = "8em",
    width: Mapping[str, str] = NARROW,
) -> widgets.ToggleButtons:
    """A choice from few (label, value), all in sight; `button` is the width of each."""
    return widgets.ToggleButtons(
        options=list(options), style={"button_width": button}, layout=widgets.Layout(**width)
    )


def steps(
    description: str,
    values: Sequence[float],
    value: float,
    *,
    label: Callable[[float], str] = "{:g}".format,
    width: Mapping[str, str] = WIDE,
) -> widgets.SelectionSlider:
    """A slider over given values; it begins at the one nearest to `value`."""
    return widgets.SelectionSlider(
        options=[(label(one), one) for one in values],
        value=min(values, key=lambda one: abs(one - value)),
        description=description,
        style=STYLE,
        layout=widgets.Layout(**width),
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
    rules = [(f"bins read at the {rule}", rule) for rule in FRAMES]
    return toggle(rules, button="15em", width=WIDE)


# The explorers of notebooks 00 and 01 -------------------------------------------------------------


def two_vectors_box(pictures: Mapping[str, TwoVectors], landmark: int = 0) -> widgets.VBox:
    """Choose a face and a landmark; see its two vectors beside the face."""
    most = max(len(picture.view.landmarks) for picture in pictures.values()) - 1
    return explorer(
        lambda face, landmark: pictures[face].move(landmark),
        {
            "landmark": slider("landmark", 0, most, landmark),
            "face": dropdown("face of", pictures),
        },
    )


def snapped_face_box(views: Sequence[FaceView], bins: Sequence[int]) -> widgets.VBox:
    """Choose a resolution; see where real landmarks go."""
    pictures = {view.name: SnappedFace(view) for view in views}
    areas = ("right_eye", "left_eye", "nose", "outer_lip", "contour_8")
    names = ("right eye", "left eye", "nose", "mouth", "chin")
    return explorer(
        lambda face, bins, rule, area: pictures[face].move(bins, rule, area),
        {
            "bins": steps("L, bins an axis", bins, 64),
            "rule": reading_rule(),
            "face": dropdown("face of", pictures),
            "area": dropdown("from near", zip(names, areas, strict=True)),
        },
    )


def cell_and_curve_box(point: tuple[float, float], size: int = 256) -> widgets.VBox:
    """Move L/F; see one point's cell and its E."""
    picture = CellAndCurve(np.array(point), size)
    return explorer(
        picture.move,
        {
            "bins": slider("L, bins an axis", *picture.LIMITS, size // 2, step=8),
            "rule": reading_rule(),
        },
    )


explore_two_vectors = shown(two_vectors_box)
explore_snapped_face = shown(snapped_face_box)
explore_cell_and_curve = shown(cell_and_curve_box)
