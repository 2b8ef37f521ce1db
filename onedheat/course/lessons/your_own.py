"""Questions and exercises of notebook 09."""

import numpy as np

from onedheat.course.exercises import Checks, Exercise, Mistake
from onedheat.course.quiz import Choice, Prediction, Question, Quiz

prediction = Prediction(
    Question(
        "You annotate seven points on each of 16 faces, and a detector with 0.8 million weights sees each of "
        "them a dozen times in training. On other faces, in boxes drawn around their annotation: which "
        "answer is nearest?",
        (
            Choice(
                "That of a detector that began with random weights",
                "A dozen looks at 16 faces teach it little. "
                "Even the mean face, laid into the box by someone who does not look, is nearer.",
            ),
            Choice(
                "The mean of the 16 faces, laid into the box without looking",
                "It beats the detector that began at random, and is a bar that every detector must clear. "
                "A detector that already knows faces clears it at once.",
            ),
            Choice(
                "That of a detector that began with weights trained on other points",
                "What the trunk knows of faces serves any points. What is new is where seven of them lie, "
                "and for that a few examples are enough.",
                right=True,
            ),
            Choice(
                "None is near: 16 faces are too few for anything",
                "They are too few to learn what a face is. That much can be borrowed.",
            ),
        ),
    )
)


def as_input(picture):
    """A face (F, F, 3), RGB from 0 to 255, as what the exported file takes."""
    return (picture.astype(np.float32) / 255).transpose(2, 0, 1)[None]


def mirror_landmarks(landmarks, mirror, width):
    """Where the landmarks are, and which is which, once the picture is mirrored."""
    mirrored = np.array(landmarks, dtype=float)[list(mirror)]
    mirrored[:, 0] = width - 1 - mirrored[:, 0]
    return mirrored


def second_difference(way):
    """The length of a − 2b + c for each three frames in a row, (T, 2) → (T − 2,), in pixels."""
    return np.linalg.norm(way[2:] - 2 * way[1:-1] + way[:-2], axis=1)


def _picture(seed: int, side: int) -> tuple[np.ndarray]:
    return (np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8),)


def _way(seed: int, frames: int) -> tuple[np.ndarray]:
    return (np.random.default_rng(seed).normal(size=(frames, 2)).cumsum(axis=0),)


_FIVE = np.array([[30.0, 40.0], [70.0, 42.0], [52.0, 60.0], [38.0, 80.0], [66.0, 79.0]])
_MIRROR = (1, 0, 2, 4, 3)


def _moved(landmarks, mirror, edge):
    mirrored = np.array(landmarks, dtype=float)[list(mirror)]
    mirrored[:, 0] = edge - mirrored[:, 0]
    return mirrored


