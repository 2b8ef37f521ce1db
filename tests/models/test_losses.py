"""Eq. 11 and its cross-entropy twin, in numbers."""

import numpy as np
import pytest
import torch

from onedheat.heatmaps import Heatmaps, render
from onedheat.models import DetectorConfig
from onedheat.models.losses import heatmap_loss


def loss_of(heatmaps: Heatmaps, landmarks: torch.Tensor, config: DetectorConfig) -> torch.Tensor:
    return heatmap_loss(
        heatmaps, landmarks, config.size, config.target_sigma, loss=config.loss, frame=config.frame
    )


def test_the_loss_is_equation_11_worked_by_hand():
    config = DetectorConfig(landmarks=2, size=64, upsample=1, depth=1, compressed=2)
    landmarks = torch.tensor([[[10.0, 20.0], [30.0, 40.0]]])
    targets = [render(landmarks[..., axis], 64, 16, 2.0) for axis in (0, 1)]
    perfect = Heatmaps(*targets)
    assert loss_of(perfect, landmarks, config).item() == 0
    off = Heatmaps(targets[0] + 0.1, targets[1])
    assert loss_of(off, landmarks, config).item() == pytest.approx(16 * 0.01)


@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_landmarks_without_annotation_do_not_count_in_the_loss(loss):
    config = DetectorConfig(landmarks=3, size=64, upsample=1, depth=1, compressed=2, loss=loss)
    landmarks = 64 * torch.rand(2, 3, 2)
    vectors = torch.rand(2, 2, 3, 16, requires_grad=True)
    landmarks[0, 1] = np.nan
    landmarks[1, 0, 1] = np.nan  # half a coordinate is none
    counted = loss_of(Heatmaps(*vectors), landmarks, config)
    annotated = [(0, 0), (0, 2), (1, 1), (1, 2)]
    alone = [
        loss_of(Heatmaps(*vectors[:, b, n][:, None, None]), landmarks[b, n][None, None], config)
        for b, n in annotated
    ]
    assert counted.item() == pytest.approx(sum(alone).item() / 4, rel=1e-5)
    counted.backward()
    touched = vectors.grad.abs().sum(dim=(0, 3))
    assert vectors.grad.isfinite().all()
    assert (touched > 0).nonzero().tolist() == [list(at) for at in annotated]


def test_a_batch_without_any_annotation_costs_nothing():
    config = DetectorConfig(landmarks=2, size=64, upsample=1, depth=1, compressed=2)
    nowhere = torch.full((1, 2, 2), np.nan)
    assert loss_of(Heatmaps(*torch.rand(2, 1, 2, 16)), nowhere, config).item() == 0


def test_the_cross_entropy_is_least_at_the_target():
    config = DetectorConfig(
        landmarks=1, size=64, upsample=1, depth=1, compressed=2, loss="cross_entropy"
    )
    landmarks = torch.tensor([[[10.0, 20.0]]])
    best = Heatmaps(
        *(
            render(landmarks[..., a], 64, 16, 2.0, loss="cross_entropy").clamp(min=1e-30).log()
            for a in (0, 1)
        )
    )
    other = Heatmaps(best.x + torch.randn_like(best.x), best.y)
    assert loss_of(best, landmarks, config) < loss_of(other, landmarks, config)
