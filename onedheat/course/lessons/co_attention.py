"""Questions and exercises of notebook 04."""

import numpy as np

from onedheat.course.exercises import Checks, Exercise, Mistake
from onedheat.course.quiz import Choice, Prediction, Question, Quiz

prediction = Prediction(
    Question(
        "A picture holds two blobs of different brightness. The x branch is given the picture summed over y, "
        "and nothing else. It is asked for the x of the lower blob, the one further down, and trained well "
        "on many pictures. How often does it name the right blob?",
        (
            Choice(
                "About half of the time",
                "Turn the picture upside down: its sum over y stays what it was, and the other blob is now "
                "the lower one. What answers the one picture rightly answers the other wrongly.",
                right=True,
            ),
            Choice(
                "Always: the brighter blob gives the higher peak",
                "It does, and so the branch knows which blob is the brighter one. Which one is lower it does "
                "not know: brightness says nothing about place here.",
            ),
            Choice(
                "Three times in four",
                "For that it would need a hint at y. The sum over y has none left.",
            ),
            Choice(
                "Always: with enough pictures it learns the rule",
                "There is no rule to learn. One input has two answers, equally often.",
            ),
        ),
    )
)


def _softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def affinity(dx, dy, q):
    """W^{yx} of one channel: row i says which y positions matter to x position i (Eq. 9)."""
    scores = dx @ q @ dy.T / np.sqrt(q.shape[1])
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def fuse(dx, dy, yx, gamma):
    """D^x with what it gathers from the y axis (Eq. 10)."""
    return dx + gamma * yx @ dy


def upside_down(places, size):
    """Pictures turned over: pixel row r becomes row size − 1 − r."""
    turned = np.array(places, dtype=float)
    turned[..., 1] = size - 1 - turned[..., 1]
    return turned