check = Checks(
    Exercise(
        "as_input",
        as_input,
        cases=(_picture(0, 4), _picture(1, 6)),
        dtype="float32",
        mistakes=(
            Mistake(
                lambda picture: picture.astype(np.float32).transpose(2, 0, 1)[None],
                "Shape and order are right, the values go up to 255. The network was trained on 0 to 1.",
            ),
            Mistake(
                lambda picture: (picture[..., ::-1].astype(np.float32) / 255).transpose(2, 0, 1)[
                    None
                ],
                "You exchanged red and blue. That is needed for pictures that OpenCV read; this one is RGB.",
            ),
            Mistake(
                lambda picture: (picture.astype(np.float32) / 255)[None],
                "The channels come last here. The file takes (batch, 3, F, F): transpose.",
            ),
            Mistake(
                lambda picture: (picture.astype(np.float32) / 255).transpose(2, 0, 1),
                "One axis is missing: the file takes a batch, here of one face.",
            ),
            Mistake(
                lambda picture: (picture.astype(np.float32) / 255).transpose(2, 1, 0)[None],
                "Rows and columns have changed places; the face lies on its side. `transpose(2, 0, 1)` "
                "keeps them.",
            ),
        ),
        hints=(
            "Four things: floating point, a range of 0 to 1, channels first, and an axis for the batch.",
            "`transpose(2, 0, 1)` takes (row, column, channel) to (channel, row, column); `[None]` puts an "
            "axis in front.",
        ),
    ),
    Exercise(
        "mirror_landmarks",
        mirror_landmarks,
        cases=((_FIVE, _MIRROR, 100), (_FIVE + 7.5, _MIRROR, 128)),
        mistakes=(
            Mistake(
                lambda landmarks, mirror, width: _moved(landmarks, range(5), width - 1),
                "The places are right, the names are not: what was the right eye is now where a left eye "
                "is. Let the landmarks change places by `mirror`.",
            ),
            Mistake(
                lambda landmarks, mirror, width: _moved(landmarks, mirror, width),
                "One pixel too far. Centres run from 0 to width − 1, so x becomes width − 1 − x.",
            ),
            Mistake(
                lambda landmarks, mirror, width: landmarks[list(mirror)],
                "You exchanged the names; the points themselves must move too.",
            ),
            Mistake(
                lambda landmarks, mirror, width: _moved(landmarks, range(5), width),
                "Two things are missing: centres run from 0 to width − 1, and the names change places.",
            ),
        ),
        hints=(
            "A mirrored picture has its first column last: x becomes width − 1 − x, and y stays.",
            "Landmark i of the mirrored face is what was landmark `mirror[i]`: `landmarks[list(mirror)]`.",
        ),
    ),
    Exercise(
        "second_difference",
        second_difference,
        cases=(_way(0, 6), _way(1, 9)),
        mistakes=(
            Mistake(
                lambda way: np.linalg.norm(np.diff(way, axis=0), axis=1),
                "This is the speed. A face that moves evenly has speed and does not shake: take the "
                "difference of the differences.",
            ),
            Mistake(
                lambda way: np.abs(np.diff(way, 2, axis=0)).sum(axis=1),
                "You added x and y. The length of a step is the root of the sum of squares.",
            ),
            Mistake(
                lambda way: np.linalg.norm(np.diff(way, 2, axis=0), axis=1) / 2,
                "Half of it: the package keeps the whole second difference, which is twice the distance "
                "from the middle of the neighbours.",
            ),
            Mistake(
                lambda way: np.linalg.norm(np.diff(way, 2, axis=0), axis=1).mean(),
                "This is its mean. Give one number for each frame that has two neighbours.",
            ),
            Mistake(
                lambda way: np.diff(way, 2, axis=0),
                "These are the vectors, x and y of each. Their lengths are asked for: `np.linalg.norm`.",
            ),
            Mistake(
                lambda way: np.linalg.norm(np.diff(way, 2), axis=1),
                "`np.diff` takes the last axis unless it is told. That is x and y here, and two numbers have "
                "no second difference. Frames are `axis=0`.",
            ),
        ),
        hints=(
            "For three frames a, b, c it is the length of a − 2b + c.",
            "`np.diff(way, 2, axis=0)` does the subtraction for all frames at once.",
        ),
    ),
)

quiz = Quiz(
    [
        Question(
            "You run the webcam cell on Binder. Where do the pictures of your camera go?",
            (
                Choice(
                    "Nowhere: the page finds the landmarks",
                    "The network runs in the kernel. The page takes pictures and draws dots.",
                ),
                Choice(
                    "To the kernel, which is a computer of Binder's",
                    "Each frame is sent there as a JPEG and forgotten once it is answered. With JupyterLab "
                    "on your own computer the kernel is that computer.",
                    right=True,
                ),
                Choice(
                    "Into the notebook file",
                    "Outputs are stored there; frames are none.",
                ),
            ),
        ),
        Question(
            "In your `scheme.json` the pair of the eyes is missing from `mirror_pairs`. What happens in "
            "training?",
            (
                Choice(
                    "Nothing: pairs are only for drawing",
                    "Half of the training pictures are mirrored, and the pairs say what is what then.",
                ),
                Choice(
                    "An error: the scheme is not valid",
                    "Points that lie on the middle line have no pair, so none is demanded.",
                ),
                Choice(
                    "In half of the pictures the right eye is taught as the left one",
                    "The network learns both places for either eye. Look at the drawing of a scheme before "
                    "you train with it.",
                    right=True,
                ),
            ),
        ),
        Question(
            "All your points lie on the mouth. Your detector began with weights that were trained on whole "
            "faces. What should you watch?",
            (
                Choice(
                    "The box: drawn around the mouth it shows the network a picture unlike any it knows",
                    "The box follows from the points. With a few that span the face, the picture is the one "
                    "that the weights were trained on; without, they have more to learn anew.",
                    right=True,
                ),
                Choice(
                    "The number of bins: L must grow with the zoom",
                    "L belongs to the picture that the network is given, however much of a face it shows.",
                ),
                Choice(
                    "Nothing: weights know nothing of boxes",
                    "They know what they were shown: faces that fill the picture in one way.",
                ),
            ),
        ),
    ]
)
