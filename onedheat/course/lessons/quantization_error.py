"""Questions and exercises of notebook 01."""

import math

import numpy as np

from onedheat.course.exercises import Checks, Exercise, Mistake
from onedheat.course.quiz import Choice, Prediction, Question, Quiz
from onedheat.plots.rounding import MEAN_TO_CORNER

prediction = Prediction(
    Question(
        "The paper's point (142.84, 188.72) loses E = 1.11 pixels on a grid of L = 128 bins over a face "
        "of F = 256 pixels. Double the grid to L = 256. What is E now?",
        (
            Choice(
                "0.28 pixels, a quarter", "There are four times as many cells, but E is a length."
            ),
            Choice(
                "0.55 pixels, half",
                "Half is right for the mean over many points, not for this one.",
            ),
            Choice(
                "1.11 pixels, the same",
                "At L = 256 a bin is one pixel wide, and rounding down drops 0.84 and 0.72 pixels: exactly "
                "what it dropped at L = 128. E falls with L on average, not for every point.",
                right=True,
            ),
            Choice("0: each pixel has its bin", "A landmark need not lie on a whole pixel."),
        ),
    )
)


def recover_center(index, size, bins):
    """The middle of a bin, in pixels of the paper's frame [0, F)."""
    return (index + 0.5) * size / bins


def error_floor(points, kept, interocular):
    """NRMSE in per cent of points of which only `kept` is left."""
    distances = np.linalg.norm(points - kept, axis=-1)
    return 100 * distances.mean() / interocular


def bins_for(limit, size, interocular):
    """The fewest bins whose centres cost at most `limit` per cent on average."""
    widest = limit / 100 * interocular / (MEAN_TO_CORNER / 2)  # pixels a bin
    return math.ceil(size / widest)


def _points(seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 256, (68, 2))
    return points, np.floor(points / 4) * 4, 110.0 + seed


