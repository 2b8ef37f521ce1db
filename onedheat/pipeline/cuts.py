"""Where a video shows another scene: a cut, or a jump to another place.

After a cut another person may sit where the last one sat, and landmarks alone would not notice. A camera
that shakes, turns or zooms, and a hand before it, are no cut: every face would become a new one.
"""

from collections import deque

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

from onedheat.data.images import RGB

SIDE = 32  # of the little pictures that are compared
BLOCK = 4  # side of the blocks that they are compared by, in their pixels
REACH = 4  # pixels of theirs that a scene may move by between two frames: an eighth of its side

FITTING = 0.35
"""Share of the blocks that must be found again, all moved alike: a hand may hide the others."""

LEAST_LIKENESS = 0.74
"""Frames of which so many blocks do not correlate by that are of two scenes.

Measured at 360 pixels a row: no cut is seen in Talking Face at 25, 5, 2, 1 and ½ frames a second, shaken
by ±8, ±15 and ±22 pixels, rolled by ±10°, dimmed to 30 % with noise of 25 grey levels, and behind a hand of
90 to 200 pixels that moves by 20 or 40 a frame; nor in pans over 32 photos of 300W by 2 to 12 % of the width
a frame, and zooms by 2 and 5 %; by 10 % once in 224. Of two photos after one another the cut is seen in all
496 pairs of these 32, in all 400 of Talking Face and a crop of 300W, in all 128 of two parts of one photo and
of a wide shot and a close one, in 99.8 % of 7973 pairs of crops, where a face fills both in one place, and in
457 of 478 pairs of two faces of one photo. Two shots by one camera that stands still are one scene."""

SURE = 0.88
"""Little pictures that correlate by that as they lie are of one scene, and nothing is searched: those of two
crops of 300W come up to 0.86."""

REMEMBERED = 3
"""Frames that a frame is compared with: it need be like one. A flash lasts for one or two."""

FLAT = 4.0  # grey levels of standard deviation; less is black, white or fog, which tells nothing
FLAT_BLOCK = 1.0  # the same of a block, which is a piece of wall


class CutDetector:
    """Compares each frame with the last ones, by little grey pictures that cost 0.2 ms, and 0.2 ms more
    where much has moved.

    Correlation does not mind a lamp that is switched on or a camera that adapts, as a difference of
    grey levels would. A slow cross-fade is not seen.
    """

    def __init__(self):
        self._last: deque[Float[np.ndarray, "side side"]] = deque(maxlen=REMEMBERED)

    def reset(self) -> None:
        """Forgets the last frames."""
        self._last.clear()

    def __call__(self, image: RGB) -> bool:
        """Whether this frame begins another scene; the first of all does not."""
        picture = little(image)
        if picture.std() < FLAT:  # what comes after is compared with what came before
            return False
        is_known = any(likeness(before, picture) >= LEAST_LIKENESS for before in self._last)
        is_cut = not is_known and len(self._last) > 0
        if is_cut:
            self.reset()
        self._last.appendleft(picture)  # the newest is the likeliest
        return is_cut


def little(image: RGB) -> Float[np.ndarray, "side side"]:
    """A frame as a grey picture of 32 × 32 pixels."""
    import cv2

    # The mean of every pixel of a 4K frame would take longer than the landmarks do.
    step = max(1, min(image.shape[:2]) // (4 * SIDE))
    coarse = np.ascontiguousarray(image[::step, ::step])
    small = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float64)


def likeness(
    before: Float[np.ndarray, "side side"], after: Float[np.ndarray, "side side"]
) -> float:
    """How well one little picture is found again in another, in [−1, 1]; neither may be all one grey.

    Their correlation where it is `SURE`. Else what the best `FITTING` of the blocks correlate by at least,
    where all are moved by up to `REACH` alike, and by that way which serves them best.
    """
    whole = float(((before - before.mean()) * (after - after.mean())).mean())
    whole /= before.std() * after.std()
    if whole >= SURE:
        return whole
    inner = slice(REACH, SIDE - REACH, BLOCK)
    blocks, contrast = _blocks(before)
    tells = contrast[inner, inner] >= FLAT_BLOCK
    if not tells.any():
        return whole
    ways = 2 * REACH + 1
    # (blocks down, blocks across, pixels, ways down, ways across)
    places = sliding_window_view(_blocks(after)[0], (ways, ways), axis=(0, 1))[::BLOCK, ::BLOCK]
    found = np.einsum("ijp,ijpyx->ijyx", blocks[inner, inner], places)[tells]
    worst = len(found) - int(np.ceil(FITTING * len(found)))
    return float(np.partition(found, worst, axis=0)[worst].max())


def _blocks(
    picture: Float[np.ndarray, "side side"],
) -> tuple[Float[np.ndarray, "rows columns pixels"], Float[np.ndarray, "rows columns"]]:
    """The block at every place of a little picture, less its mean and of length 1 (shorter where it is
    flat), and its standard deviation.
    """
    windows = sliding_window_view(picture.astype(np.float32), (BLOCK, BLOCK))
    windows = windows.reshape(*windows.shape[:2], -1)
    windows = windows - windows.mean(axis=2, keepdims=True)
    contrast = np.sqrt((windows**2).mean(axis=2))
    return windows / (BLOCK * np.maximum(contrast, FLAT_BLOCK))[..., None], contrast
