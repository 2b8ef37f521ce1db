"""Questions and exercises of notebook 07."""

import math

import numpy as np

from onedheat.course.exercises import Checks, Exercise, Mistake
from onedheat.course.quiz import Choice, Prediction, Question, Quiz

PAPERS_GAIN = {
    "300VW, scenario 1": 7.55,
    "300VW, scenario 2": 8.12,
    "300VW, scenario 3": 6.79,
    "Talking Face": 2.48,
}
"""By how many per cent of itself NRMSE falls from λ = 0 to λ = 0.3 (section 5.4 of the paper)."""

PAPERS_S1 = {
    "2D tracker": {0.25: 4.53, 0.5: 4.27},
    "1D tracker": {0.25: 3.61, 0.5: 3.47, 3.0: 3.06},
}
"""NRMSE on 300VW, scenario 1, in per cent, by L/F, from Table 1 of the paper; its other columns of the 1D
tracker are left out, as they have one number fewer than there are headings.
"""

PAPERS_GIB = {
    "1D": {64: 11.34, 128: 12.49, 256: 14.80, 384: 17.10, 512: 19.41, 640: 21.70, 768: 24.01},
    "2D": {64: 13.67, 128: 26.52, 256: float("nan")},
}
"""Table 1, "GPU memory usage (GiB)" of the trackers by L; NaN where it says out of memory."""

prediction = Prediction(
    Question(
        "A tracker keeps V = U + 0.3·V of the frame before. A hand has hidden the mouth for ten frames. In "
        "what the tracker keeps now, how much does the last frame that showed the mouth weigh, beside the "
        "present one?",
        (
            Choice(
                "About 30 %",
                "That is the weight of the frame just before. Each further frame takes another factor 0.3.",
            ),
            Choice(
                "About 3 %",
                "0.3 divided by ten would be that. The weight does not fall evenly, it is multiplied by 0.3 "
                "in every frame.",
            ),
            Choice(
                "Less than a thousandth of a per cent",
                "0.3 to the tenth power is 0.000006. At λ = 0.3 the past is gone after three or four "
                "frames; at λ = 0.9 more than a third of that frame would be left.",
                right=True,
            ),
            Choice(
                "Nothing: only one frame is kept",
                "One V is kept, and the whole past is in it: V of the frame before holds the one before "
                "that, and so on.",
            ),
        ),
    )
)


def recur(u, decay):
    """V of every frame by the recurrence V_t = U_t + λ·V_{t−1} (Eq. 13)."""
    v = np.array(u, dtype=float)
    for t in range(1, len(v)):
        v[t] = u[t] + decay * v[t - 1]
    return v


def sum_of_weights(decay, frames):
    """1 + λ + … + λ^(frames − 1), what V comes to after so many frames that are all alike."""
    if decay == 1:
        return float(frames)
    return (1 - decay**frames) / (1 - decay)


def half_life(decay):
    """Frames after which half of a frame's weight is left: λ^k = 1/2."""
    return np.log(0.5) / np.log(decay)


def _features(seed: int, frames: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 2.0, (frames, 3))


def _one_back(u, decay):
    v = np.array(u, dtype=float)
    v[1:] += decay * np.asarray(u)[:-1]
    return v


def _averaged(u, decay):
    v = (1 - decay) * np.array(u, dtype=float)
    for t in range(1, len(v)):
        v[t] += decay * v[t - 1]
    return v


def _averaged_from_first(u, decay):
    v = np.array(u, dtype=float)
    for t in range(1, len(v)):
        v[t] = (1 - decay) * u[t] + decay * v[t - 1]
    return v


def _undecayed(u, decay):
    v = np.array(u, dtype=float)
    for t in range(1, len(v)):
        v[t] = decay * u[t] + v[t - 1]
    return v


def _from_nothing(u, decay):
    v = recur(u, decay)
    v[1:] -= decay ** np.arange(1, len(v))[:, None] * np.asarray(u)[0]
    v[0] = 0
    return v


def _without_end(decay):
    return math.inf if decay == 1 else 1 / (1 - decay)


