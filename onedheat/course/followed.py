"""What a lesson keeps of a video while a tracker goes through it: the faces, and a few pictures."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from onedheat.data.images import RGB
from onedheat.pipeline import TrackedFace

MOST = 40  # pictures
BYTES = 60_000_000  # of all pictures together


def most_seen(identities: Int[np.ndarray, "found"]) -> int:
    """The number of the face that was found most often.

    Raises:
        ValueError: no face was found.
    """
    if not len(identities):
        raise ValueError(
            "no face was found in the video; give one with a face that fills a fifth of the picture or "
            'more, or set finder = "yunet", which finds more'
        )
    numbers, counts = np.unique(identities, return_counts=True)
    return int(numbers[counts.argmax()])


class FollowedVideo:
    """Frames, as they come, with the faces found in them.

    Every picture is kept at first; whenever there are too many, every second one is dropped. So the few
    that are left are spread evenly over the video, however long it is.

    Attributes:
        pictures: number of a frame → its picture.
        seconds: of each frame.
        faces: of each frame.
    """

    def __init__(self):
        self.pictures: dict[int, RGB] = {}
        self.seconds: list[float] = []
        self.faces: list[Sequence[TrackedFace]] = []
        self._step = 1

    def add(self, seconds: float, picture: RGB, faces: Sequence[TrackedFace]) -> None:
        """Takes in the next frame."""
        number = len(self.faces)
        self.seconds.append(seconds)
        self.faces.append(faces)
        if number % self._step == 0:
            self.pictures[number] = picture
        room = max(1, min(MOST, BYTES // picture.nbytes))
        while len(self.pictures) > room:
            self._step *= 2
            self.pictures = {n: kept for n, kept in self.pictures.items() if n % self._step == 0}

    def longest(
        self,
    ) -> tuple[Float[np.ndarray, "frames landmarks 2"], Float[np.ndarray, "frames landmarks 2"]]:
        """Landmarks and σ of the face that is in most frames, (T, N, 2) each; NaN where it is not.

        Raises:
            ValueError: no face was found.
        """
        found = [face for faces in self.faces for face in faces]
        mine = most_seen(np.array([face.identity for face in found], dtype=int))
        track = np.full((len(self.faces), *found[0].landmarks.shape), np.nan)
        sigma = track.copy()
        for number, faces in enumerate(self.faces):
            for face in faces:
                if face.identity == mine:
                    track[number], sigma[number] = face.landmarks, face.sigma
        return track, sigma
