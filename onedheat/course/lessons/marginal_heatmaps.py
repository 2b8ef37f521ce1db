"""Questions and exercises of notebook 02."""

import numpy as np

from onedheat.course.exercises import Checks, Exercise, Mistake
from onedheat.course.quiz import Choice, Prediction, Question, Quiz

prediction = Prediction(
    Question(
        "A map holds two equally bright spots, one up left and one down right. You keep only its two "
        "marginals: the sum of every column and the sum of every row. How many different maps have "
        "exactly these two marginals?",
        (
            Choice(
                "One: two marginals fix the map",
                "That holds for one round spot, not for two spots.",
            ),
            Choice(
                "Two: this one, and its mirror image",
                "The mirror image is one of them. But you may also move only a part of the spots over.",
            ),
            Choice(
                "Six, one for each way to put two spots in four corners",
                "Two spots in one row would give a row of twice the sum, and leave the other row empty.",
            ),
            Choice(
                "Infinitely many",
                "Any part of the two spots can be moved to the other two corners: each column and each "
                "row loses what it gains.",
                right=True,
            ),
        ),
    )
)


def marginals(map2d):
    """The x and the y vector of a map whose rows are y (Eq. 12)."""
    return map2d.sum(axis=0), map2d.sum(axis=1)


def most_moved(brightness):
    """The largest share that each of the two ghosts can hold."""
    return min(brightness, 1 - brightness)


def peak_between_bins(vector):
    """The fractional index of a peak: one Newton step on the logarithm, from the best bin."""
    best = int(np.argmax(vector))
    left, middle, right = np.log(vector[best - 1 : best + 2])
    slope, curvature = (right - left) / 2, left - 2 * middle + right
    return best - slope / curvature


def _around(vector):
    best = int(np.argmax(vector))
    return best, *vector[best - 1 : best + 2]


def _step_without_log(vector):
    best, left, middle, right = _around(vector)
    return best - (right - left) / 2 / (left - 2 * middle + right)


def _step_upside_down(vector):
    best = int(np.argmax(vector))
    return 2 * best - peak_between_bins(vector)


def _step_too_long(vector):
    best = int(np.argmax(vector))
    return 2 * peak_between_bins(vector) - best


def _mean_of_all(vector):
    return float((np.arange(len(vector)) * vector).sum() / vector.sum())


def _spots(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.0, 1.0, (7, 7)) ** 3


def _hill(at: float, bins: int, sigma: float, height: float) -> np.ndarray:
    return height * np.exp(-((np.arange(bins) - at) ** 2) / (2 * sigma**2))


