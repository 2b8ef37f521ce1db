"""SimCC against torch's losses; coordinate regression in numbers."""

import pytest
import torch
from torch import nn

from onedheat.heatmaps import Heatmaps, coordinate_to_bin, render
from onedheat.models.compared import Regression, RegressionConfig, Simcc, SimccConfig

SMALL = {"landmarks": 3, "size": 64, "width": 16}
BINS = 128  # F·k


def logits() -> Heatmaps:
    return Heatmaps(x=torch.randn(2, 3, BINS), y=torch.randn(2, 3, BINS))


def test_to_a_gaussian_it_is_torchs_divergence_of_both_axes():
    network, vectors, landmarks = Simcc(SimccConfig(**SMALL)), logits(), 64 * torch.rand(2, 3, 2)
    divergence = nn.KLDivLoss(reduction="batchmean")
    expected = sum(
        divergence(
            vectors[axis].log_softmax(-1).flatten(0, 1),
            render(landmarks[..., axis], 64, BINS, 2.0, loss="cross_entropy").flatten(0, 1),
        )
        for axis in (0, 1)
    )
    assert network.loss(vectors, landmarks).item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_perfect_output_costs_nothing_and_is_read_where_it_was_drawn():
    network, landmarks = Simcc(SimccConfig(**SMALL)), 10 + 44 * torch.rand(2, 3, 2)
    perfect = Heatmaps(*(-((torch.arange(BINS) / 2 - 0.25 - landmarks[..., axis, None]) ** 2) / 8
                         for axis in (0, 1)))  # fmt: skip
    assert network.loss(perfect, landmarks).item() == pytest.approx(0, abs=1e-5)
    # The default is SimCC's own: the best of F·k classes, so within a quarter of a pixel at k = 2.
    assert (network.read(perfect).landmarks - landmarks).abs().max() <= 0.25 + 1e-5
    assert (network.read(perfect, "dark").landmarks - landmarks).abs().max() < 0.01


def test_smoothed_labels_are_torchs():
    network = Simcc(SimccConfig(**SMALL, target="smoothed", smoothing=0.2))
    vectors, landmarks = logits(), 64 * torch.rand(2, 3, 2)
    landmarks[0, 0] = torch.tensor([-5.0, 70.0])  # outside: the class at the edge
    nearest = coordinate_to_bin(landmarks, 64, BINS).round().long().clamp(0, BINS - 1)
    loss = nn.CrossEntropyLoss(label_smoothing=0.2)
    expected = sum(
        loss(vectors[axis].flatten(0, 1), nearest[..., axis].flatten()) for axis in (0, 1)
    )
    assert network.loss(vectors, landmarks).item() == pytest.approx(expected.item(), rel=1e-5)


def test_landmarks_share_the_two_layers():
    """Two landmarks with the same map have the same vectors."""
    network = Simcc(SimccConfig(**SMALL))
    one = torch.rand(1, 1, 16, 16).expand(1, 3, 16, 16)
    x, y = network.classify(one)
    assert torch.equal(x[:, 0], x[:, 2]) and torch.equal(y[:, 0], y[:, 2])
    assert not torch.equal(x, y)


def test_regression_learns_in_halves_of_a_face_and_says_nothing_of_its_doubt():
    network = Regression(RegressionConfig(**SMALL))
    landmarks = torch.tensor([[[-0.5, 63.5], [31.5, 31.5], [torch.nan, 1.0]]])
    output = torch.tensor([[[-1.0, 1.0], [0.25, 0.0], [9.0, 9.0]]])
    assert network.loss(output, landmarks).item() == pytest.approx(0.25 / 2)
    reading = network.read(output)
    assert reading.landmarks[0, :2].tolist() == [[-0.5, 63.5], [39.5, 31.5]]
    assert reading.sigma.isnan().all() and reading.confidence.isnan().all()
