"""Questions and exercise of notebook 00."""

import numpy as np

from onedheat.course.exercises import Checks, Exercise, Mistake
from onedheat.course.quiz import Choice, Prediction, Question, Quiz

prediction = Prediction(
    Question(
        "Landmark 3 lies on the side of the jaw, where the jaw runs nearly straight down. Which of its two "
        "vectors has the wider peak?",
        (
            Choice(
                "That of x",
                "Across the jaw there is an edge to see, from skin to what is behind it. That fixes x.",
            ),
            Choice(
                "That of y",
                "Along the jaw nothing says where point 3 is rather than a little higher or lower. So the "
                "vector of y spreads over several places, while x, across the edge, is sure.",
                right=True,
            ),
            Choice(
                "Both are alike, as for an eye corner",
                "At a corner the picture fixes x and y. Along a line it fixes only what is across the line.",
            ),
            Choice(
                "Neither: a network's peaks all have the width that it was trained with",
                "Every target has that width. But where several places are possible, the best answer spreads "
                "over them.",
            ),
        ),
    )
)


def read_vector(vector, size):
    """The coordinate of the best bin's centre, in pixels."""
    best = int(np.argmax(vector))
    return (best + 0.5) * size / len(vector) - 0.5


def _peak(at: int, bins: int) -> np.ndarray:
    return np.exp(-((np.arange(bins) - at) ** 2) / 18.0)


check = Checks(
    Exercise(
        "read_vector",
        read_vector,
        cases=((_peak(100, 384), 128), (_peak(7, 64), 128), (_peak(300, 512), 256)),
        mistakes=(
            Mistake(
                lambda vector, size: int(np.argmax(vector)),
                "This is the number of the best bin. L bins share F pixels: how wide is one?",
            ),
            Mistake(
                lambda vector, size: np.argmax(vector) * size / len(vector),
                "This is where the bin begins, and in a frame that begins at 0. Take its middle, and "
                "remember that the picture begins half a pixel before the centre of its first pixel.",
            ),
            Mistake(
                lambda vector, size: np.argmax(vector) * size / len(vector) - 0.5,
                "You have the frame, but this is where the bin begins. Its middle is half a bin further on.",
            ),
            Mistake(
                lambda vector, size: np.argmax(vector) * size / len(vector) + 0.5,
                "You added half a pixel. The middle of a bin is half a *bin* further on. And the picture "
                "begins at −½, so half a pixel is to be taken away.",
            ),
            Mistake(
                lambda vector, size: (np.argmax(vector) + 0.5) * size / len(vector),
                "Nearly. The first pixel's centre is 0 and its left edge is −½, so everything is half a "
                "pixel too far to the right.",
            ),
            Mistake(
                lambda vector, size: (np.argmax(vector) + 0.5) * len(vector) / size - 0.5,
                "The ratio is upside down: a bin is F/L pixels wide.",
            ),
            Mistake(
                lambda vector, size: np.max(vector),
                "This is how high the peak is. You need where it is: `np.argmax`.",
            ),
        ),
        hints=(
            "`np.argmax(vector)` is the number of the best bin.",
            "A bin is `size / len(vector)` pixels wide. The middle of bin 0 lies half a bin from the left "
            "edge of the picture.",
            "The left edge of the picture is at −½.",
        ),
    )
)

quiz = Quiz(
    [
        Question(
            "An x vector has a low, wide peak. What does that say?",
            (
                Choice(
                    "The landmark lies near the edge of the face",
                    "Where the peak is would say that.",
                ),
                Choice(
                    "The network is not sure of this x",
                    "The vector spreads over the coordinates that it holds possible.",
                    right=True,
                ),
                Choice("The y of this landmark is wrong", "y has a vector of its own."),
            ),
        ),
        Question(
            "The vectors have 384 bins for 128 pixels. How wide is a bin?",
            (
                Choice("3 pixels", "That would be 43 bins for 128 pixels."),
                Choice("1 pixel", "That would be 128 bins."),
                Choice("a third of a pixel", "F/L = 128/384.", right=True),
            ),
        ),
        Question(
            "A point on the jaw has σ = 2.0 pixels in y and 0.5 in x. What does that mean?",
            (
                Choice(
                    "It may well lie 2 pixels higher or lower, but hardly 2 to the side",
                    "The jaw line is there; where along it the landmark sits is less clear.",
                    right=True,
                ),
                Choice(
                    "It is off by 2 pixels", "σ is what the network expects, not what happened."
                ),
                Choice(
                    "Its ellipse is wider than high",
                    "σ is larger in y, so the ellipse is higher than wide.",
                ),
            ),
        ),
    ]
)
