"""Training pictures that differ every time: geometry in the one resample, then light, then occluders.

Geometry is drawn per face and folded into the crop's matrix, so the photo is still resampled once.
Light and colour are kornia's, in batches. Everything follows from the seed that is passed in.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from onedheat.geometry import Crop, Landmarks, tight_box

MAX_BOX_SCALE = 1.7
MAX_SHIFT = 3.0  # standard deviations


@dataclass(frozen=True)
class AugmentConfig:
    """How much training pictures vary.

    Attributes:
        box_scale: mean scale of `tight_box`; evaluation's own.
        box_scale_spread: standard deviation of the scale's logarithm, cut to 1.0–1.7.
        shift: standard deviation of the box's shift along each axis, as a share of its side, cut to
            three times itself.
        rotation: largest turn in degrees, either way, even distribution.
        rotation_share: of the pictures that are turned at all.
        mirror_share: of the pictures that are mirrored.
        light: strength of brightness and contrast changes, 0.4 for 0.6 to 1.4 times.
        color: strength of saturation (same scale) and, at a quarter of it, hue changes.
        color_share: of the pictures whose colour changes; the costliest part on a processor.
        gray_share: of the pictures that lose their colour.
        blur_share: of the pictures that are blurred.
        noise: largest standard deviation of pixel noise, of pictures in [0, 1].
        occluder_share: of the pictures that get a patch over part of the face.
    """

    box_scale: float = 1.25
    box_scale_spread: float = 0.12
    shift: float = 0.05
    rotation: float = 34.0
    rotation_share: float = 0.7
    mirror_share: float = 0.5
    light: float = 0.4
    color: float = 0.4
    color_share: float = 0.3
    gray_share: float = 0.1
    blur_share: float = 0.1
    noise: float = 0.03
    occluder_share: float = 0.4


def draw_crop(
    landmarks: Landmarks, size: int, config: AugmentConfig, rng: np.random.Generator
) -> tuple[Crop, bool]:
    """A random crop around a face, and whether it is mirrored (landmarks then change places)."""
    scale = config.box_scale * np.exp(config.box_scale_spread * rng.standard_normal())
    box = tight_box(landmarks, float(np.clip(scale, 1.0, MAX_BOX_SCALE)))
    shift = (
        config.shift * np.clip(rng.standard_normal(2), -MAX_SHIFT, MAX_SHIFT) * (box[2] - box[0])
    )
    turned = rng.random() < config.rotation_share
    angle = rng.uniform(-config.rotation, config.rotation) if turned else 0.0
    mirrored = bool(rng.random() < config.mirror_share)
    crop = Crop.from_box(box + np.tile(shift, 2), size, angle=float(angle), mirrored=mirrored)
    return crop, mirrored


def photometric(config: AugmentConfig) -> nn.Module:
    """kornia's light, colour, blur and noise for a batch (B, 3, F, F) in [0, 1].

    Draws from torch's global random state.
    """
    import kornia.augmentation as kornia

    return kornia.AugmentationSequential(
        kornia.RandomBrightness((1 - config.light, 1 + config.light), p=0.8),
        kornia.RandomContrast((1 - config.light, 1 + config.light), p=0.8),
        kornia.ColorJiggle(saturation=config.color, hue=config.color / 4, p=config.color_share),
        kornia.RandomGrayscale(p=config.gray_share),
        kornia.RandomGaussianBlur((5, 5), (0.3, 1.6), p=config.blur_share),
        data_keys=["input"],
    )


def occlude(
    pictures: Float[Tensor, "batch 3 size size"],
    share: float,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "batch 3 size size"]:
    """Covers part of some pictures with one rectangle each, of one colour or cut from another picture.

    Args:
        pictures: (B, 3, F, F); not changed.
        share: of the pictures that are covered.
        generator: on the CPU.
    """
    count, _, size, _ = pictures.shape
    covered = pictures.clone()
    draw = torch.rand(count, 9, generator=generator).tolist()
    for face, (chance, side, aspect, left, top, kind, *color) in enumerate(draw):
        if chance >= share:
            continue
        area = (0.02 + 0.13 * side) * size * size
        width = round(min(size, (area * 3 ** (2 * aspect - 1)) ** 0.5))
        height = round(min(size, area / width))
        x, y = round(left * (size - width)), round(top * (size - height))
        patch = (slice(None), slice(y, y + height), slice(x, x + width))
        if kind < 0.5:
            covered[face][patch] = torch.tensor(color, device=pictures.device)[:, None, None]
        else:
            covered[face][patch] = pictures[face - 1].flip(-1, -2)[patch]
    return covered


def add_noise(
    pictures: Float[Tensor, "batch 3 size size"], largest: float
) -> Float[Tensor, "batch 3 size size"]:
    """Pictures with pixel noise of a strength drawn per picture, kept in [0, 1]."""
    strength = largest * torch.rand(len(pictures), 1, 1, 1, device=pictures.device)
    return (pictures + strength * torch.randn_like(pictures)).clamp(0, 1)
