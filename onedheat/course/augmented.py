"""The picture sheet of augmentation, made by the code that makes training pictures."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from onedheat.course.photos import photographed_faces
from onedheat.data.augment import Augmentation, AugmentConfig
from onedheat.data.crops import FaceBatch, FaceBatches
from onedheat.data.images import RGB
from onedheat.data.samples import FaceSet
from onedheat.geometry import Landmarks
from onedheat.plots import Figure
from onedheat.plots.augmentation import Strip, augmentation_sheet

SIZE = 128  # F of the preset `tiny`
SEED = 0
DRAWS = 40  # of which a strip shows four, from the least changed to the most

RECIPE = AugmentConfig()
NOTHING = replace(
    RECIPE,
    box_scale_spread=0.0,
    shift=0.0,
    noise=0.0,
    **{entry.name: 0.0 for entry in fields(RECIPE) if entry.name.endswith("_share")},
)


class _Part(NamedTuple):
    """One strip of the sheet.

    Attributes:
        caption: what varies.
        changes: the settings that make it vary, all else being still.
        view: how it is shown best: whole faces with their landmarks, whole faces, or close up.
    """

    caption: str
    changes: dict[str, float]
    view: Literal["landmarks", "whole", "close"] = "whole"


PARTS = [
    _Part(
        "Size and place of the box (all)",
        {"box_scale_spread": RECIPE.box_scale_spread, "shift": RECIPE.shift},
        "landmarks",
    ),
    _Part(
        f"Turned ({RECIPE.rotation_share:.0%}) and mirrored ({RECIPE.mirror_share:.0%})",
        {"rotation_share": 1.0, "mirror_share": 0.5},
        "landmarks",
    ),
    _Part("Longer or wider (only in `small`)", {"stretch": 0.08}, "landmarks"),
    _Part("Bent (not in the recipe)", {"bend": 0.08, "bend_share": 1.0}, "landmarks"),
    _Part(f"Light falls off ({RECIPE.gradient_share:.0%})", {"gradient_share": 1.0}),
    _Part(f"Shadow ({RECIPE.shadow_share:.0%})", {"shadow_share": 1.0}),
    _Part(f"Brightness and contrast ({RECIPE.light_share:.0%} each)", {"light_share": 1.0}),
    _Part(f"Gamma ({RECIPE.tone_share:.0%})", {"tone_share": 1.0}),
    _Part(
        f"Colour ({RECIPE.color_share:.0%}) or none ({RECIPE.gray_share:.0%})",
        {"color_share": 1.0, "gray_share": 0.2},
    ),
    _Part(f"Something in front ({RECIPE.occluder_share:.0%})", {"occluder_share": 1.0}),
    _Part(f"Out of focus ({RECIPE.blur_share:.0%}), close up", {"blur_share": 1.0}, "close"),
    _Part(
        f"Moved while exposed ({RECIPE.motion_share:.0%}), close up",
        {"motion_share": 1.0},
        "close",
    ),
    _Part("Noise (all), close up", {"noise": RECIPE.noise}, "close"),
    _Part(f"JPEG ({RECIPE.jpeg_share:.0%}), close up", {"jpeg_share": 1.0}, "close"),
]
CLOSE = slice(20, 72)  # rows and columns of a still crop that hold an eye


def augmented_faces(photos: Mapping[str, tuple[RGB, Landmarks]]) -> Figure:
    """The sheet: every part of the default recipe alone, then the recipe as training sees it.

    Args:
        photos: name → photo and the landmarks of its face, in pixels of the photo.
    """
    faces = photographed_faces(photos)
    parts = [
        _from_weak_to_strong(part, faces, number % len(faces)) for number, part in enumerate(PARTS)
    ]
    drawn = _draw(faces, RECIPE)
    together = [
        Strip("Everything together, as the network sees it", *_arrays(drawn, slice(row, row + 8)))
        for row in (0, 8, 16)
    ]
    return augmentation_sheet(parts, together)


def _draw(faces: FaceSet, config: AugmentConfig) -> FaceBatch:
    """Each face `DRAWS` times, in turns."""
    plan = [[(epoch, face) for epoch in range(DRAWS) for face in range(len(faces))]]
    (batch,) = FaceBatches(faces, plan, SIZE, config, seed=SEED)
    return batch._replace(images=Augmentation(config, seed=SEED)(batch.images, 0))


def _from_weak_to_strong(part: _Part, faces: FaceSet, face: int) -> Strip:
    (still,) = FaceBatches(faces, [[(0, face)]], SIZE, NOTHING)
    drawn = _draw(faces, replace(NOTHING, **part.changes))
    (mine,) = torch.where(drawn.indices == face)
    change = (drawn.images[mine] - still.images).abs().mean(dim=(1, 2, 3))
    shown = torch.linspace(0.1 * DRAWS, DRAWS - 1, 4).long()
    pictures, landmarks = _arrays(drawn, mine[change.argsort()][shown])
    if part.view == "close":
        pictures = pictures[:, CLOSE, CLOSE]
    return Strip(part.caption, pictures, landmarks if part.view == "landmarks" else None)


def _arrays(
    batch: FaceBatch, shown: Tensor | slice
) -> tuple[UInt8[np.ndarray, "pictures size size 3"], Float[np.ndarray, "pictures landmarks 2"]]:
    pictures = (batch.images[shown] * 255).round().byte().permute(0, 2, 3, 1)
    return pictures.numpy(), batch.landmarks[shown].numpy()
