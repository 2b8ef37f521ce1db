"""What a landmark error is, and how many are summed up: NRMSE, CED, AUC, failure rate; of video jitter
and lag.

"NRMSE" is the literature's name (and the paper's) for the mean Euclidean error over a normalising
distance; no root of a mean square is taken.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float


def point_errors(
    predicted: Float[np.ndarray, "faces landmarks 2"],
    target: Float[np.ndarray, "faces landmarks 2"],
    normaliser: Float[np.ndarray, "faces"],
) -> Float[np.ndarray, "faces landmarks"]:
    """Euclidean error of each landmark over its face's normalising distance, in per cent.

    Raises:
        ValueError: a normalising distance is not above 0.
    """
    if not (normaliser > 0).all():
        face = int(np.flatnonzero(~(normaliser > 0))[0])
        raise ValueError(
            f"the normalising distance of face {face} is {normaliser[face]:g} px; it must be above 0. "
            "Are its two normalising landmarks labelled in one place?"
        )
    distance = np.linalg.norm(predicted - target, axis=-1)
    return 100 * distance / normaliser[:, None]


def errors_along(
    predicted: Float[np.ndarray, "faces landmarks 2"],
    target: Float[np.ndarray, "faces landmarks 2"],
    normaliser: Float[np.ndarray, "faces"],
    lines: Sequence[Sequence[int]],
) -> Float[np.ndarray, "faces landmarks"]:
    """How much of each landmark's error lies along the line that it is drawn on, in per cent.

    A landmark that has slid along a jaw is off by as much as one that has left it, and means something
    else. The direction at a landmark is that from its neighbour before to the one after. What is left
    of the error, across the line, is √(error² − along²).

    Args:
        predicted: (B, N, 2) in pixels.
        target: (B, N, 2) in pixels; its lines are those that count.
        normaliser: (B,) in pixels.
        lines: `Scheme.lines`: indices in order; closed ones repeat their first.

    Returns:
        (B, N), at least 0; NaN for a landmark on no line. Of several lines its first counts.
    """
    along = np.full(target.shape[:2], np.nan)
    for line in lines:
        closed = line[0] == line[-1]
        inner = list(line[:-1] if closed else line)
        before = [inner[-1], *inner[:-1]] if closed else [inner[0], *inner[:-1]]
        after = [*inner[1:], inner[0]] if closed else [*inner[1:], inner[-1]]
        way = target[:, after] - target[:, before]
        length = np.linalg.norm(way, axis=-1)
        slid = np.abs(((predicted - target)[:, inner] * way).sum(axis=-1))
        share = np.divide(slid, length, out=np.zeros_like(slid), where=length > 0)
        new = np.isnan(along[:, inner])
        along[:, inner] = np.where(new, 100 * share / normaliser[:, None], along[:, inner])
    return along


def nrmse(
    predicted: Float[np.ndarray, "faces landmarks 2"],
    target: Float[np.ndarray, "faces landmarks 2"],
    normaliser: Float[np.ndarray, "faces"],
    visible: Bool[np.ndarray, "faces landmarks"] | None = None,
) -> Float[np.ndarray, "faces"]:
    """Mean landmark error of each face, in per cent of its normalising distance.

    The mean of the result over faces is the figure that the tables of the paper and of 300W report.

    Args:
        predicted: (B, N, 2) in pixels.
        target: (B, N, 2) in pixels.
        normaliser: (B,) in pixels, for 300W the distance of the outer eye corners.
        visible: (B, N); landmarks that count. All do when it is not given.

    Raises:
        ValueError: a normalising distance is not above 0, or a face has no landmark that counts.

    Example:
        >>> one = np.zeros((1, 2, 2)); other = one + [3.0, 4.0]
        >>> nrmse(one, other, np.array([50.0]))
        array([10.])
    """
    errors = point_errors(predicted, target, normaliser)
    if visible is None:
        return errors.mean(axis=1)
    if not visible.any(axis=1).all():
        face = int(np.flatnonzero(~visible.any(axis=1))[0])
        raise ValueError(f"face {face} has no visible landmark to measure; leave such faces out")
    return np.where(visible, errors, 0).sum(axis=1) / visible.sum(axis=1)


def offset_removed_errors(
    predicted: Float[np.ndarray, "frames landmarks 2"],
    target: Float[np.ndarray, "frames landmarks 2"],
    axes: Float[np.ndarray, "frames 2"],
    learned: int,
) -> Float[np.ndarray, "rest"]:
    """Mean landmark error of each frame, in per cent, without what is constant between two markups.

    Two markups put a landmark of the same name at places that differ by a constant on the face: a
    vector that turns and grows with it. It is estimated for each landmark as the mean difference in
    the first frames, in coordinates whose x axis and unit are the face's, and taken off in the others.

    Args:
        predicted: (T, N, 2) in pixels; NaN where nothing was found.
        target: (T, N, 2) in pixels, of the other markup; NaN where there is no annotation.
        axes: (T, 2) in pixels, from one outer eye corner to the other: the unit of the errors.
        learned: the offsets are estimated on so many frames, and errors are of those after them.

    Returns:
        (T − learned,); NaN for a frame without a landmark whose offset is known.

    Raises:
        ValueError: no frames are left on either side.
    """
    if not 0 < learned < len(predicted):
        raise ValueError(
            f"of {len(predicted)} frames the first {learned} cannot be set apart; at least one must be "
            "left on each side"
        )
    # As complex numbers, dividing by the axis turns and scales at once.
    moved = (predicted - target) @ np.array([1, 1j]) / (axes @ np.array([1, 1j]))[:, None]
    offsets = _mean_of_finite(moved[:learned], axis=0)
    return _mean_of_finite(100 * np.abs(moved[learned:] - offsets), axis=1)


def _mean_of_finite(values: np.ndarray, axis: int) -> np.ndarray:
    """NaN where nothing is finite."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis) / known.sum(axis)


