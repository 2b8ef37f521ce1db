"""Questions and exercises of notebook 03, and what the paper's Table 1 says of memory."""

import numpy as np

from onedheat.course.exercises import Checks, Exercise, Mistake
from onedheat.course.quiz import Choice, Prediction, Question, Quiz

PAPERS_GIB = {
    "1D": {64: 8.89, 128: 8.98, 256: 9.17, 384: 9.36, 512: 9.55, 640: 9.73, 768: 9.92},
    "2D": {64: 8.68, 128: 18.71, 256: float("nan")},
}
"""Table 1, "GPU memory usage (GiB)" of the detectors by L; NaN where it says out of memory."""

prediction = Prediction(
    Question(
        "The detector, rebuilt here at the paper's size, puts out 12 times as many numbers at L = 768 as "
        "at L = 64. By how much do the bytes grow that training must keep of one face?",
        (
            Choice(
                "12 times",
                "Only the last layer's output grows so. It is a small part of what is kept.",
            ),
            Choice(
                "About twice",
                "That would need an output as large as everything before it.",
            ),
            Choice(
                "By about 12 per cent",
                "That is how much the whole GPU memory grows in the paper's Table 1, from 8.89 to 9.92 GiB. "
                "Of what must be kept of a face, counted byte by byte, our network adds less.",
            ),
            Choice(
                "By less than 1 per cent",
                "Nothing before the deconvolution knows L. What it adds are vectors, and those are "
                "short. The table above has the count.",
                right=True,
            ),
        ),
    )
)


def deconvolved_length(positions, kernel, stride):
    """How many bins a 1D deconvolution without padding makes of `positions`."""
    return (positions - 1) * stride + kernel


def output_bytes(landmarks, bins, faces):
    """Bytes of the float32 output for some faces: of 1D heatmaps and of 2D maps."""
    return 4 * faces * 2 * landmarks * bins, 4 * faces * landmarks * bins**2


def l2_loss(x, y, target_x, target_y):
    """Eq. 11 over vectors (N, L), averaged over the landmarks that are annotated; the others are NaN."""
    errors = ((x - target_x) ** 2).sum(axis=1) + ((y - target_y) ** 2).sum(axis=1)
    return np.nanmean(errors)


def _vectors(seed: int, missing: int) -> tuple[np.ndarray, ...]:
    """Heatmaps of both axes and their targets, the first `missing` landmarks without any."""
    rng = np.random.default_rng(seed)
    x, y, target_x, target_y = rng.uniform(0, 1, (4, 5, 8 + seed))
    target_x[:missing] = target_y[:missing] = np.nan
    return x, y, target_x, target_y


def _both(x, y, target_x, target_y):
    """Squared errors of both axes, (N, 2L)."""
    return np.concatenate([x - target_x, y - target_y], axis=1) ** 2


