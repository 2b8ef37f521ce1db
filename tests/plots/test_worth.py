"""What changes of a recipe are worth."""

import pytest
from pictures import assert_fit_to_be_read

from onedheat import studies
from onedheat.plots.worth import worth
from onedheat.studies.plan import in_parts

PARTS = {
    "length": {"twice as long": (-0.4, -0.2)},
    "average": {"newest weights": (0.3, 0.5), "half the average": (0.1, -0.05), "none": (0.2,)},
}


def drawn(parts, scatter=0.08):
    return worth(parts, scatter=scatter, measured_on="403 faces")


def names(figure):
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def bars(figure):
    """Colour and hatch, from the top; the first patch is the band, where there is one."""
    rows = [patch for patch in figure.axes[0].patches if patch.get_height() < 0.9]
    return [(bar.get_facecolor()[:3], bar.get_hatch()) for bar in rows]


def test_of_each_part_the_best_change_is_on_top_and_is_told_with_its_standard_error():
    figure = drawn(PARTS)
    assert_fit_to_be_read(figure)
    assert names(figure) == ["twice as long", "half the average", "none", "newest weights"]
    assert "length: twice as long -0.30 ± 0.10; average: half the average +0.03" in figure.alt
    assert "none +0.20 (one seed)" in figure.alt
    assert "on 403 faces" in figure.alt and "by 0.08" in figure.alt


def test_only_what_is_beyond_chance_has_a_colour_and_only_what_harms_is_hatched():
    (helps, plain), (within, none), (alone, _), (harms, hatched) = bars(drawn(PARTS))
    assert len({helps, within, harms}) == 3 and within == alone
    assert (plain, none, hatched) == (None, None, "//")
    assert len({colour for colour, _ in bars(drawn(PARTS, scatter=0.5))}) == 1


def test_only_two_seeds_have_an_error_bar():
    both, alone = (drawn({"length": {"twice as long": seeds}}) for seeds in ((-0.4, -0.2), (-0.4,)))
    assert len(both.axes[0].containers) == 2 and len(alone.axes[0].containers) == 1


def test_one_seed_of_each_leaves_chance_unknown():
    figure = drawn({"length": {"twice as long": (-0.4,)}, "average": {"none": (0.1,)}}, None)
    assert_fit_to_be_read(figure)
    assert "One seed differs" not in figure.alt
    assert any("chance unknown" in text.get_text() for text in figure.texts)


def test_what_is_shipped_can_be_drawn():
    apart = studies.differences(studies.results("recipe"))
    figure = drawn(in_parts(apart), studies.scatter(apart.values()))
    assert_fit_to_be_read(figure)
    assert len(names(figure)) == len(apart)


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match=r"at least one"):
        drawn({})