def ced(
    errors: Float[np.ndarray, "faces"], thresholds: Float[np.ndarray, "steps"]
) -> Float[np.ndarray, "steps"]:
    """Cumulative error distribution: the share of faces with an error of at most each threshold."""
    return np.searchsorted(np.sort(errors), thresholds, side="right") / len(errors)


def auc(errors: Float[np.ndarray, "faces"], threshold: float = 8.0) -> float:
    """Area under the CED from 0 to the threshold, over the threshold: in [0, 1].

    It is exactly the mean of max(0, 1 − error/threshold), so no step width has to be chosen.
    A missed face enters as an error of infinity and adds nothing.
    """
    return float(np.clip(1 - errors / threshold, 0, None).mean())


def failure_rate(errors: Float[np.ndarray, "faces"], threshold: float = 8.0) -> float:
    """Per cent of faces with an error above the threshold (in per cent of the normaliser)."""
    return float(100 * (errors > threshold).mean())


def resampled_means(
    values: Float[np.ndarray, "faces"],
    draws: int = 2000,
    *,
    count: int | None = None,
    seed: int = 0,
) -> Float[np.ndarray, "draws"]:
    """Means over faces drawn anew from these, with replacement: the bootstrap (Efron 1979).

    The middle 95 % of them are a confidence interval of the mean. Given the difference of two
    measurements face by face, they are one of the difference, in which it does not matter that some
    faces are harder than others.

    Args:
        values: one of each face.
        draws: how often.
        count: faces in each draw; as many as there are when it is not given.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(values), size=(draws, count or len(values)))
    return values[chosen].mean(axis=1)


# Of tracks through video: how still, and how late ---------------------------------------------------


def jitter(
    track: Float[np.ndarray, "frames landmarks 2"], normaliser: Float[np.ndarray, "frames"]
) -> float:
    """How much a track shakes by itself, whatever is true: label-free.

    The mean length of its second difference p_{t+1} − 2·p_t + p_{t−1} over landmarks and frames, in per
    cent of the normaliser. Steady motion has none; a face that really starts and stops has some, so the
    figure of a track belongs beside that of the labels. It is the acceleration of the track, by which
    the smoothness of human motion in video is measured (as "acceleration error" against the truth in
    Kanazawa et al. 2019, "Learning 3D Human Dynamics from Video"), in units of a face and a frame.

    White noise of σ pixels in each coordinate has a second difference of √(3π)·σ ≈ 3.07·σ.

    Args:
        track: (T, N, 2) in pixels, of frames that follow one another; NaN where nothing was found. What
            lacks one of three frames does not count.
        normaliser: (T,) in pixels, of each frame.

    Returns:
        Per cent; NaN where no landmark is found in three frames in a row.

    Example:
        >>> still = np.zeros((4, 1, 2)); still[2] = [3.0, 4.0]  # seconds differ by 5 and by 10 pixels
        >>> jitter(still, np.full(4, 100.0))
        7.5
    """
    if len(track) < 3:
        return float("nan")
    lengths = 100 * np.linalg.norm(np.diff(track, n=2, axis=0), axis=-1) / normaliser[1:-1, None]
    known = lengths[np.isfinite(lengths)]
    return float(known.mean()) if known.size else float("nan")


def error_jitter(
    track: Float[np.ndarray, "frames landmarks 2"],
    truth: Float[np.ndarray, "frames landmarks 2"],
    normaliser: Float[np.ndarray, "frames"],
) -> float:
    """How much a track shakes against the truth: `jitter` of its error.

    The second difference of the error is the acceleration error of Kanazawa et al. 2019. A constant
    offset has none, so it can be told between two markups; what the labels themselves shake by is in
    it, and so is what a smoothed track lags by in fast motion.

    Args:
        track: (T, N, 2) in pixels, of frames that follow one another; NaN where nothing was found.
        truth: (T, N, 2); NaN where there is no annotation.
        normaliser: (T,) in pixels, of each frame.
    """
    return jitter(track - truth, normaliser)


def lag(
    track: Float[np.ndarray, "frames landmarks 2"],
    truth: Float[np.ndarray, "frames landmarks 2"],
    most: int = 8,
) -> float:
    """By how many frames a track comes late: where its motion correlates best with the true one.

    Motion is the first difference, without its mean, as steady motion looks the same at any delay. Its
    correlation (of all landmarks and both coordinates together, over the frames that two shifted tracks
    share) is computed for whole shifts from −`most` to `most`, and the top of the parabola through the
    best and its two neighbours is the lag: as a delay is estimated from a cross-correlation.

    Args:
        track: (T, N, 2) in pixels, of frames that follow one another; NaN where nothing was found.
        truth: (T, N, 2); NaN where there is no annotation.
        most: frames that are tried.

    Returns:
        Frames, above 0 where the track is behind; NaN where nothing changes its motion, where no shift
        within ±`most` is best, or where there are too few frames.
    """
    moved, true = (_without_mean(np.diff(part, axis=0)) for part in (track, truth))
    most = min(most, len(true) // 2)
    if most < 1:
        return float("nan")
    shifts = range(-most, most + 1)
    matches = np.array([_match_at(moved, true, shift) for shift in shifts])
    if not np.isfinite(matches).all():
        return float("nan")
    best = int(matches.argmax())
    if best in (0, 2 * most):
        return float("nan")
    before, top, after = matches[best - 1 : best + 2]
    curvature = before - 2 * top + after
    return best - most + float((before - after) / (2 * curvature) if curvature < 0 else 0.0)


def _without_mean(motion: np.ndarray) -> np.ndarray:
    return motion - _mean_of_finite(motion, axis=0)


def _match_at(moved: np.ndarray, true: np.ndarray, shift: int) -> float:
    """Correlation of motion at frame t with true motion at frame t − shift, in [−1, 1]."""
    frames = len(true)
    late = moved[max(0, shift) : frames + min(0, shift)]
    early = true[max(0, -shift) : frames - max(0, shift)]
    known = np.isfinite(late) & np.isfinite(early)
    late, early = late[known], early[known]
    size = np.sqrt((late**2).sum() * (early**2).sum())
    return float((late * early).sum() / size) if size > 0 else float("nan")
