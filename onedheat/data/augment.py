"""Everything that makes training pictures differ each time they are seen.

Geometry is drawn per face and folded into the matrix of its crop (`draw_crop`), so that a photo is
still resampled once. What happens to the pixels after that is `Augmentation`: batches on the device,
kornia's operations, in the order in which they come about in the world: light falls on the face,
something stands before it, the camera blurs and adds noise, a file is compressed.

    crop, landmarks, mirrored, bend = draw_crop(landmarks, 128, config, rng)
    images = Augmentation(config, seed=0)(images, step)

All of it follows from the seeds that are passed in. `figures/augmentation.png` shows it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from onedheat.data.bending import draw_bend
from onedheat.geometry import Bend, Box, Crop, Landmarks, tight_box

MAX_BOX_SCALE = 1.7
MAX_SHIFT = MAX_STRETCH = MAX_BEND = 3.0  # standard deviations
MIN_BLUR = 0.3  # standard deviation in pixels; less changes nothing that can be seen
BEST_JPEG = 90

Pictures = Float[Tensor, "batch 3 size size"]
Chosen = Int64[Tensor, "chosen"]
Changed = Float[Tensor, "chosen 3 size size"]


@dataclass(frozen=True)
class AugmentConfig:
    """How much training pictures vary. Every share is of the pictures, in [0, 1].

    Attributes:
        box_scale: mean scale of `tight_box`; evaluation's own.
        box_scale_spread: standard deviation of the scale's logarithm, cut to 1.0–1.7.
        shift: standard deviation of the box's shift along each axis, as a share of its side, cut to
            three times itself.
        stretch: standard deviation of the logarithm of height over width, cut to three times itself: faces
            that are longer or wider than those annotated.
        bend: standard deviation of what places on a face move by of their own, in half sides of its
            tightest box, see `onedheat.data.bending`: faces whose parts lie apart as nobody's annotated
            ones do. Of single pictures; clips of photos are bent when they are made.
        bend_share: that are bent.
        wobble: standard deviation of what each frame of a clip shifts by itself in addition, likewise.
            Followed faces of Talking Face and of moving photos shift by 0.2 to 0.6 px of 128 from frame
            to frame in their boxes; more would leave a tracker nothing to remember.
        rotation: largest turn in degrees, either way, even distribution.
        rotation_share: that are turned at all.
        mirror_share: that are mirrored.
        gradient: what is added to or taken from one edge at most, of pictures in [0, 1]; it falls to
            nothing at the opposite edge.
        gradient_share: over which light falls off like that.
        shadow: how much a shadow darkens at most, of pictures in [0, 1].
        shadow_share: with a shadow of irregular shape.
        light: strength of brightness and contrast, 0.25 for adding −0.25 to 0.25 and for multiplying
            by 0.75 to 1.25, on pictures in [0, 1]; 0.4 whites out one picture in ten.
        light_share: whose brightness changes, and, drawn apart, whose contrast does.
        tone: strength of gamma changes, 0.3 for exponents from 1/1.3 to 1.3.
        tone_share: whose tone changes.
        color: strength of saturation changes, 0.4 for 0.6 to 1.4 times, and, at a quarter of it, of
            hue changes (0.1 for a tenth of the circle).
        color_share: whose colour changes; the costliest part on a processor.
        gray_share: that lose their colour.
        occluder_share: that get a patch over part of the face.
        blur: largest standard deviation of the Gaussian blur, in pixels of the picture.
        blur_share: that are blurred.
        motion: longest motion blur in pixels of the picture; odd, from 3.
        motion_share: blurred along a line.
        noise: largest standard deviation of pixel noise, of pictures in [0, 1].
        jpeg_quality: lowest quality of JPEG compression; the highest is 90.
        jpeg_share: that are compressed.

    Raises:
        ValueError: a value out of its range, said by name.
    """

    box_scale: float = 1.25
    box_scale_spread: float = 0.12
    shift: float = 0.05
    stretch: float = 0.0
    bend: float = 0.0
    bend_share: float = 0.8
    wobble: float = 0.002
    rotation: float = 34.0
    rotation_share: float = 0.7
    mirror_share: float = 0.5
    gradient: float = 0.3
    gradient_share: float = 0.1
    shadow: float = 0.4
    shadow_share: float = 0.1
    light: float = 0.25
    light_share: float = 0.8
    tone: float = 0.3
    tone_share: float = 0.1
    color: float = 0.4
    color_share: float = 0.3
    gray_share: float = 0.1
    occluder_share: float = 0.4
    blur: float = 1.6
    blur_share: float = 0.1
    motion: int = 7
    motion_share: float = 0.1
    noise: float = 0.03
    jpeg_quality: int = 30
    jpeg_share: float = 0.1

    def __post_init__(self):
        def demand(name: str, lowest: float, highest: float):
            if not lowest <= getattr(self, name) <= highest:
                raise ValueError(
                    f"{name} must be from {lowest:g} to {highest:g}, got {getattr(self, name)}"
                )

        for entry in fields(self):
            if entry.name.endswith("_share"):
                demand(entry.name, 0, 1)
        for name in ("light", "color", "gradient", "shadow", "noise"):
            demand(name, 0, 1)
        demand("box_scale", 1, MAX_BOX_SCALE)
        demand("box_scale_spread", 0, 1)
        demand("shift", 0, 0.5)
        demand("stretch", 0, 0.3)
        demand("bend", 0, 0.3)
        demand("wobble", 0, 0.5)
        demand("rotation", 0, 180)
        demand("tone", 0, 3)
        demand("blur", MIN_BLUR, 10)
        demand("jpeg_quality", 1, BEST_JPEG)
        if self.motion < 3 or self.motion % 2 == 0:
            raise ValueError(f"motion must be an odd number of pixels from 3, got {self.motion}")


# Geometry ---------------------------------------------------------------------------------------


class View(NamedTuple):
    """From where a face is looked at; the frames of a clip share one.

    Attributes:
        scale: of the box, of the smallest square around the landmarks.
        shift: (2,) of the box, in its sides.
        angle: of its turn, in degrees.
        mirrored: whether left and right change places, those of landmarks too.
        longer: how many times the picture of a square is higher than wide; its area stays.
    """

    scale: float
    shift: Float[np.ndarray, "2"]
    angle: float
    mirrored: bool
    longer: float = 1.0

    def crop(self, landmarks: Landmarks, size: int) -> Crop:
        """The crop of a face so seen."""
        box = tight_box(landmarks, self.scale)
        side, middle = box[2] - box[0], (box[:2] + box[2:]) / 2
        middle = middle + self.shift * side
        # What is to look long is cut out wide.
        half = side / 2 * np.array([self.longer**0.5, self.longer**-0.5])
        box = np.concatenate([middle - half, middle + half])
        return Crop.from_box(box, size, angle=self.angle, mirrored=self.mirrored)


def draw_view(config: AugmentConfig, rng: np.random.Generator) -> View:
    """A random view."""
    scale = config.box_scale * np.exp(config.box_scale_spread * rng.standard_normal())
    shift = config.shift * np.clip(rng.standard_normal(2), -MAX_SHIFT, MAX_SHIFT)
    turned = rng.random() < config.rotation_share
    angle = rng.uniform(-config.rotation, config.rotation) if turned else 0.0
    mirrored = bool(rng.random() < config.mirror_share)
    longer = 1.0
    if config.stretch:  # drawn last: without it a run goes on as it did before there was one
        longer = np.exp(config.stretch * np.clip(rng.standard_normal(), -MAX_STRETCH, MAX_STRETCH))
    scale = np.clip(scale, 1.0, MAX_BOX_SCALE)
    return View(float(scale), shift, float(angle), mirrored, float(longer))


class Drawn(NamedTuple):
    """How a training picture is cut from its photo.

    Attributes:
        crop: which part of it, bent where it is.
        landmarks: (N, 2) in pixels of the crop, in the places that they have there.
        mirrored: whether left and right change places, those of landmarks too.
        bend: how the photo is bent before; None for one that is not.
    """

    crop: Crop
    landmarks: Landmarks
    mirrored: bool
    bend: Bend | None


def draw_crop(
    landmarks: Landmarks, size: int, config: AugmentConfig, rng: np.random.Generator
) -> Drawn:
    """A random crop around a face, whose photo may be bent before.

    Args:
        landmarks: (N, 2) in pixels of the photo; NaN where there is no annotation.
        size: of the crop, in pixels.
        config: how much pictures vary.
        rng: what is drawn from.
    """
    view, bend = draw_view(config, rng), None
    if config.bend and rng.random() < config.bend_share:
        bend = draw_bend(landmarks, config.bend, rng)
        landmarks = bend.bent(landmarks)
    crop = view.crop(landmarks, size)
    return Drawn(crop, crop.to_crop(landmarks), view.mirrored, bend)


def reach(landmarks: Landmarks, config: AugmentConfig) -> Box:
    """The part of a photo that `draw_crop` can show, as edges (x0, y0, x1, y1) in pixels."""
    # Turned by 45° a square, stretched or not, reaches its half diagonal.
    longer = np.exp(MAX_STRETCH * config.stretch)
    diagonal = (longer + 1 / longer) ** 0.5
    # A bent face is larger by what its outermost places move by.
    bent = 1 + MAX_BEND * config.bend * (config.bend_share > 0)
    return tight_box(landmarks, MAX_BOX_SCALE * bent * (diagonal + 2 * MAX_SHIFT * config.shift))


# Pixels -----------------------------------------------------------------------------------------


class Part(NamedTuple):
    """One way in which pictures are changed.

    Attributes:
        share: of the pictures that are.
        change: takes all pictures and the indices of those to change, gives these back changed.
    """

    share: float
    change: Callable[[Pictures, Chosen], Changed]


class Augmentation:
    """Changes the pixels of a batch of pictures, wherever they lie, each at random.

    Every part is applied to the pictures that chance chose for it and to no others. (kornia's own
    `p=` computes it for the whole batch and throws away what was not chosen.)

    Args:
        config: how much.
        seed: of the run.
    """

    def __init__(self, config: AugmentConfig, *, seed: int = 0):
        self.seed = seed
        self.parts = [part for part in _parts(config) if part.share > 0]

    def __call__(self, pictures: Pictures, step: int) -> Pictures:
        """The pictures changed, as seed and step decide; the random state of every device stays as it is.

        Args:
            pictures: (B, 3, F, F) in [0, 1]; not changed.
            step: of the run.

        Returns:
            (B, 3, F, F) in [0, 1], on the same device.
        """
        with torch.no_grad(), _seeded(self.seed * 1_000_003 + step, pictures.device):
            changed = pictures.clone()
            for part in self.parts:
                # Drawn on the processor, so that a device is not waited for.
                chosen = (torch.rand(len(changed)) < part.share).nonzero().squeeze(1)
                if len(chosen):
                    chosen = chosen.to(changed.device)
                    changed[chosen] = part.change(changed, chosen)
        return changed


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Has the processor and one device draw from a seed in this block, and go on afterwards as before.

    `torch.manual_seed` would seed all devices, and `fork_rng` gives back none but CUDA's.
    """
    on_mps = device.type == "mps"
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        if on_mps:
            before = torch.mps.get_rng_state()
            torch.mps.manual_seed(seed)
        try:
            yield
        finally:
            if on_mps:
                torch.mps.set_rng_state(before)


