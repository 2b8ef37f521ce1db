"""Points followed by optical flow, what trackers did before detectors were good: Lucas and Kanade 1981.

Each point goes where the pixels around it went, from one frame to the next. Nothing pulls it back to
the face: what it once lost by, it keeps.
"""

import numpy as np
from jaxtyping import Float, UInt8

Points = Float[np.ndarray, "landmarks 2"]
Image = UInt8[np.ndarray, "height width 3"]


class FlowTracker:
    """Follows the landmarks of one face by OpenCV's pyramidal Lucas–Kanade flow (Bouguet 2001).

    Args:
        window: side in pixels of what is looked at around a point; OpenCV's default is 21.
        levels: how often the picture is halved to follow fast points; OpenCV's default is 3.

    Raises:
        ValueError: a window under 3 pixels, or levels below 0.
    """

    def __init__(self, *, window: int = 21, levels: int = 3):
        if window < 3 or levels < 0:
            raise ValueError(
                f"a window has at least 3 pixels and levels are not below 0; got window={window}, "
                f"levels={levels}"
            )
        self.window, self.levels = window, levels
        self._before: UInt8[np.ndarray, "height width"] | None = None
        self._points: Points | None = None

    def start(self, image: Image, landmarks: Points) -> None:
        """Begins anew with landmarks (N, 2) in pixels of an RGB frame, as a detector found them."""
        self._before, self._points = _grey(image), landmarks.astype(np.float64)

    def step(self, image: Image) -> Points:
        """Where the landmarks are in the next frame, (N, 2); one that got lost stays where it was.

        Raises:
            ValueError: nothing was started, or the frame has another size than the last.
        """
        import cv2

        if self._before is None or self._points is None:
            raise ValueError("nothing to follow yet: give start() a frame and its landmarks")
        now = _grey(image)
        if now.shape != self._before.shape:
            raise ValueError(
                f"the last frame has {self._before.shape[1]} × {self._before.shape[0]} pixels, this one "
                f"{now.shape[1]} × {now.shape[0]}; start() anew"
            )
        known = np.isfinite(self._points).all(axis=1)
        points = self._points.copy()
        if known.any():
            moved, found, _ = cv2.calcOpticalFlowPyrLK(
                self._before,
                now,
                self._points[known].astype(np.float32)[:, None],
                None,
                winSize=(self.window, self.window),
                maxLevel=self.levels,
            )
            moved = np.where(found.reshape(-1, 1) > 0, moved.reshape(-1, 2), points[known])
            points[known] = moved
        self._before, self._points = now, points
        return points.copy()


def _grey(image: Image) -> UInt8[np.ndarray, "height width"]:
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
