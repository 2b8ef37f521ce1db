"""Where a video shows another scene: a cut, or a jump to another place.

After a cut another person may sit where the last one sat, and landmarks alone would not notice.
"""

import numpy as np
from jaxtyping import Float

from onedheat.data.images import RGB

SIDE = 24  # of the little pictures that are compared
LEAST_LIKENESS = 0.7
"""Frames whose little pictures correlate less than that are of two scenes.

Measured: frames that follow one another correlate by 0.98 and more in Talking Face (0.83 five frames
apart) and by 0.94 in moving stills of 300W; the 496 pairs of 32 photos by 0.03 in the median, 0.64 at
most."""
FLAT = 4.0  # grey levels of standard deviation; less is black, white or fog, which tells nothing


class CutDetector:
    """Compares each frame with the one before, by little grey pictures that cost 0.1 ms.

    Correlation does not mind a lamp that is switched on or a camera that adapts, as a difference of
    grey levels would; at 24 pixels a side it hardly minds what moves.
    """

    def __init__(self):
        self._last: Float[np.ndarray, "side side"] | None = None

    def reset(self) -> None:
        """Forgets the last frame."""
        self._last = None

    def __call__(self, image: RGB) -> bool:
        """Whether this frame begins another scene; the first of all does not."""
        picture = little(image)
        if picture.std() < FLAT:  # what comes after is compared with what came before
            return False
        before, self._last = self._last, picture
        return before is not None and likeness(before, picture) < LEAST_LIKENESS


def little(image: RGB) -> Float[np.ndarray, "side side"]:
    """A frame as a grey picture of 24 × 24 pixels."""
    import cv2

    # The mean of every pixel of a 4K frame would take longer than the landmarks do.
    step = max(1, min(image.shape[:2]) // (4 * SIDE))
    coarse = np.ascontiguousarray(image[::step, ::step])
    small = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float64)


def likeness(
    first: Float[np.ndarray, "side side"], second: Float[np.ndarray, "side side"]
) -> float:
    """Correlation of two little pictures in [−1, 1]; neither may be all one grey."""
    together = ((first - first.mean()) * (second - second.mean())).mean()
    return float(together / (first.std() * second.std()))