def _parts(config: AugmentConfig) -> list[Part]:
    """The parts in the order in which they are applied."""
    import kornia.augmentation as kornia

    def one(name: str, **settings) -> Callable[[Pictures, Chosen], Changed]:
        operation = getattr(kornia, name)(**settings, p=1.0)
        return lambda pictures, chosen: operation(pictures[chosen])

    times = (1 - config.light, 1 + config.light)
    window = 2 * max(1, int(1.5 * config.blur)) + 1
    return [
        Part(config.gradient_share, one("RandomLinearIllumination", gain=(0.0, config.gradient))),
        Part(
            config.shadow_share,
            one(
                "RandomPlasmaShadow",
                roughness=(0.1, 0.5),
                shade_intensity=(-config.shadow, -config.shadow / 4),
                shade_quantity=(0.3, 0.65),
            ),
        ),
        Part(config.light_share, one("RandomBrightness", brightness=times)),
        Part(config.light_share, one("RandomContrast", contrast=times)),
        Part(config.tone_share, one("RandomGamma", gamma=(1 / (1 + config.tone), 1 + config.tone))),
        Part(
            config.color_share,
            one("ColorJiggle", saturation=config.color, hue=config.color / 4),
        ),
        Part(config.gray_share, one("RandomGrayscale")),
        Part(config.occluder_share, occlude),
        Part(
            config.blur_share,
            one("RandomGaussianBlur", kernel_size=(window, window), sigma=(MIN_BLUR, config.blur)),
        ),
        Part(
            config.motion_share,
            one("RandomMotionBlur", kernel_size=(3, config.motion), angle=180.0, direction=0.0),
        ),
        Part(float(config.noise > 0), _noise(config.noise)),
        Part(config.jpeg_share, one("RandomJPEG", jpeg_quality=(config.jpeg_quality, BEST_JPEG))),
    ]


