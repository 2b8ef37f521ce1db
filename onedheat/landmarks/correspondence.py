"""Which landmarks of two schemes are the same place on a face."""

from onedheat.landmarks.published import AFLW19, FGNET68, IBUG68, SCHEMES, WFLW98
from onedheat.landmarks.scheme import Scheme

# Each scheme's landmarks → the same ones of 300W's 68, through which any two schemes meet.
_TO_IBUG68: dict[str, dict[int, int]] = {
    IBUG68.name: {i: i for i in range(68)},
    # The seven by which Talking Face is compared with models of 300W's markup.
    FGNET68.name: {27: 36, 29: 39, 34: 42, 32: 45, 67: 30, 48: 48, 54: 54},
    # Every other contour point, the upper edge of the brows, the nose, six of the eight points of an
    # eye, and the lips: how models of the 98 points are tested on 300W (Wang et al. 2019, "Adaptive
    # wing loss", https://github.com/protossw512/AdaptiveWingLoss).
    WFLW98.name: dict(
        zip(
            [*range(0, 33, 2), *range(33, 38), *range(42, 47), *range(51, 60)]
            + [60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75, *range(76, 96)],
            range(68),
            strict=True,
        )
    ),
    # Ends and middles of the brows, eye corners, nose tip, mouth corners, chin. The middles of eyes
    # and mouth are no points of the 68, and AFLW marks the sides of the nose, 300W its base.
    AFLW19.name: {
        0: 17, 1: 19, 2: 21, 3: 22, 4: 24, 5: 26, 6: 36, 8: 39, 9: 42, 11: 45, 13: 30, 15: 48,
        17: 54, 18: 8,
    },
}  # fmt: skip


def correspondence(first: Scheme, second: Scheme) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The landmarks that two schemes share.

    Returns:
        Indices into the first scheme, ascending, and for each the index of the same landmark in the
        second: ``landmarks_of_first[..., indices[0], :]`` can be compared with
        ``landmarks_of_second[..., indices[1], :]``. Schemes that name the same points share all,
        whatever else they say about them.

    Raises:
        ValueError: it is not known which landmarks of the two are the same.

    >>> from onedheat.landmarks import FGNET68, IBUG68
    >>> correspondence(FGNET68, IBUG68)
    ((27, 29, 32, 34, 48, 54, 67), (36, 39, 45, 42, 48, 54, 30))
    """
    if first.points == second.points:
        return tuple(range(len(first))), tuple(range(len(second)))
    for one in (first, second):
        # A scheme of one's own may bear a published one's name and mean other points.
        if SCHEMES.get(one.name) != one:
            raise ValueError(
                f"it is not known which landmarks of the schemes {first.name!r} and {second.name!r} "
                f"are the same, as {one.name!r} is none of {', '.join(sorted(_TO_IBUG68))}; convert "
                "the annotations to one scheme first"
            )
    of_second = {shared: i for i, shared in _TO_IBUG68[second.name].items()}
    pairs = [
        (i, of_second[shared])
        for i, shared in sorted(_TO_IBUG68[first.name].items())
        if shared in of_second
    ]
    return tuple(i for i, _ in pairs), tuple(j for _, j in pairs)
