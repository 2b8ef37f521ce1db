from dataclasses import asdict

import pytest
import torch

from onedheat.models import Detector, DetectorConfig

SMALL = {"width": 16, "channels": 16, "size": 64, "compressed": 4}


@pytest.mark.parametrize("upsample", [1, 2, 3, 7, 12])
@pytest.mark.parametrize("landmarks", [1, 5, 68])
def test_any_deconvolution_and_any_number_of_points(upsample, landmarks):
    config = DetectorConfig(landmarks=landmarks, upsample=upsample, **SMALL)
    heatmaps = Detector(config)(torch.rand(2, 3, 64, 64))
    assert heatmaps.x.shape == heatmaps.y.shape == (2, landmarks, 16 * upsample)
    assert config.bins == 16 * upsample


def test_tiny_is_under_a_million_weights_and_its_vectors_are_three_times_the_face():
    config = DetectorConfig()
    assert sum(p.numel() for p in Detector(config).parameters()) < 1_000_000
    assert config.bins == 3 * config.size == 384


def test_the_x_vector_belongs_to_the_columns_and_the_y_vector_to_the_rows():
    """Without the hourglass and co-attention a change stays near its column in x, near its row in y."""
    config = DetectorConfig(upsample=1, depth=1, gamma=0.0, width=16, channels=16)
    detector = Detector(config).eval()
    detector.trunk.hourglasses[0] = torch.nn.Identity()  # it would carry a change everywhere
    plain = torch.rand(1, 3, 128, 128)
    column, row = plain.clone(), plain.clone()
    column[..., :4] = 0
    row[..., :4, :] = 0
    with torch.no_grad():
        base, by_column, by_row = (detector(images) for images in (plain, column, row))
    far = slice(20, None)
    assert torch.equal(by_column.x[..., far], base.x[..., far])
    assert not torch.equal(by_column.y[..., far], base.y[..., far])
    assert torch.equal(by_row.y[..., far], base.y[..., far])
    assert not torch.equal(by_row.x[..., far], base.x[..., far])


def test_co_attention_ties_the_axes():
    """With gamma 0 and a cut trunk nothing that x learns reaches y's branch; with gamma it does."""
    reached = {}
    for gamma in (0.0, 0.4):
        detector = Detector(DetectorConfig(gamma=gamma, **SMALL))
        detector(torch.rand(2, 3, 64, 64)).x.square().sum().backward()
        first_y = next(detector.first_y.parameters()).grad
        reached[gamma] = first_y is not None and bool(first_y.abs().max() > 0)
    assert reached == {0.0: False, 0.4: True}


def test_pictures_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, 3, 64, 64\), got \(1, 3, 32, 32\)"):
        Detector(DetectorConfig(**SMALL))(torch.rand(1, 3, 32, 32))


@pytest.mark.parametrize(
    "change, word",
    [
        ({"size": 100}, "multiple of 64"),
        ({"upsample": 0}, "upsample"),
        ({"gamma": -0.1}, "gamma"),
        ({"compressed": 3}, "compressed"),
        ({"compressed": 1}, "compressed"),
        ({"width": 40}, "width"),
        ({"landmarks": 0}, "landmarks"),
        ({"target_sigma": 0.0}, "target_sigma"),
    ],
)
def test_a_config_that_cannot_be_built_says_which_value(change, word):
    with pytest.raises(ValueError, match=word):
        DetectorConfig(**change)


def test_an_unknown_setting_is_an_error():
    with pytest.raises(ValueError, match="unknown colour; known are"):
        DetectorConfig.from_dict({**asdict(DetectorConfig()), "colour": 1})
