"""A webcam in the page whose faces the kernel follows.

The page's half is `webcam.js` beside this file; it says what the two halves tell each other. Pictures
go from the page to the kernel and nowhere else: on one's own computer they stay there, while a kernel on
Binder or Colab is another computer. Nothing is sent before the button is pressed, and nothing is kept.

Where there is no camera, no permission or no anywidget, a still picture stands in, with the reason in
words; where there is no kernel, the picture alone.
"""

import io
import time
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from onedheat.course.show import show, show_html, show_widget
from onedheat.data.images import RGB, ImageError
from onedheat.pipeline import FaceTracker, TrackedFace
from onedheat.plots import Figure

HERE = Path(__file__).parent
WIDTH = 480
"""Pixels of a frame's longer side, as it is sent. Faces that fill a fifth of it still fill a network's
input of 128 pixels by three quarters, and finding them is four times as fast as at 960."""

MAX_BYTES, MAX_SIDE = 4_000_000, 2048  # of a frame; far more than the page ever sends
NOTE = (
    "A camera view appears here when this cell is run. A figure of this notebook shows the same for a "
    "still picture."
)
WITHOUT_ANYWIDGET = (
    "There is no camera view, because the package anywidget is not installed. Install it "
    "(`pip install anywidget`), start JupyterLab anew and run this cell again. The still picture shows "
    "the same."
)


class WebcamDesk:
    """Answers what a page sends; it needs neither a page nor a widget.

    Whatever is sent gets an answer, so that a page never waits in vain, or is no frame and needs none.

    Args:
        tracker: follows the faces.
    """

    def __init__(self, tracker: FaceTracker):
        self.tracker = tracker

    def answer(self, content: object, buffers: Sequence[Any] = ()) -> dict[str, Any] | None:
        """The answer to one message, as plain values for JSON.

        Args:
            content: ``{"type": "frame", "number": …}`` with one buffer, a JPEG; or ``{"type": "reset"}``.
            buffers: bytes or memoryviews.

        Returns:
            ``{"type": "faces", "number", "milliseconds", "faces": [{"identity", "score",
            "landmarks"}]}``, landmarks in pixels of the frame; or ``{"type": "error", "number",
            "message"}``; or None where nothing waits for an answer.
        """
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "reset":
            self.tracker.reset()
            return None
        number = content.get("number") if isinstance(content, dict) else None
        if type(number) is not int:
            number = None
        if kind != "frame" or number is None or len(buffers) != 1:
            return _refused(
                number, "expected a frame: {type: 'frame', number: a whole number} and one buffer"
            )
        begun = time.perf_counter()
        try:
            faces = self.tracker(decode_jpeg(bytes(buffers[0])))
        except (ImageError, ValueError) as error:  # the second: a network that is broken
            return _refused(number, str(error))
        return {
            "type": "faces",
            "number": number,
            "milliseconds": round(1000 * (time.perf_counter() - begun), 1),
            "faces": [_as_json(face) for face in faces],
        }


def _refused(number: int | None, message: str) -> dict[str, Any]:
    return {"type": "error", "number": number, "message": f"This frame was left out: {message}."}


def _as_json(face: TrackedFace) -> dict[str, Any]:
    return {
        "identity": face.identity,
        "score": round(face.score, 4),
        "landmarks": np.round(face.landmarks, 2).tolist(),
    }


def decode_jpeg(content: bytes) -> RGB:
    """A JPEG from somewhere else as a picture, (H, W, 3) RGB.

    Raises:
        ImageError: too many bytes or pixels, no JPEG, or a damaged one.
    """
    if len(content) > MAX_BYTES:
        raise ImageError(f"it has {len(content):,} bytes, at most {MAX_BYTES:,} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=("JPEG",))
        if max(picture.size) > MAX_SIDE:
            raise ImageError(
                f"it has {picture.width} × {picture.height} pixels, at most {MAX_SIDE} a side are read"
            )
        return np.array(picture.convert("RGB"))
    except ImageError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning) as error:
        raise ImageError(f"it is no JPEG or a damaged one ({type(error).__name__})") from error


@cache
def _webcam_class() -> type:
    """The widget's class, made when it is first needed: anywidget is optional.

    Raises:
        ImportError: no anywidget.
    """
    import anywidget
    import traitlets

    class Webcam(anywidget.AnyWidget):
        """See `make_webcam`."""

        _esm = (HERE / "webcam.js").read_text(encoding="utf-8")
        _css = (HERE / "webcam.css").read_text(encoding="utf-8")
        width = traitlets.Int(WIDTH).tag(sync=True)
        lines = traitlets.List().tag(sync=True)
        still_png = traitlets.Bytes().tag(sync=True)
        still_alt = traitlets.Unicode().tag(sync=True)

        def __init__(self, desk: WebcamDesk, **settings):
            super().__init__(**settings)
            self.desk = desk
            self.on_msg(self._answer)

        def _answer(self, _widget, content, buffers) -> None:
            answer = self.desk.answer(content, buffers)
            if answer is not None:
                self.send(answer)

    return Webcam


def make_webcam(tracker: FaceTracker, still: Figure, *, width: int = WIDTH):
    """A widget with a button that starts the camera.

    Args:
        tracker: follows the faces.
        still: what is shown until the camera is on, and where there is none.
        width: pixels of a frame's longer side, as it is sent.

    Raises:
        ImportError: no anywidget.
    """
    return _webcam_class()(
        WebcamDesk(tracker),
        width=width,
        lines=[list(line) for line in tracker.landmarker.scheme.lines],
        still_png=still.small_png(),
        still_alt=still.alt,
    )


def watch_webcam(tracker: FaceTracker, still: Figure, *, width: int = WIDTH) -> None:
    """Shows `make_webcam`, or the still picture and why there is nothing else."""
    try:
        widget = make_webcam(tracker, still, width=width)
    except ImportError:
        show_html(f"<p>{WITHOUT_ANYWIDGET.replace('`', '')}</p>", WITHOUT_ANYWIDGET)
        show(still)
        return
    show_widget(widget, NOTE)