check = Checks(
    Exercise(
        "recover_center",
        recover_center,
        cases=((71, 256, 128), (0, 256, 64), (np.array([1, 5, 63]), 256, 64), (427, 256, 768)),
        mistakes=(
            Mistake(
                lambda index, size, bins: index * size / bins,
                "This is the left edge, Eq. 4 itself. How far is it from there to the middle of the bin?",
            ),
            Mistake(
                lambda index, size, bins: index * size / bins + 0.5,
                "You added half a pixel. A bin is F/L pixels wide: add half a bin.",
            ),
            Mistake(
                lambda index, size, bins: (index + 0.5) * size / bins - 0.5,
                "This is the middle in the frame of notebook 00, whose left edge is −½. Here p counts from "
                "the left edge of the picture, from 0.",
            ),
            Mistake(
                lambda index, size, bins: (index + 0.5) * bins / size,
                "The ratio is upside down: L/F turns pixels into bins, F/L turns bins into pixels.",
            ),
            Mistake(
                lambda index, size, bins: (index + 1) * size / bins,
                "This is the right edge: you added a whole bin.",
            ),
        ),
        hints=("Bin 0 begins at 0 and ends at F/L.", "Add ½ to the index before Eq. 4 scales it."),
    ),
    Exercise(
        "error_floor",
        error_floor,
        cases=(_points(0), _points(1)),
        mistakes=(
            Mistake(
                lambda points, kept, interocular: (
                    100 * np.sqrt(((points - kept) ** 2).sum(-1).mean()) / interocular
                ),
                "You took the root of the mean square, as the name says. What the field reports under that "
                "name is the mean of the distances.",
            ),
            Mistake(
                lambda points, kept, interocular: (
                    np.linalg.norm(points - kept, axis=-1).mean() / interocular
                ),
                "Right, but as a fraction. Give per cent.",
            ),
            Mistake(
                lambda points, kept, interocular: 100 * np.abs(points - kept).mean() / interocular,
                "This averages the differences in x and in y. Eq. 5 joins the two into one distance first.",
            ),
            Mistake(
                lambda points, kept, interocular: (
                    100 * np.abs(points - kept).sum(axis=-1).mean() / interocular
                ),
                "You added the differences in x and in y. Eq. 5 is the root of the sum of their squares.",
            ),
            Mistake(
                lambda points, kept, interocular: (
                    100 * ((points - kept) ** 2).sum(axis=-1).mean() / interocular
                ),
                "These are squares of distances. The root of Eq. 5 is missing.",
            ),
            Mistake(
                lambda points, kept, interocular: (
                    100 * np.linalg.norm(points - kept, axis=-1).sum() / interocular
                ),
                "This is the sum over the landmarks. Take their mean.",
            ),
            Mistake(
                lambda points, kept, interocular: 100 * np.linalg.norm(points - kept) / interocular,
                "This is one norm of all numbers together. With `axis=-1` it is one distance a landmark; "
                "then take their mean.",
            ),
            Mistake(
                lambda points, kept, interocular: (
                    100 * np.linalg.norm(points - kept, axis=0).mean() / interocular
                ),
                "`axis=0` joins all the x, and all the y. Join the x and the y of each landmark: `axis=-1`.",
            ),
            Mistake(
                lambda points, kept, interocular: (
                    100 * np.linalg.norm(points - kept, axis=-1) / interocular
                ),
                "These are the errors of single landmarks. Take their mean.",
            ),
            Mistake(
                lambda points, kept, interocular: np.linalg.norm(points - kept, axis=-1).mean(),
                "This is the mean error in pixels. Divide it by the inter-ocular distance, times 100.",
            ),
        ),
        hints=(
            "Eq. 5 for each landmark: `np.linalg.norm(…, axis=-1)`.",
            "Then the mean over landmarks, over the inter-ocular distance, times 100.",
        ),
    ),
    Exercise(
        "bins_for",
        bins_for,
        cases=((0.25, 256, 120.0), (1.0, 256, 120.0), (0.5, 128, 62.0)),
        mistakes=(
            Mistake(
                lambda limit, size, interocular: math.ceil(
                    size * MEAN_TO_CORNER / (limit / 100 * interocular)
                ),
                "This is for bins read at their left edge. Their centres cost half as much.",
            ),
            Mistake(
                lambda limit, size, interocular: int(
                    size * MEAN_TO_CORNER / 2 / (limit / 100 * interocular)
                ),
                "Nearly: you rounded down, and so the grid is one bin too coarse. Round up.",
            ),
            Mistake(
                lambda limit, size, interocular: (
                    size * MEAN_TO_CORNER / 2 / (limit / 100 * interocular)
                ),
                "Nearly: a grid has a whole number of bins. Round up: `math.ceil`.",
            ),
            Mistake(
                lambda limit, size, interocular: limit / 100 * interocular / (MEAN_TO_CORNER / 2),
                "This is how wide a bin may be. How many such bins do `size` pixels take?",
            ),
            Mistake(
                lambda limit, size, interocular: math.ceil(size / 4 / (limit / 100 * interocular)),
                "A quarter of a bin is the mean error of one axis. A landmark is off in both.",
            ),
            Mistake(
                lambda limit, size, interocular: math.ceil(
                    size * MEAN_TO_CORNER / 2 / (limit * interocular)
                ),
                "The limit is in per cent. One per cent of the inter-ocular distance is "
                "`interocular / 100` pixels.",
            ),
        ),
        hints=(
            "How many pixels may the mean error have? `limit / 100 * interocular`.",
            "A bin of w pixels, read at its centre, costs `MEAN_TO_CORNER / 2 * w` pixels on average.",
            "Solve for w. Then L = F/w, rounded up.",
        ),
    ),
)

quiz = Quiz(
    [
        Question(
            "You double L and read bins at their left edge, as before. What happens to the mean error?",
            (
                Choice("It falls to a quarter", "The area of a cell does. An error is a length."),
                Choice("It falls to half", "It is 0.765 · F/L.", right=True),
                Choice(
                    "It stays", "It does for single points, such as the paper's. Not on average."
                ),
            ),
        ),
        Question(
            "Coordinates were rounded down to 64 bins (Eq. 3). What halves the mean error of Eq. 4 without "
            "another bin?",
            (
                Choice(
                    "Rounding what Eq. 4 gives to whole pixels",
                    "A bin is four pixels wide here, so Eq. 4 gives whole pixels already.",
                ),
                Choice(
                    "Averaging over several faces",
                    "All are shifted up and to the left; a mean of them is shifted too.",
                ),
                Choice(
                    "Adding half a bin to x and to y",
                    "The centre of a cell is on average half as far from what lies in it as a corner is.",
                    right=True,
                ),
            ),
        ),
        Question(
            "From L = 64 to L = 768: by how much does the output for one face grow?",
            (
                Choice(
                    "12 times in 1D, 144 times in 2D",
                    "2NL grows with L, NL² with its square.",
                    right=True,
                ),
                Choice("12 times in both", "A 2D map has L rows of L numbers."),
                Choice(
                    "24 times in 1D, 144 times in 2D", "The 2 in 2NL is there at both resolutions."
                ),
            ),
        ),
    ]
)
