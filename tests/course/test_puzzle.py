"""The puzzle of notebook 04: what can be known from one shadow, and what co-attention adds."""

import pytest
import torch

from onedheat.course.puzzle import (
    APART,
    BRIGHTNESS,
    CONTRAST,
    MARGIN,
    SIZE,
    Blobs,
    PuzzleNetwork,
    draw_blobs,
    follows_brightness,
    is_right,
    is_right_with_equal_rows,
    puzzle_view,
    train_puzzle,
    weight_between_blobs,
)

GAMMA = 1.0
pytestmark = pytest.mark.timeout(300)  # it trains; seconds, but minutes where cores are shared


@pytest.fixture(scope="module")
def blobs():
    return draw_blobs(400, torch.Generator().manual_seed(77))


@pytest.fixture(scope="module")
def attentive():
    """One network trained as the notebook trains it; some seconds."""
    return train_puzzle(GAMMA, seed=0)


def right_of_twins(network, blobs):
    """Shares of right answers for x and for y over pictures and the same ones upside down."""
    both = torch.cat([is_right(network, blobs), is_right(network, blobs.upside_down())])
    return both.float().mean(dim=0).tolist()


def test_blobs_are_where_and_as_bright_as_they_are_said_to_be(blobs):
    assert blobs.places.min() >= MARGIN and blobs.places.max() <= SIZE - 1 - MARGIN
    assert ((blobs.places[:, 0] - blobs.places[:, 1]).abs() >= APART - 1e-4).all()
    low, high = BRIGHTNESS
    assert blobs.brightness.min() >= low and blobs.brightness.max() <= high + 1e-6
    assert ((blobs.brightness[:, 0] - blobs.brightness[:, 1]).abs() >= CONTRAST - 1e-5).all()


def test_brightness_says_nothing_about_place(blobs):
    brighter = blobs.brightness.argmax(dim=1)
    assert (brighter == blobs.lower).float().mean().item() == pytest.approx(0.5, abs=0.08)


def test_half_of_the_pictures_to_train_on_hold_a_third_blob_which_may_be_the_lowest():
    blobs = draw_blobs(400, torch.Generator().manual_seed(1), third=True)
    there = blobs.brightness[:, 2] > 0
    assert there.float().mean().item() == pytest.approx(0.5, abs=0.08)
    assert (blobs.lower[~there] < 2).all()
    assert (blobs.lower[there] == 2).float().mean().item() == pytest.approx(1 / 3, abs=0.1)


def test_a_shadow_peaks_at_a_blobs_place_with_its_brightness():
    blobs = Blobs(torch.tensor([[[5.0, 18.0], [16.0, 7.0]]]), torch.tensor([[1.2, 0.6]]))
    x, y = (shadow[0] for shadow in blobs.shadows())
    assert x[5].item() == pytest.approx(1.2, abs=0.01)
    assert x[16].item() == pytest.approx(0.6, abs=0.01)
    assert y[18].item() == pytest.approx(1.2, abs=0.01)
    assert y[7].item() == pytest.approx(0.6, abs=0.01)


def test_upside_down_the_x_shadow_is_the_same_and_the_other_blob_is_the_lower(blobs):
    turned = blobs.upside_down()
    (x, y), (turned_x, turned_y) = blobs.shadows(), turned.shadows()
    assert torch.allclose(x, turned_x, atol=1e-5)
    assert torch.allclose(y.flip(1), turned_y, atol=1e-5)
    assert (blobs.lower != turned.lower).all()


def test_exchanging_brightness_in_y_leaves_places_alone():
    blobs = Blobs(torch.tensor([[[5.0, 18.0], [16.0, 7.0]]]), torch.tensor([[1.2, 0.6]]))
    _, y = blobs.swapped_in_y().shadows()
    assert y[0, 18].item() == pytest.approx(0.6, abs=0.01)
    assert y[0, 7].item() == pytest.approx(1.2, abs=0.01)


def gradient_of_x(network, blobs):
    """How the x heatmap changes with the y shadow."""
    shadow_x, shadow_y = blobs.shadows()
    shadow_y.requires_grad_()
    # The y heatmap is taken along with weight 0: else autograd would find no way to y at γ = 0.
    heatmaps = network(shadow_x, shadow_y)
    (heatmaps.x.square().sum() + 0 * heatmaps.y.sum()).backward()
    return shadow_y.grad


def test_at_gamma_0_the_x_heatmap_does_not_depend_on_the_y_shadow(blobs):
    network = PuzzleNetwork(0.0)
    assert (gradient_of_x(network, blobs) == 0).all()
    (x, y), (_, other) = blobs.shadows(), blobs.upside_down().shadows()
    assert torch.equal(network(x, y).x, network(x, other).x)


def test_above_0_it_depends_on_every_pixel_of_the_y_shadow(blobs):
    gradient = gradient_of_x(PuzzleNetwork(GAMMA), blobs)
    assert (gradient.abs().amax(dim=0) > 0).all()


def test_without_co_attention_any_network_is_right_about_one_of_two_twins(blobs):
    for seed in range(3):
        torch.manual_seed(seed)
        x, _ = right_of_twins(PuzzleNetwork(0.0), blobs)
        assert x == 0.5


def test_training_without_co_attention_teaches_y_but_not_x(blobs):
    x, y = right_of_twins(train_puzzle(0.0, seed=0, steps=200), blobs)
    assert x == 0.5
    assert y > 0.95


def test_with_co_attention_x_is_learned(attentive, blobs):
    x, y = right_of_twins(attentive, blobs)
    assert x > 0.95 and y > 0.95


def test_what_x_knows_of_y_comes_through_the_affinities(attentive, blobs):
    alike = torch.cat(
        [is_right_with_equal_rows(attentive, some) for some in (blobs, blobs.upside_down())]
    )
    assert alike.float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_the_answer_goes_where_the_brightness_goes(attentive, blobs):
    assert follows_brightness(attentive, blobs).float().mean() > 0.95


def test_blobs_look_at_their_like_more_than_across(attentive, blobs):
    weight = weight_between_blobs(attentive, blobs)
    like, across = weight.diagonal(dim1=1, dim2=2).sum(1), weight.fliplr().diagonal(
        dim1=1, dim2=2
    ).sum(1)  # fmt: skip
    assert weight.min() >= 0 and weight.max() <= 1 + 1e-6
    assert (like > across).float().mean() > 0.95
    assert like.mean() / 2 > 0.7


def test_the_same_seed_trains_the_same_network_and_leaves_other_draws_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second = (train_puzzle(GAMMA, seed=2, steps=3) for _ in range(2))
    assert torch.equal(torch.rand(3), expected)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_its_pictures_show_what_the_networks_put_out(blobs):
    some = Blobs(blobs.places[:3], blobs.brightness[:3])
    apart, together = PuzzleNetwork(0.0), PuzzleNetwork(GAMMA)
    view = puzzle_view({"γ = 0": apart, "γ = 1": together}, some)
    assert len(view.cases) == len(view.turned) == 3
    case = view.cases[1]
    assert torch.allclose(torch.tensor(case.picture), some.pictures()[1])
    assert case.affinity.sum(axis=1) == pytest.approx(1, abs=1e-5)
    for network, answer in zip((apart, together), case.answers.values(), strict=True):
        logits = network(*some.shadows()).x[1, 0]
        assert torch.allclose(torch.tensor(answer), logits.softmax(0), atol=1e-6)
    brightest = int(some.brightness[1].argmax())
    assert case.places[0] == pytest.approx(some.places[1, brightest].numpy())
