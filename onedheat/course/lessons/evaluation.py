"""Questions and exercises of notebook 06."""

import numpy as np

from onedheat.course.exercises import Checks, Exercise, Mistake
from onedheat.course.quiz import Choice, Prediction, Question, Quiz
from onedheat.metrics import auc

PAPERS_COMMON = {
    "1D, L = 768": 2.91,
    "1D, L = 128": 3.22,
    "2D, L = 128": 3.26,
    "2D, L = 128, integral": 3.22,
    "2D, L = 128, DSNT": 3.17,
    "2D, L = 128, FHR": 3.04,
    "2D, L = 128, DARK": 2.98,
}
"""NRMSE on the 554 faces of 300W common, per cent: Tables 1 and 3 of the paper."""

prediction = Prediction(
    Question(
        "A detector was measured on 224 faces; none of them has an error above 8 %. Its AUC is computed "
        "with the threshold at 8 %, and once more, from the same errors, at 10 %. What happens to AUC?",
        (
            Choice(
                "Nothing: no error has changed",
                "AUC is not a figure of the errors alone. The threshold says how long the piece of the "
                "curve is whose area is taken, and what it is divided by.",
            ),
            Choice(
                "It falls, because a longer piece has room for worse faces",
                "A longer piece can only add faces that were cut off before. Here none were.",
            ),
            Choice(
                "It rises a little, in the third decimal",
                "It rises by mean/8 − mean/10, a fortieth of the mean error. Where that is 3 %, AUC rises by "
                "0.075: more than most detectors differ.",
            ),
            Choice(
                "It rises as if every error had become a fifth smaller",
                "Where no face is above the threshold, AUC is 1 − mean/threshold. Dividing by 10 instead of "
                "8 is the same as multiplying every error by 0.8.",
                right=True,
            ),
        ),
    )
)

RIGHT, LEFT = 36, 45  # outer eye corners of the 68 points


def face_error(found, true):
    """NRMSE of one face in per cent of the distance of the outer eye corners."""
    eyes = np.linalg.norm(true[36] - true[45])
    return 100 * np.linalg.norm(found - true, axis=1).mean() / eyes


def area_under_ced(errors, threshold, steps):
    """AUC by trapezoids: the CED at `steps` + 1 thresholds from 0 to `threshold`, its mean height."""
    thresholds = np.linspace(0, threshold, steps + 1)
    share = np.array([(errors <= one).mean() for one in thresholds])
    return ((share[1:] + share[:-1]) / 2).mean()


def paired_interval(first, second, chosen):
    """95 % interval of the mean of second − first; each row of `chosen` says which faces to take."""
    means = (second - first)[chosen].mean(axis=1)
    return np.quantile(means, (0.025, 0.975))


def _shares(errors, threshold, points, strict=False):
    at = np.linspace(0, threshold, points)
    return np.array([((errors < one) if strict else (errors <= one)).mean() for one in at])


def _trapezoids(share):
    return ((share[1:] + share[:-1]) / 2).mean()


def _distances(found, true):
    return np.linalg.norm(found - true, axis=1)


def _eyes(points, first=RIGHT, second=LEFT):
    return np.linalg.norm(points[first] - points[second])


def _pupils(points):
    return np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0))