def occlude(pictures: Pictures, chosen: Chosen) -> Changed:
    """Covers part of the chosen pictures with one rectangle each, of one colour or cut from the picture
    before it in the batch, upside down.

    kornia's `RandomErasing` fills with one grey for all channels, and what stands before a face is
    seldom grey and often another thing with edges.
    """
    size, device = pictures.shape[-1], pictures.device
    side, aspect, left, top, kind, *color = torch.rand(8, len(chosen), 1)
    area = (0.02 + 0.13 * side) * size * size
    width = (area * 3 ** (2 * aspect - 1)).sqrt().clamp(max=size).round()
    height = (area / width).clamp(max=size).round()
    x, y = (left * (size - width)).round(), (top * (size - height)).round()
    at = torch.arange(size)
    columns, rows = (at >= x) & (at < x + width), (at >= y) & (at < y + height)
    patch = (rows[:, None, :, None] & columns[:, None, None, :]).to(device)
    plain = (kind < 0.5)[..., None, None].to(device)
    color = torch.stack(color, dim=1)[..., None].to(device)
    cut = pictures[chosen - 1].flip(-1, -2)
    return torch.where(patch, torch.where(plain, color, cut), pictures[chosen])


def _noise(largest: float) -> Callable[[Pictures, Chosen], Changed]:
    """Pixel noise of a strength drawn per picture; kornia's has one for all."""
    import kornia.augmentation as kornia

    operation = kornia.RandomGaussianNoise(std=largest, p=1.0)

    def change(pictures: Pictures, chosen: Chosen) -> Changed:
        # Drawn where the pictures are: it is as many numbers as they have.
        operation.set_rng_device_and_dtype(pictures.device, pictures.dtype)
        clean = pictures[chosen]
        strength = torch.rand(len(chosen), 1, 1, 1).to(pictures.device)
        return torch.lerp(clean, operation(clean), strength).clamp(0, 1)

    return change