check = Checks(
    Exercise(
        "marginals",
        marginals,
        cases=((np.outer([0, 1, 0], [1, 2, 3]),), (_spots(0),), (_spots(1),)),
        mistakes=(
            Mistake(
                lambda map2d: (map2d.sum(axis=1), map2d.sum(axis=0)),
                "The two are exchanged. The rows of a map are y: summing over y leaves the x vector.",
            ),
            Mistake(
                lambda map2d: (map2d.mean(axis=0), map2d.mean(axis=1)),
                "These are means, smaller by the factor L. Eq. 12 sums.",
            ),
            Mistake(
                lambda map2d: (
                    map2d.sum(axis=0) / map2d.sum(),
                    map2d.sum(axis=1) / map2d.sum(),
                ),
                "You divided by the sum of the map. Eq. 12 only sums; a map need not sum to 1.",
            ),
            Mistake(
                lambda map2d: (map2d.max(axis=0), map2d.max(axis=1)),
                "This is the highest value of each column and row. Two spots in one column would count "
                "once. Eq. 12 sums.",
            ),
            Mistake(
                lambda map2d: (
                    map2d[np.unravel_index(map2d.argmax(), map2d.shape)[0]],
                    map2d[:, np.unravel_index(map2d.argmax(), map2d.shape)[1]],
                ),
                "This is one row and one column, cut through the highest bin. What lies beside the cut "
                "is lost. Eq. 12 sums over all of them.",
            ),
        ),
        hints=(
            "`map2d[y, x]`: the first axis is y.",
            "The x vector has one number for each column: `map2d.sum(axis=0)`.",
        ),
    ),
    Exercise(
        "most_moved",
        most_moved,
        cases=((0.5,), (0.6,), (0.2,), (0.9,)),
        mistakes=(
            Mistake(
                lambda brightness: brightness * (1 - brightness),
                "This is what each ghost has in the vectors multiplied back. It is one of the maps "
                "that fit; in others the ghosts hold more.",
            ),
            Mistake(
                lambda brightness: brightness,
                "With a brightness of 0.9 the spot down right, which has 0.1, would give away 0.9. "
                "Nothing in a map may be below 0.",
            ),
            Mistake(
                lambda brightness: 1 - brightness,
                "With a brightness of 0.2 the spot up left, which has 0.2, would give away 0.8. "
                "Nothing in a map may be below 0.",
            ),
            Mistake(
                lambda brightness: 2 * min(brightness, 1 - brightness),
                "This is what both ghosts hold together. The question is about each of them.",
            ),
            Mistake(
                lambda brightness: min(brightness, 1 - brightness) / 2,
                "You shared it between the ghosts. But two spots give t each, and two ghosts get t "
                "each: with 0.5 and 0.5, each ghost can hold 0.5.",
            ),
        ),
        hints=(
            "With t at each ghost, `brightness - t` is left up left. What is left down right?",
            "Both must be at least 0.",
        ),
    ),
    Exercise(
        "peak_between_bins",
        peak_between_bins,
        cases=(
            (_hill(30.3, 64, 3.0, 1.0),),
            (_hill(11.8, 40, 2.0, 0.3),),
            (_hill(9.45, 96, 6.0, 2.0),),
        ),
        mistakes=(
            Mistake(
                lambda vector: int(np.argmax(vector)),
                "This is the best bin itself. How much higher is its right neighbour than its left?",
            ),
            Mistake(
                _step_without_log,
                "Close: this puts a parabola through the bins themselves. It is the logarithm of a "
                "Gaussian that is a parabola, so take `np.log` first.",
            ),
            Mistake(
                _step_upside_down,
                "You step away from the peak. The curvature is negative at a peak: subtract "
                "slope / curvature.",
            ),
            Mistake(
                _step_too_long,
                "Your step is twice too long. The neighbours lie two bins apart, so the slope is half of "
                "their difference; the curvature is not halved.",
            ),
            Mistake(
                lambda vector: peak_between_bins(vector) - int(np.argmax(vector)),
                "This is the step alone. Add it to the best bin.",
            ),
            Mistake(
                _mean_of_all,
                "This is the mean over the whole vector. It is right only for a clean vector whose "
                "peak is far from both ends; use the best bin and its two neighbours.",
            ),
        ),
        hints=(
            "Take the logarithm of the best bin and of its two neighbours.",
            "Slope: `(right - left) / 2`. Curvature: `left - 2 * middle + right`.",
            "A parabola has its top at `-slope / curvature` from the middle.",
        ),
        tolerance=1e-4,
    ),
)

quiz = Quiz(
    [
        Question(
            "The x vector and the y vector of a landmark have two equal peaks each. Where can the map have "
            "had its spots?",
            (
                Choice("In all four corners", "That is one of the maps that fit."),
                Choice(
                    "In two corners, or in four: the vectors cannot say",
                    "Both diagonals fit, and every mixture of them.",
                    right=True,
                ),
                Choice(
                    "Up left and down right",
                    "So they may be. Down left and up right fits as well.",
                ),
            ),
        ),
        Question(
            "A map is one tilted Gaussian. What do its two marginals keep?",
            (
                Choice(
                    "All of it, as for every Gaussian",
                    "For one whose x and y are independent. Here they go together.",
                ),
                Choice("Only where its peak is", "Each marginal also has the right width: its σ."),
                Choice(
                    "Its centre and the σ of x and of y, but not the tilt",
                    "How x and y go together is in no column sum and in no row sum.",
                    right=True,
                ),
            ),
        ),
        Question(
            "A vector of 768 bins has noise of its own in each bin. The best bin is half a pixel off, "
            "though a bin is a third of a pixel wide. What helps most?",
            (
                Choice(
                    "More bins",
                    "Then more of them lie near the top, and noise lifts one of these.",
                ),
                Choice(
                    "Blur with the target's σ before looking for the peak",
                    "This compares the vector with a Gaussian at every place; the best place is the "
                    "least-squares fit.",
                    right=True,
                ),
                Choice(
                    "The mean over the whole vector",
                    "Hundreds of bins far from the peak pull it towards the middle.",
                ),
            ),
        ),
    ]
)
