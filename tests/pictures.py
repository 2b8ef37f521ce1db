"""What every picture of the course must keep to; used by the tests of single pictures."""

import io
import re

import numpy as np
from matplotlib.text import Text
from PIL import Image

from onedheat.plots import Figure


def pixels(png: bytes) -> np.ndarray:
    """(H, W, 3) of a picture's bytes."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def assert_fit_to_be_read(figure: Figure) -> None:
    """Words of at least 10 points that lie inside the picture, and an alt text with numbers."""
    figure.png()
    assert len(figure.alt) > 80 and re.search(r"\d", figure.alt)
    assert figure.alt.endswith(".") and "\n" not in figure.alt
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible():
            assert text.get_fontsize() >= 10, text.get_text()
    wide, high = figure.bbox.width, figure.bbox.height
    labels = [axis.label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    for text in [*figure.texts, *labels, *(axes.title for axes in figure.axes)]:
        if text.get_text().strip():
            box = text.get_window_extent()
            inside = box.x0 > -1 and box.y0 > -1 and box.x1 < wide + 1 and box.y1 < high + 1
            assert inside, text.get_text()


def assert_all_different(pictures: list[bytes]) -> None:
    """Each step of a slider must change what is seen."""
    assert len(set(pictures)) == len(pictures)


def assert_moved_is_fresh(moved: Figure, fresh: Figure) -> None:
    """A picture that was moved is the one that would have been drawn there at once."""
    assert np.abs(pixels(moved.png()) - pixels(fresh.png())).max() <= 2