check = Checks(
    Exercise(
        "recur",
        recur,
        cases=((_features(0, 6), 0.3), (_features(1, 4), 0.9), (_features(2, 9), 0.5)),
        mistakes=(
            Mistake(
                _one_back,
                "You added U of the frame before. Then nothing is older than one frame: add V of it, which "
                "holds all that came before.",
            ),
            Mistake(
                _averaged,
                "The present frame is multiplied by 1 − λ: a running mean. Eq. 13 adds it whole, so V grows "
                "up to 1/(1 − λ) times a frame.",
            ),
            Mistake(
                _averaged_from_first,
                "That is exponential smoothing: a mean that starts at the first frame. In Eq. 13 the present "
                "frame is not made smaller.",
            ),
            Mistake(
                _undecayed,
                "λ stands at the present frame. It is the past that fades: multiply V of the frame before.",
            ),
            Mistake(
                _from_nothing,
                "The first frame is missing. Nothing came before it, so V of it is U of it.",
            ),
            Mistake(
                lambda u, decay: np.cumsum(u, axis=0),
                "Nothing fades: this is λ = 1, whatever λ is.",
            ),
        ),
        hints=(
            "One loop over the frames. V of the first is U of the first.",
            "In frame t you need `u[t]` and `v[t - 1]`, which you have just made.",
            "`v = np.array(u, dtype=float)`, then `v[t] = u[t] + decay * v[t - 1]` for t from 1 on.",
        ),
    ),
    Exercise(
        "sum_of_weights",
        sum_of_weights,
        cases=((0.3, 4), (0.9, 10), (0.5, 1), (1.0, 7), (0.0, 5)),
        mistakes=(
            Mistake(
                lambda decay, frames: _without_end(decay),
                "That is the sum without end. After so many frames a part of it, λ^frames of the whole, is "
                "still to come.",
            ),
            Mistake(
                lambda decay, frames: sum_of_weights(decay, frames + 1),
                "One term too many: the oldest of `frames` frames has the weight λ^(frames − 1).",
            ),
            Mistake(
                lambda decay, frames: sum_of_weights(decay, frames) - 1,
                "The present frame is missing. Its weight is λ⁰ = 1.",
            ),
            Mistake(
                lambda decay, frames: decay ** (frames - 1),
                "That is the last term, the weight of the oldest frame. The sum of all is asked.",
            ),
            Mistake(
                lambda decay, frames: (1 - decay**frames) / (1 - decay) if decay < 1 else 0.0,
                "At λ = 1 no frame fades: each has the weight 1.",
            ),
        ),
        hints=(
            "Write S = 1 + λ + … + λ^(n−1), and below it λ·S. Subtract.",
            "S − λ·S = 1 − λⁿ: all terms between cancel.",
            "Divide by 1 − λ; where that is 0, every frame weighs 1 and the sum is `frames`.",
        ),
    ),
    Exercise(
        "half_life",
        half_life,
        cases=((0.3,), (0.5,), (0.7,), (0.9,)),
        mistakes=(
            Mistake(
                lambda decay: math.log(decay) / math.log(0.5),
                "Turned over: this says how many halvings one frame is. At λ = 0.9 it is below 1, and yet a "
                "frame hardly fades.",
            ),
            Mistake(
                lambda decay: 0.5 / (1 - decay),
                "Half of the sum of all weights is another matter. Asked is when one weight, λ^k, is 1/2.",
            ),
            Mistake(
                lambda decay: 0.5 / decay,
                "λ·k = 1/2 would be a weight that grows evenly. Here it is a power: λ^k = 1/2.",
            ),
            Mistake(
                lambda decay: 1 / (1 - decay),
                "After 1/(1 − λ) frames a weight has fallen to about 1/e, 37 %. Asked is the half.",
            ),
            Mistake(
                lambda decay: math.log(0.5) * math.log(decay),
                "λ^k = 1/2 means k·log λ = log 1/2. Divide, do not multiply.",
            ),
            Mistake(
                lambda decay: math.log(2) / math.log(decay),
                "Below 0: that is when a weight was twice as large. It is log 1/2 that stands over log λ, "
                "not log 2.",
            ),
        ),
        hints=(
            "Solve λ^k = 1/2 for k.",
            "Logarithms turn the power into a product: k·log λ = log 1/2.",
        ),
    ),
)

quiz = Quiz(
    [
        Question(
            "Table 2 compares λ = 0.3 with λ = 0. Both have CNN₃ and CNN₄, both were trained. Why is the "
            "bare detector not the right thing to compare with?",
            (
                Choice(
                    "It has fewer weights and less training: a gain over it need not come from the past",
                    "With λ = 0 all is there but the memory. What λ = 0.3 gains over that is the past's.",
                    right=True,
                ),
                Choice(
                    "It cannot look at video",
                    "It looks at every frame by itself, and very well.",
                ),
                Choice(
                    "Its box comes from the labels",
                    "Boxes are a matter of protocol: they can be the same for both, and here they are.",
                ),
            ),
        ),
        Question(
            "A long moving average makes landmarks shake less than the labels themselves do. What follows?",
            (
                Choice(
                    "It is better than the labels",
                    "What a face really does shakes too. Less than that means that some of it is gone.",
                ),
                Choice(
                    "It smooths away what the face does, and comes late",
                    "Stillness alone is easily had. Hold it against the lag and the error.",
                    right=True,
                ),
                Choice(
                    "The labels are bad",
                    "Those of drawn faces are exact. A talking, blinking face has its own second "
                    "difference.",
                ),
            ),
        ),
        Question(
            "You train with whole clips of 16 frames and use the tracker for an hour. Does it need the last "
            "16 frames at every moment?",
            (
                Choice(
                    "Yes, or V differs from that of training",
                    "Eq. 13 sums over all frames, not over 16. The recurrence gives the same sum from one "
                    "V.",
                ),
                Choice(
                    "No: V of the frame before holds all that is needed of them",
                    "V_t = U_t + λ·V_{t−1} is Eq. 13 with nothing left out. The state has one size, however "
                    "long the video.",
                    right=True,
                ),
                Choice(
                    "No, but it must be told anew where the face is every 16 frames",
                    "Clips end in training because memory does. Nothing in use depends on their length.",
                ),
            ),
        ),
    ]
)