def _face(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.uniform(20, 220, (68, 2))
    return true + rng.normal(size=(68, 2)) * 3, true


def _errors(seed: int, faces: int) -> np.ndarray:
    """Of faces; some lie exactly on a step of a fine grid, and one was missed."""
    errors = np.random.default_rng(seed).integers(2, 24, faces) / 2.0
    errors[0] = np.inf
    return errors


def _pair(seed: int, faces: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    first = rng.gamma(9, 0.4, faces)
    return first, first + rng.normal(0.2, 0.3, faces), rng.integers(faces, size=(200, faces))


check = Checks(
    Exercise(
        "face_error",
        face_error,
        cases=(_face(0), _face(1), _face(2)),
        mistakes=(
            Mistake(
                lambda found, true: 100 * _distances(found, true).mean() / _pupils(true),
                "That is the inter-pupil distance, from the mean of one eye's points to the other's. 300W "
                "divides by the distance of the outer corners, points 36 and 45.",
            ),
            Mistake(
                lambda found, true: 100 * _distances(found, true).mean() / _eyes(true, 39, 42),
                "Points 39 and 42 are the inner corners. The outer ones are 36 and 45.",
            ),
            Mistake(
                lambda found, true: 100 * _distances(found, true).mean() / _eyes(found),
                "You measured the eyes that were found. A detector that sees the eyes too far apart would "
                "make its own error smaller: take the true ones.",
            ),
            Mistake(
                lambda found, true: (
                    100 * np.sqrt((_distances(found, true) ** 2).mean()) / _eyes(true)
                ),
                "A root of a mean square, as the name says. What the field reports under this name is the "
                "plain mean of the distances.",
            ),
            Mistake(
                lambda found, true: 100 * np.abs(found - true).mean() / _eyes(true),
                "You averaged over x and y. The error of a landmark is the length of its way, the root of "
                "dx² + dy².",
            ),
            Mistake(
                lambda found, true: _distances(found, true).mean() / _eyes(true),
                "Right, but as a share. It is asked for in per cent.",
            ),
            Mistake(
                lambda found, true: 100 * _distances(found, true).mean() / _eyes(true, 37, 46),
                "Points 37 and 46 are counted from 1, as the markup's drawing does. Arrays count from 0: 36 "
                "and 45.",
            ),
            Mistake(
                lambda found, true: 100 * np.linalg.norm(found - true, axis=0).mean() / _eyes(true),
                "`axis=0` joins all the x, and all the y. Join the x and the y of each landmark: `axis=1`.",
            ),
            Mistake(
                lambda found, true: 100 * np.linalg.norm(found - true) / _eyes(true),
                "Without an axis `np.linalg.norm` makes one number of all 136 differences. With `axis=1` it "
                "gives the distance of each landmark.",
            ),
            Mistake(
                lambda found, true: 100 * _distances(found, true) / _eyes(true),
                "These are the errors of single landmarks. The error of the face is their mean.",
            ),
            Mistake(
                lambda found, true: 100 * _distances(found, true).sum() / _eyes(true),
                "This is the sum over the landmarks. Take their mean.",
            ),
        ),
        hints=(
            "Three steps: the distance of each landmark, their mean, divided by the distance of two points.",
            "`np.linalg.norm(found - true, axis=1)` has one distance for each landmark.",
            "The normaliser is `np.linalg.norm(true[36] - true[45])`; times 100 for per cent.",
        ),
    ),
    Exercise(
        "area_under_ced",
        area_under_ced,
        cases=((_errors(0, 40), 8.0, 16), (_errors(1, 30), 10.0, 20), (_errors(2, 25), 6.0, 4)),
        mistakes=(
            Mistake(
                lambda errors, threshold, steps: auc(errors, threshold),
                "That is the exact area, as the package has it. Here it is asked for as it comes out in "
                "`steps` steps.",
            ),
            Mistake(
                lambda errors, threshold, steps: _trapezoids(
                    _shares(errors[np.isfinite(errors)], threshold, steps + 1)
                ),
                "The missed face is gone. Its error is infinite: it is below no threshold, but it counts "
                "among the faces.",
            ),
            Mistake(
                lambda errors, threshold, steps: (
                    _trapezoids(_shares(errors, threshold, steps + 1)) * threshold
                ),
                "That is the area itself. Divided by the threshold it lies in [0, 1].",
            ),
            Mistake(
                lambda errors, threshold, steps: _trapezoids(
                    _shares(errors, threshold, steps + 1, strict=True)
                ),
                "A face whose error is exactly the threshold counts: `<=`, not `<`.",
            ),
            Mistake(
                lambda errors, threshold, steps: _shares(errors, threshold, steps + 1)[:-1].mean(),
                "You took the left end of every step. A trapezoid has the mean of both ends.",
            ),
            Mistake(
                lambda errors, threshold, steps: _shares(errors, threshold, steps + 1)[1:].mean(),
                "You took the right end of every step, which makes every AUC larger. A trapezoid has the "
                "mean of both ends.",
            ),
            Mistake(
                lambda errors, threshold, steps: _shares(errors, threshold, steps + 1).mean(),
                "The mean over all points counts the first and the last as much as the others. A trapezoid "
                "has the mean of its two ends, and then comes the mean of the trapezoids.",
            ),
            Mistake(
                lambda errors, threshold, steps: _trapezoids(_shares(errors, threshold, steps)),
                "`steps` steps have `steps` + 1 ends: `np.linspace(0, threshold, steps + 1)`.",
            ),
        ),
        hints=(
            "The CED at a threshold is the share of all faces with an error of at most that.",
            "`(errors <= one).mean()` for each `one` of `np.linspace(0, threshold, steps + 1)`. Infinity "
            "is never below it, and is counted.",
            "The mean of `(share[1:] + share[:-1]) / 2`: all steps are equally wide, so the width cancels.",
        ),
    ),
    Exercise(
        "paired_interval",
        paired_interval,
        cases=(_pair(0, 50), _pair(1, 80), _pair(2, 30)),
        mistakes=(
            Mistake(
                lambda first, second, draws: np.quantile(
                    second[draws].mean(axis=1) - first[draws[::-1]].mean(axis=1), (0.025, 0.975)
                ),
                "You drew other faces for the first than for the second. Then it matters which faces are "
                "hard. Take the difference of each face, and draw from those.",
            ),
            Mistake(
                lambda first, second, draws: (
                    np.quantile(second[draws].mean(axis=1), (0.025, 0.975))
                    - np.quantile(first[draws].mean(axis=1), (0.025, 0.975))
                ),
                "The difference of two intervals is not the interval of the difference. Subtract first, face "
                "by face.",
            ),
            Mistake(
                lambda first, second, draws: np.quantile(
                    (first - second)[draws].mean(axis=1), (0.025, 0.975)
                ),
                "The sign is turned. It is second − first: above 0 where the first is better.",
            ),
            Mistake(
                lambda first, second, draws: np.quantile(
                    (second - first)[draws].mean(axis=1), (0.05, 0.95)
                ),
                "That is the middle 90 %. For 95 % leave 2.5 % out at either end.",
            ),
            Mistake(
                lambda first, second, draws: np.quantile(second - first, (0.025, 0.975)),
                "Those are the differences of single faces. How far their mean scatters is asked: average "
                "over each row of `chosen` first.",
            ),
            Mistake(
                lambda first, second, draws: np.quantile((second - first)[draws], (0.025, 0.975)),
                "The mean of each draw is missing: `.mean(axis=1)` before the quantiles.",
            ),
            Mistake(
                lambda first, second, draws: np.percentile(
                    (second - first)[draws].mean(axis=1), (0.025, 0.975)
                ),
                "`np.percentile` counts to 100: 2.5 and 97.5, or `np.quantile` with 0.025 and 0.975.",
            ),
            Mistake(
                lambda first, second, draws: np.quantile(
                    (second - first)[draws].mean(axis=0), (0.025, 0.975)
                ),
                "`axis=0` averages over the draws. A row of `chosen` is one draw: average over its faces, "
                "`axis=1`.",
            ),
        ),
        hints=(
            "`second - first` is one number for each face. Only then comes the drawing.",
            "`(second - first)[chosen]` has a row for each draw; the mean of a row is one possible NRMSE "
            "difference.",
            "`np.quantile(means, (0.025, 0.975))` cuts 2.5 % off at either end.",
        ),
    ),
)

quiz = Quiz(
    [
        Question(
            "Two systems have the same NRMSE over the faces that they found. One found all faces, the "
            "other missed one in twenty. Which figure tells them apart?",
            (
                Choice(
                    "The median of the faces found",
                    "It leaves the missed ones out just as the mean does.",
                ),
                Choice(
                    "NRMSE by facial area",
                    "A missed face has no landmarks in any area, so none of them knows of it.",
                ),
                Choice(
                    "The failure rate, or the CED, with missed faces counted",
                    "A missed face has an error of infinity: it is above every threshold, so the CED ends "
                    "below 1.",
                    right=True,
                ),
            ),
        ),
        Question(
            "A paper has 4.0 % of the inter-pupil distance, you have 3.2 % of the distance of the outer "
            "eye corners, on the same faces and crops. Whose landmarks are nearer to the truth?",
            (
                Choice(
                    "The paper's",
                    "The outer corners are about 1.39 times as far apart as the pupils, so 4.0 is about 2.9 "
                    "of yours.",
                    right=True,
                ),
                Choice(
                    "Yours: 3.2 is less than 4.0",
                    "The same pixels are divided by a longer distance. Bring both to one normaliser first.",
                ),
                Choice(
                    "They are equal: 4.0 is 3.2 times 1.25",
                    "The factor is about 1.39, not 1.25; that is the scale of our box.",
                ),
            ),
        ),
        Question(
            "Two methods, one training run of each. On 1,000 test faces a paired bootstrap puts the "
            "difference clear of 0. What is shown?",
            (
                Choice(
                    "That the one method is better than the other",
                    "The bootstrap draws faces anew, never the training. Another seed could turn the order.",
                ),
                Choice(
                    "Nothing, as long as there is one run of each",
                    "Something is shown, of the two sets of weights that were compared.",
                ),
                Choice(
                    "That these two sets of weights differ on such faces",
                    "Faces are one source of chance, the seed of the training another. An interval knows "
                    "only of what was drawn anew.",
                    right=True,
                ),
            ),
        ),
    ]
)
