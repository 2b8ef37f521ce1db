"""What every box of controls and picture must keep to; used by the tests of the lessons."""

import ipywidgets as widgets


def parts(box, kind) -> list:
    """Every widget of a class in a box, however deep, in the order of the page."""
    found = [box] if isinstance(box, kind) else []
    for child in getattr(box, "children", ()):
        found += parts(child, kind)
    return found


def assert_every_control_moves_its_picture(box, count: int) -> None:
    """A box has so many controls, and each changes its one picture."""
    (picture,) = parts(box, widgets.Image)
    controls = [one for one in parts(box, widgets.Widget) if "onedheat-control" in one._dom_classes]
    assert len(controls) == count
    for control in controls:
        before = picture.value
        if isinstance(control, widgets.IntSlider):
            control.value += control.step
        else:
            control.index = (control.index + 1) % len(control.options)
        assert picture.value != before, control.description
