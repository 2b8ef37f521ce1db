"""The two public-domain photographs that lessons look at without a network."""

import numpy as np
from jaxtyping import UInt8

from onedheat.data.images import as_rgb

Photo = UInt8[np.ndarray, "height width 3"]


def photographs() -> dict[str, Photo]:
    """Name of the person → photo, (H, W, 3) uint8 RGB.

    Eileen Collins (NASA) comes inside scikit-image, Grace Hopper (United States Navy) inside
    matplotlib; both are in the public domain.
    """
    from matplotlib import cbook
    from PIL import Image
    from skimage import data

    with cbook.get_sample_data("grace_hopper.jpg") as file:
        hopper = np.asarray(Image.open(file).convert("RGB"))
    return {"Eileen Collins": as_rgb(data.astronaut()), "Grace Hopper": as_rgb(hopper)}
