"""What a vector says about a coordinate, and what is lost on the way."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onedheat import heatmaps as hm

SIZE = 128


def coordinates(count: int, margin: float) -> torch.Tensor:
    return torch.linspace(margin, SIZE - 1 - margin, count, dtype=torch.float64)


def test_the_papers_example_of_equation_5():
    point = torch.tensor([142.84, 188.72], dtype=torch.float64)
    errors = [hm.quantization_error(point, 256, bins).item() for bins in (128, 768)]
    assert [round(error, 2) for error in errors] == [1.11, 0.18]


@given(st.floats(0, 255.99), st.sampled_from([64, 128, 256, 384, 768]))
def test_recovering_a_quantised_coordinate_loses_less_than_a_bin(p, bins):
    p = torch.tensor(p, dtype=torch.float64)
    back = hm.recover(hm.quantize(p, 256, bins), 256, bins)
    assert -1e-9 <= (p - back).item() < 256 / bins


def test_left_edges_cost_twice_the_mean_error_of_bin_centres():
    p = torch.rand(100_000, dtype=torch.float64) * 255
    edges = (p - hm.recover(hm.quantize(p, 256, 64), 256, 64)).abs().mean()
    index = hm.coordinate_to_bin(p, 256, 64).round()
    centres = (p - hm.bin_to_coordinate(index, 256, 64)).abs().mean()
    assert (edges / centres).item() == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("frame", ["centre", "paper"])
def test_bins_and_coordinates_are_inverse(frame):
    p = coordinates(50, 0)
    index = hm.coordinate_to_bin(p, SIZE, 384, frame)
    assert torch.allclose(hm.bin_to_coordinate(index, SIZE, 384, frame), p, atol=1e-12)


def test_bins_share_the_face_evenly():
    ends = hm.bin_to_coordinate(torch.tensor([-0.5, 383.5], dtype=torch.float64), SIZE, 384)
    assert ends.tolist() == pytest.approx([-0.5, SIZE - 0.5])
    assert hm.bin_to_coordinate(torch.tensor(3.0), SIZE, 384, "paper").item() == pytest.approx(1.0)


@pytest.mark.parametrize("frame", ["centre", "paper"])
@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
@pytest.mark.parametrize("bins, sigma", [(32, 4.0), (128, 1.0), (384, 2.0), (384, 1 / 3)])
def test_dark_reads_back_what_was_rendered(frame, loss, bins, sigma):
    p = coordinates(500, max(4 * sigma, 1.5 * SIZE / bins))
    vectors = hm.render(p, SIZE, bins, sigma, loss=loss, frame=frame)
    vectors = vectors if loss == "l2" else vectors.clamp(min=1e-300).log()
    read = hm.decode(vectors, SIZE, sigma, decoder="dark", loss=loss, frame=frame)
    assert (read - p).abs().max() < 0.02


@pytest.mark.parametrize("frame", ["centre", "paper"])
@pytest.mark.parametrize("bins", [32, 128, 384])
def test_argmax_reads_back_within_half_a_bin(frame, bins):
    sigma = max(2.0, SIZE / bins)
    p = coordinates(500, 4 * sigma)
    vectors = hm.render(p, SIZE, bins, sigma, frame=frame)
    read = hm.decode(vectors, SIZE, sigma, decoder="argmax", frame=frame)
    assert (read - p).abs().max() <= SIZE / bins / 2 + 1e-9


def test_noise_costs_argmax_more_than_dark():
    p = coordinates(2000, 10)
    noisy = hm.render(p, SIZE, 384, 2.0) + 0.05 * torch.randn(2000, 384, dtype=torch.float64)
    error = {
        name: (hm.decode(noisy, SIZE, 2.0, decoder=name) - p).abs().mean().item()
        for name in hm.DECODERS
    }
    assert error["dark"] < error["centroid"] < error["argmax"]
    assert error["dark"] < error["argmax"] / 3


WORST = {"argmax": 0.5, "centroid": 0.5, "dark": 0.16}
"""Bins that a decoder may err by on a clean target of any width from one bin on, wherever it lies."""


@pytest.mark.parametrize("frame", ["centre", "paper"])
@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
@pytest.mark.parametrize("decoder", list(hm.DECODERS))
@given(
    share=st.floats(0, 1),
    layout=st.sampled_from([(128, 384), (128, 96), (128, 128), (64, 64), (256, 768)]),
    width=st.floats(1, 12),
)
def test_every_place_up_to_the_border_is_read_as_well_as_any(
    decoder, loss, frame, share, layout, width
):
    size, bins = layout
    sigma = width * size / bins
    index = torch.tensor([share * bins - 0.5], dtype=torch.float64)
    p = hm.bin_to_coordinate(index, size, bins, frame)
    vectors = hm.render(p, size, bins, sigma, loss=loss, frame=frame)
    vectors = vectors if loss == "l2" else vectors.clamp(min=1e-300).log()
    read = hm.decode(vectors, size, sigma, decoder=decoder, loss=loss, frame=frame)
    assert (read - p).abs().item() <= WORST[decoder] * size / bins + 1e-6


@pytest.mark.parametrize("bins, sigma, most", [(384, 2.0, 0.011), (768, 2.0, 0.003)])
def test_at_the_border_dark_is_exact_where_bins_are_fine(bins, sigma, most):
    p = torch.linspace(-0.5, SIZE - 0.5, 2000, dtype=torch.float64)
    read = hm.decode(hm.render(p, SIZE, bins, sigma), SIZE, sigma)
    assert (read - p).abs().max() < most


def test_noise_costs_little_more_at_the_border_than_elsewhere():
    """Reading the vector as it is, without a blur, would be exact there on clean targets only."""
    noise = 0.05 * torch.randn(2000, 384, dtype=torch.float64)
    places = {"border": torch.linspace(-0.5, 3, 2000), "middle": torch.linspace(60, 64, 2000)}
    error = {
        (place, decoder): (hm.decode(vectors, SIZE, 2.0, decoder=decoder) - p).abs().mean().item()
        for place, p in places.items()
        for vectors in [hm.render(p.double(), SIZE, 384, 2.0) + noise]
        for decoder in hm.DECODERS
    }
    assert error["border", "dark"] < 2 * error["middle", "dark"]
    assert error["border", "dark"] < error["border", "centroid"] / 2
    assert error["border", "centroid"] < error["border", "argmax"]


def test_a_face_over_the_border_is_read_without_leaving_it():
    vectors = hm.render(torch.tensor([-6.0, -3.0, 130.0, 133.0]), SIZE, 384, 2.0)
    for decoder in hm.DECODERS:
        read = hm.decode(vectors, SIZE, 2.0, decoder=decoder)
        assert read.tolist() == pytest.approx([-0.5, -0.5, 127.5, 127.5], abs=0.17)


def test_what_the_border_takes_is_given_back_near_it_only():
    kept = hm.height_kept(torch.arange(384.0), 384, 6.0)
    assert (kept[24:-24] == 1).all()  # 4σ away all is as if there were none
    assert kept[0].item() == pytest.approx(0.547**0.5, abs=1e-3)  # Φ(½·√2/6)
    assert torch.equal(kept, kept.flip(0)) and (kept[:12].diff() > 0).all()


@pytest.mark.parametrize("decoder", list(hm.DECODERS))
@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_a_vector_that_holds_nan_reads_nan_and_spoils_no_other(decoder, loss):
    vectors = hm.render(torch.tensor([20.0, 30.0, 40.0]), 64, 192, 2.0)
    alone = hm.decode(vectors, 64, 2.0, decoder=decoder, loss=loss)
    vectors[1, 5], vectors[2] = torch.nan, torch.nan
    read = hm.decode(vectors, 64, 2.0, decoder=decoder, loss=loss)
    assert read[0] == alone[0] and read[1:].isnan().all()
    assert hm.spread(vectors, 64, 2.0, loss=loss).isnan().tolist() == [False, True, True]
    assert hm.confidence(vectors, 64, 2.0, loss=loss).isnan().tolist() == [False, True, True]
    assert hm.distribution(vectors, loss)[1:].isnan().all()
    weights = torch.tensor([0.1, torch.nan, 0.8, 0.1])
    assert hm.DECODERS[decoder](weights, 1.0).isnan()


@pytest.mark.parametrize("decoder", list(hm.DECODERS))
@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_a_vector_that_says_nothing_still_gives_a_finite_place(decoder, loss):
    read = hm.decode(torch.zeros(2, 3, 64), SIZE, 2.0, decoder=decoder, loss=loss)
    assert torch.isfinite(read).all()


def test_an_unknown_decoder_lists_those_there_are():
    with pytest.raises(ValueError, match="argmax, centroid, dark"):
        hm.decode(torch.zeros(1, 8), SIZE, 2.0, decoder="mean")


def test_the_target_is_the_marginal_of_the_2d_gaussian_up_to_scale():
    points = torch.tensor([[40.3, 70.8], [64.0, 50.5]], dtype=torch.float64)
    marginals = hm.marginalize(hm.render_2d(points, SIZE, 96, 3.0))
    for axis, marginal in enumerate(marginals):
        target = hm.render(points[:, axis], SIZE, 96, 3.0)
        ratio = marginal / target
        assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-9)


def test_a_2d_gaussian_has_y_in_its_rows():
    map2d = hm.render_2d(torch.tensor([[10.0, 30.0]]), 64, 64, 2.0)[0]
    assert divmod(map2d.argmax().item(), 64) == (30, 10)


def test_targets_have_the_sum_or_the_peak_that_their_loss_asks_for():
    p = torch.tensor([31.5], dtype=torch.float64)
    assert hm.render(p, 64, 192, 2.0, loss="cross_entropy").sum().item() == pytest.approx(1)
    p = hm.bin_to_coordinate(torch.tensor([90.0], dtype=torch.float64), 64, 192)
    assert hm.render(p, 64, 192, 2.0).max().item() == pytest.approx(1)


@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_distributions_sum_to_one(loss):
    made = hm.distribution(torch.randn(4, 5, 64), loss)
    assert torch.allclose(made.sum(-1), torch.ones(4, 5), atol=1e-5) and made.min() >= 0


@pytest.mark.parametrize("sigma", [0.0, 1.5, 4.0])
@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_spread_is_what_the_target_leaves_open(sigma, loss):
    """The mean of targets scattered by sigma, which is what training aims at."""
    nodes = torch.linspace(-4, 4, 801, dtype=torch.float64)
    weights = torch.softmax(-(nodes**2) / 2, 0)
    targets = hm.render(64 + sigma * nodes, SIZE, 384, 2.0, loss=loss)
    vector = (weights[:, None] * targets).sum(0)
    vector = vector if loss == "l2" else vector.clamp(min=1e-300).log()
    assert hm.spread(vector, SIZE, 2.0, loss=loss).item() == pytest.approx(sigma, abs=0.1)


@pytest.mark.parametrize("sigma", [0.0, 1.5, 4.0])
@pytest.mark.parametrize("p", [-0.4, 1.0, 3.0, 125.0, 127.0])
def test_spread_is_the_same_where_the_border_cuts_the_peak(p, sigma):
    nodes = torch.linspace(-4, 4, 801, dtype=torch.float64)
    targets = hm.render(p + sigma * nodes, SIZE, 384, 2.0)
    vector = (torch.softmax(-(nodes**2) / 2, 0)[:, None] * targets).sum(0)
    assert hm.spread(vector, SIZE, 2.0).item() == pytest.approx(sigma, abs=0.2)


def test_spread_of_two_peaks_is_their_distance_though_one_lies_at_the_border():
    low, high = hm.render(torch.tensor([0.0, 60.0], dtype=torch.float64), SIZE, 384, 2.0)
    assert hm.spread(low + 1.1 * high, SIZE, 2.0).item() > 25


def test_confidence_is_one_for_a_target_and_falls_with_doubt():
    p = hm.bin_to_coordinate(torch.tensor([100.0, 200.0], dtype=torch.float64), SIZE, 384)
    sure = hm.render(p, SIZE, 384, 2.0)
    assert hm.confidence(sure, SIZE, 2.0)[0].item() == pytest.approx(1)
    assert hm.confidence(sure.mean(0), SIZE, 2.0).item() == pytest.approx(0.5, abs=0.01)
    logits = hm.render(p, SIZE, 384, 2.0, loss="cross_entropy").clamp(min=1e-300).log()
    found = hm.confidence(logits, SIZE, 2.0, loss="cross_entropy")
    assert found.tolist() == pytest.approx([1, 1], abs=0.01)


@pytest.mark.parametrize("bins", [64, 128, 384])
def test_a_perfect_vector_is_as_high_as_its_target_whichever_the_loss(bins):
    at = torch.tensor([20.0, 40.25])
    l2, share = (hm.render(at, 64, bins, 4.0, loss=loss) for loss in ("l2", "cross_entropy"))
    assert hm.heights(l2, 64, 4.0) is l2
    put_out = share.clamp(min=1e-30).log() + 7.0  # a softmax does not see what is added
    assert torch.allclose(hm.heights(put_out, 64, 4.0, loss="cross_entropy"), l2, atol=0.02)


def test_a_vector_that_says_nothing_is_low_by_cross_entropy():
    assert hm.heights(torch.zeros(384), 128, 2.0, loss="cross_entropy").max() < 0.05
