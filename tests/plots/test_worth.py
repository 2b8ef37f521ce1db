"""What changes of a recipe are worth."""

import pytest
from pictures import assert_fit_to_be_read

from onedheat.plots.worth import worth

CHANGES = {
    "twice as long": (-0.4, -0.2),
    "no occluders": (0.1, -0.05),
    "no average": (0.3, 0.5),
}


def test_the_best_change_is_on_top_and_each_is_told_with_its_seeds():
    figure = worth(dict(reversed(CHANGES.items())), measured_on="403 faces")
    assert_fit_to_be_read(figure)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["twice as long", "no occluders", "no average"]
    assert "twice as long -0.30 (-0.40 to -0.20); no occluders +0.03 (-0.05 to +0.10)" in figure.alt
    assert "on 403 faces" in figure.alt and "mean of 2 seeds" in figure.alt


def test_only_what_all_seeds_agree_on_has_a_colour():
    bars = worth(CHANGES, measured_on="403 faces").axes[0].patches
    colours = [bar.get_facecolor()[:3] for bar in bars]
    assert len(set(colours)) == 3
    assert (
        colours[1]
        == worth({"a": (-1.0, 1.0)}, measured_on="a").axes[0].patches[0].get_facecolor()[:3]
    )


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match=r"at least one"):
        worth({}, measured_on="403 faces")