check = Checks(
    Exercise(
        "deconvolved_length",
        deconvolved_length,
        cases=((32, 12, 12), (64, 1, 1), (16, 4, 2), (8, 7, 3), (4, 2, 3)),
        mistakes=(
            Mistake(
                lambda positions, kernel, stride: positions * stride,
                "Right where kernel and stride are equal. The last position still lays down its whole "
                "kernel, whatever the stride.",
            ),
            Mistake(
                lambda positions, kernel, stride: positions * stride + max(kernel - stride, 0),
                "Right where kernels touch or overlap. Where the stride is longer than the kernel, nothing "
                "is laid after the last one.",
            ),
            Mistake(
                lambda positions, kernel, stride: positions * kernel,
                "This lays the kernels side by side. They begin `stride` apart, and may overlap.",
            ),
            Mistake(
                lambda positions, kernel, stride: (positions - 1) * stride,
                "This is where the last kernel begins. Where does it end?",
            ),
            Mistake(
                lambda positions, kernel, stride: (positions - kernel) // stride + 1,
                "This is the length after a convolution. A deconvolution runs the other way.",
            ),
        ),
        hints=(
            "Position i lays its kernel down from bin i · stride on.",
            "The last position is number `positions − 1`. Its kernel is `kernel` bins long.",
        ),
    ),
    Exercise(
        "output_bytes",
        output_bytes,
        cases=((68, 768, 1), (68, 64, 10), (19, 128, 3)),
        mistakes=(
            Mistake(
                lambda landmarks, bins, faces: (
                    4 * faces * landmarks * bins,
                    4 * faces * landmarks * bins**2,
                ),
                "There is a vector for x and one for y: 2NL numbers, not NL.",
            ),
            Mistake(
                lambda landmarks, bins, faces: (
                    8 * landmarks * bins,
                    4 * landmarks * bins**2,
                ),
                "Right for one face. There are `faces` of them.",
            ),
            Mistake(
                lambda landmarks, bins, faces: (
                    2 * faces * landmarks * bins,
                    faces * landmarks * bins**2,
                ),
                "These are numbers. A float32 takes four bytes.",
            ),
            Mistake(
                lambda landmarks, bins, faces: (
                    64 * faces * landmarks * bins,
                    32 * faces * landmarks * bins**2,
                ),
                "These are bits. Eight of them are a byte.",
            ),
            Mistake(
                lambda landmarks, bins, faces: (
                    8 * faces * landmarks * bins,
                    8 * faces * landmarks * bins**2,
                ),
                "A 2D map is one for both axes: NL² numbers, not 2NL².",
            ),
            Mistake(
                lambda landmarks, bins, faces: (
                    4 * faces * landmarks * bins**2,
                    4 * faces * 2 * landmarks * bins,
                ),
                "The two are exchanged: 1D first, then 2D.",
            ),
        ),
        hints=(
            "Numbers of one face: 2NL and NL².",
            "Times four bytes, times the faces. Give the two back together: `return one, two`.",
        ),
    ),
    Exercise(
        "l2_loss",
        l2_loss,
        cases=(_vectors(0, 0), _vectors(1, 2), _vectors(2, 1)),
        mistakes=(
            Mistake(
                lambda *vectors: _both(*vectors).sum(axis=1).mean(),
                "A landmark without annotation is NaN, and so is every mean that it takes part in. Leave "
                "it out: `np.nanmean`.",
            ),
            Mistake(
                lambda *vectors: np.nansum(_both(*vectors)),
                "This is Eq. 11 to the letter, a sum over landmarks. A face with fewer annotations would "
                "weigh less; the package takes the mean over those there are.",
            ),
            Mistake(
                lambda *vectors: np.nansum(_both(*vectors)) / len(vectors[0]),
                "You divided by all N. Those without annotation count as if they were perfect; divide by "
                "the number that are annotated.",
            ),
            Mistake(
                lambda *vectors: np.nanmean(_both(*vectors)),
                "This is a mean over bins, too. Eq. 11 sums over them: the norm of a vector grows with its "
                "length.",
            ),
            Mistake(
                lambda x, y, target_x, target_y: np.nanmean(((x - target_x) ** 2).sum(axis=1)),
                "This is the error of x alone. Eq. 11 adds that of y.",
            ),
            Mistake(
                lambda *vectors: np.nanmean(_both(*vectors).sum(axis=1)) / 2,
                "This is the mean of the two axes. Eq. 11 adds them.",
            ),
            Mistake(
                lambda x, y, target_x, target_y: (
                    _both(x, y, np.nan_to_num(target_x), np.nan_to_num(target_y)).sum(axis=1).mean()
                ),
                "With targets of 0 in their place, landmarks without annotation are taught to have no peak. "
                "Leave them out of the mean: `np.nanmean`.",
            ),
            Mistake(
                lambda *vectors: np.nanmean(np.sqrt(_both(*vectors).sum(axis=1))),
                "You took the root. Eq. 11 keeps the square of the norm.",
            ),
            Mistake(
                lambda x, y, target_x, target_y: np.nanmean(
                    np.linalg.norm(x - target_x, axis=1) + np.linalg.norm(y - target_y, axis=1)
                ),
                "These are the norms. Eq. 11 adds their squares.",
            ),
            Mistake(
                lambda *vectors: _both(*vectors).sum(axis=1),
                "These are the errors of single landmarks. Take the mean of those that are not NaN.",
            ),
        ),
        hints=(
            "Squared differences, summed over the bins: one number for each landmark and axis.",
            "Add the two axes. Then take the mean over landmarks that are not NaN.",
        ),
    ),
)

quiz = Quiz(
    [
        Question(
            "On the way to x, which axis do the strided convolutions of CNN₁ shorten?",
            (
                Choice(
                    "x", "Then the positions along x would be lost, which are what is asked for."
                ),
                Choice("y", "What happens along y is folded into the channels.", right=True),
                Choice("Both", "The hourglass did that, and undid it."),
            ),
        ),
        Question(
            "You change M from 12 to 6 and keep F. What else of the network changes?",
            (
                Choice(
                    "The deconvolutions, and nothing else",
                    "L = F/4 · M. Only they know M; the trunk and both CNNs stay as they are. `tiny68` has "
                    "two of them, one for each axis; with four hourglasses, each has two.",
                    right=True,
                ),
                Choice(
                    "The trunk works at half the size",
                    "So it would in a 2D detector whose trunk is run at L. Here features are F/4 at any L.",
                ),
                Choice(
                    "CNN₁ strides once less",
                    "Its strides shorten the other axis, from F/4 to h. L is not part of that.",
                ),
            ),
        ),
        Question(
            "Someone writes “2D at L = 128 takes 18.7 GiB, 1D at L = 768 only 9.9”. What must you ask "
            "before you expect the same of your own network?",
            (
                Choice(
                    "Which landmarks it finds",
                    "All are found by the same layers, and N scales the last one only.",
                ),
                Choice(
                    "How fast the GPU is",
                    "Speed does not change what must be kept.",
                ),
                Choice(
                    "How the 2D maps got to 128",
                    "A trunk run at 128 keeps several times as much. Maps upsampled after a trunk at 64 "
                    "keep little more than at 64.",
                    right=True,
                ),
            ),
        ),
    ]
)