def _features(seed: int, positions: int, depth: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    dx, dy = rng.normal(size=(2, positions, depth))
    return dx, dy, rng.normal(size=(depth, depth))


def _fusion(seed: int, gamma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    dx, dy, q = _features(seed, 5, 3)
    return dx, dy, affinity(dx, dy, q), gamma


def _summed_without_keepdims(dx, dy, q):
    powers = np.exp(dx @ q @ dy.T / np.sqrt(q.shape[1]))
    return powers / powers.sum(axis=-1)


check = Checks(
    Exercise(
        "affinity",
        affinity,
        cases=(_features(0, 6, 3), _features(1, 4, 2), _features(2, 3, 5)),
        mistakes=(
            Mistake(
                lambda dx, dy, q: _softmax(dx @ q @ dy.T),
                "The scores are not divided by √d. d is the number of columns of Q.",
            ),
            Mistake(
                lambda dx, dy, q: _softmax((dx @ q @ dy.T).T / np.sqrt(q.shape[1])).T,
                "Your columns sum to 1. Row i shares its weight out over the y positions, so the rows must.",
            ),
            Mistake(
                lambda dx, dy, q: _softmax((dx @ q @ dy.T).T / np.sqrt(q.shape[1])),
                "Its rows are y positions. In W^{yx} a row is an x position that looks at y.",
            ),
            Mistake(
                lambda dx, dy, q: _softmax(dx @ q.T @ dy.T / np.sqrt(q.shape[1])),
                "Q is transposed. Eq. 9 has D^x · Q · D^y, and your `dy` holds (D^y)^T, not Q^T.",
            ),
            Mistake(
                lambda dx, dy, q: _softmax(dx @ q @ dy.T / q.shape[1]),
                "You divided by d. It is the square root of d.",
            ),
            Mistake(
                lambda dx, dy, q: _softmax(dx @ q @ dy.T / np.sqrt(len(dx))),
                "d is the number of columns of Q (h), not the number of positions (a).",
            ),
            Mistake(
                lambda dx, dy, q: dx @ q @ dy.T / np.sqrt(q.shape[1]),
                "These are the scores. The softmax of each row is missing.",
            ),
            Mistake(
                lambda dx, dy, q: np.exp(dx @ q @ dy.T / np.sqrt(q.shape[1])),
                "Half of the softmax is missing: divide each row by its sum.",
            ),
            Mistake(
                lambda dx, dy, q: _softmax(dx @ dy.T / np.sqrt(q.shape[1])),
                "Q is missing: D^x · Q · D^y.",
            ),
            Mistake(
                lambda dx, dy, q: _softmax((dx @ q @ dy.T).ravel() / np.sqrt(q.shape[1])).reshape(
                    len(dx), len(dy)
                ),
                "All your weights together sum to 1. Each row is to: sum along `axis=-1`.",
            ),
            Mistake(
                lambda dx, dy, q: _softmax(dy @ q @ dx.T / np.sqrt(q.shape[1])),
                "Here y positions look at x: rows are y. W^{yx} has a row for each x position.",
            ),
            Mistake(
                _summed_without_keepdims,
                "You divided each column by the sum of a row. With `keepdims=True` the sums of the rows "
                "stay a column, and each row is divided by its own.",
            ),
        ),
        hints=(
            "The paper's D^y is (h, a); `dy` is its transpose, (a, h). So D^y is `dy.T`.",
            "`dx @ q @ dy.T` has a row for each x position. Divide by `np.sqrt(q.shape[1])`.",
            "Softmax of rows: `np.exp(scores)` over its sum along `axis=-1` with `keepdims=True`.",
        ),
    ),
    Exercise(
        "fuse",
        fuse,
        cases=(_fusion(3, 0.4), _fusion(4, 1.0), _fusion(5, 0.7)),
        mistakes=(
            Mistake(
                lambda dx, dy, yx, gamma: dx + gamma * yx @ dx,
                "Here x looks at itself. It is to gather from the other axis: `dy`.",
            ),
            Mistake(
                lambda dx, dy, yx, gamma: dx + gamma * yx.T @ dy,
                "W^{yx} is transposed. Row i of it holds the weights for x position i already.",
            ),
            Mistake(
                lambda dx, dy, yx, gamma: gamma * yx @ dy,
                "What the axis knew itself is gone. Eq. 10 adds to D^x.",
            ),
            Mistake(
                lambda dx, dy, yx, gamma: (1 - gamma) * dx + gamma * yx @ dy,
                "A mean of the two. Eq. 10 keeps all of D^x, whatever γ is.",
            ),
            Mistake(
                lambda dx, dy, yx, gamma: dx + yx @ dy,
                "γ is missing.",
            ),
            Mistake(
                lambda dx, dy, yx, gamma: gamma * (dx + yx @ dy),
                "γ scales D^x, too. In Eq. 10 it scales only what is fetched.",
            ),
        ),
        hints=(
            "Three terms: D^x, γ, and the product of W^{yx} with the features of the y axis.",
            "`yx` is (a, a) and `dy` is (a, h): `yx @ dy` has the shape of `dx`.",
        ),
    ),
    Exercise(
        "upside_down",
        upside_down,
        cases=(
            (np.array([[3.0, 5.5], [17.0, 20.0]]), 24),
            (np.array([[[0.0, 0.0], [1.0, 9.0]], [[2.5, 4.0], [6.0, 8.0]]]), 10),
        ),
        mistakes=(
            Mistake(
                lambda places, size: np.stack([places[..., 0], size - places[..., 1]], axis=-1),
                "Nearly: the first pixel's centre is 0, so the last one's is size − 1. Row 0 must become row "
                "size − 1.",
            ),
            Mistake(
                lambda places, size: np.stack([size - 1 - places[..., 0], places[..., 1]], axis=-1),
                "That is the mirror: it turns x. Turn y.",
            ),
            Mistake(
                lambda places, size: size - 1 - places,
                "You turned both axes, a rotation by half a turn. The x shadow is then mirrored as well.",
            ),
            Mistake(
                lambda places, size: np.stack([places[..., 0], -places[..., 1]], axis=-1),
                "This puts the blobs above the picture. What does pixel row 0 become?",
            ),
        ),
        hints=(
            "Column 0 of the last axis is x, column 1 is y. Only y changes.",
            "Pixel centres are 0 … size − 1; row r becomes `size - 1 - r`.",
        ),
    ),
)

quiz = Quiz(
    [
        Question(
            "γ is set to 0 in Eq. 10. What of the y axis reaches the x heatmap, after the trunk?",
            (
                Choice(
                    "Nothing, and no gradient comes back through it",
                    "The second term of Eq. 10 is gone. The trunk, which sees the picture, is all that the "
                    "two axes still share.",
                    right=True,
                ),
                Choice(
                    "The mean of its features, as all weights become equal",
                    "Equal weights would come from scores that are all alike. γ = 0 drops the term itself.",
                ),
                Choice(
                    "What W^{yx} gathers, unscaled", "It is gathered and multiplied by γ: by 0."
                ),
            ),
        ),
        Question(
            "Row i of W^{yx} is one large weight at y position j, and nearly 0 elsewhere. What does that "
            "tell?",
            (
                Choice(
                    "That a landmark lies at (i, j)",
                    "A row says whose features are added to those of x position i. What they hold, and what "
                    "CNN₂ makes of them, is another question.",
                ),
                Choice(
                    "That in this channel x position i takes over the features of y position j",
                    "That is all that Eq. 10 says. More needs an experiment, such as the one with exchanged "
                    "brightness.",
                    right=True,
                ),
                Choice(
                    "That y position j takes over the features of x position i",
                    "That is W^{xy}, another matrix with weights P of its own.",
                ),
            ),
        ),
        Question(
            "A network was trained with γ = 0.4. You set γ to 0 and its error grows by half. What does "
            "that say about co-attention?",
            (
                Choice(
                    "That a network without it would be that bad",
                    "A network that is trained without it never learns to rely on it. Compare networks that "
                    "were each trained with their own γ, as Fig. 3 does.",
                ),
                Choice("Nothing", "It says that this network uses what it gathers."),
                Choice(
                    "That this network relies on what it gathers, not what it would be without",
                    "The one is an ablation after training, the other needs a second network.",
                    right=True,
                ),
            ),
        ),
    ]
)
