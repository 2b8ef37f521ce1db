"""The markups of the published data sets. `right` and `left` are the person's own throughout."""

from itertools import chain

from onedheat.landmarks.scheme import FACE_SIZE, Scheme

Indices = tuple[int, ...]


def _span(first: int, last: int) -> Indices:
    """Indices from first to last, both included, in whichever direction that is."""
    return tuple(range(first, last + 1) if first <= last else range(first, last - 1, -1))


def _ring(first: int, last: int) -> Indices:
    """The closed line through first to last."""
    return (*_span(first, last), first)


def _swap(count: int, *pairs: tuple[Indices, Indices]) -> Indices:
    """The mirror order that swaps each pair of runs, point by point; all other points stay."""
    order = list(range(count))
    for one, other in pairs:
        for i, j in zip(one, other, strict=True):
            order[i], order[j] = j, i
    return tuple(order)


def _numbered(**parts: int) -> tuple[str, ...]:
    """Point names from how many points each part has, in order; a part of one point is its name."""
    return tuple(
        chain.from_iterable(
            [part] if count == 1 else [f"{part}_{i}" for i in range(count)]
            for part, count in parts.items()
        )
    )


IBUG68 = Scheme(
    name="ibug68",
    points=_numbered(
        contour=17, right_brow=5, left_brow=5, nose_bridge=4, nose_base=5,
        right_eye=6, left_eye=6, outer_lip=12, inner_lip=8,
    ),
    mirror=_swap(
        68,
        (_span(0, 7), _span(16, 9)),
        (_span(17, 21), _span(26, 22)),
        (_span(31, 32), _span(35, 34)),
        (_span(36, 39), _span(45, 42)),
        (_span(40, 41), _span(47, 46)),
        (_span(48, 50), _span(54, 52)),
        (_span(55, 56), _span(59, 58)),
        (_span(60, 61), _span(64, 63)),
        ((65,), (67,)),
    ),
    areas={
        "contour": _span(0, 16),
        "brows": _span(17, 26),
        "nose": _span(27, 35),
        "eyes": _span(36, 47),
        "mouth": _span(48, 67),
    },
    normaliser=(36, 45),
    lines=(
        _span(0, 16), _span(17, 21), _span(22, 26), _span(27, 30), _span(31, 35),
        _ring(36, 41), _ring(42, 47), _ring(48, 59), _ring(60, 67),
    ),
)  # fmt: skip
"""The 68 points of 300W and 300VW (Sagonas et al. 2016), divided by the distance of the outer eye
corners, the challenge's inter-ocular distance."""

AFLW19 = Scheme(
    name="aflw19",
    points=(
        "right_brow_outer", "right_brow_center", "right_brow_inner",
        "left_brow_inner", "left_brow_center", "left_brow_outer",
        "right_eye_outer", "right_eye_center", "right_eye_inner",
        "left_eye_inner", "left_eye_center", "left_eye_outer",
        "nose_right", "nose_tip", "nose_left",
        "mouth_right", "mouth_center", "mouth_left",
        "chin",
    ),
    mirror=_swap(
        19,
        (_span(0, 2), _span(5, 3)),
        (_span(6, 8), _span(11, 9)),
        ((12,), (14,)),
        ((15,), (17,)),
    ),
    areas={
        "brows": _span(0, 5),
        "eyes": _span(6, 11),
        "nose": _span(12, 14),
        "mouth": _span(15, 17),
        "chin": (18,),
    },
    normaliser=FACE_SIZE,
    lines=(
        _span(0, 2), _span(3, 5), _span(6, 8), _span(9, 11), _span(12, 14), _span(15, 17),
    ),
)  # fmt: skip
"""19 of AFLW's 21 points (Köstinger et al. 2011; the ears left out by Zhu et al. 2016), divided by
the face size. AFLW's own names (`LeftBrowLeftCorner`, …) are the onlooker's: its left is the person's
right."""

WFLW98 = Scheme(
    name="wflw98",
    points=_numbered(
        contour=33, right_brow=9, left_brow=9, nose_bridge=4, nose_base=5,
        right_eye=8, left_eye=8, outer_lip=12, inner_lip=8, right_pupil=1, left_pupil=1,
    ),
    mirror=_swap(
        98,
        (_span(0, 15), _span(32, 17)),
        (_span(33, 37), _span(46, 42)),
        (_span(38, 41), _span(50, 47)),
        (_span(55, 56), _span(59, 58)),
        (_span(60, 64), _span(72, 68)),
        (_span(65, 67), _span(75, 73)),
        (_span(76, 78), _span(82, 80)),
        (_span(83, 84), _span(87, 86)),
        (_span(88, 89), _span(92, 91)),
        ((93,), (95,)),
        ((96,), (97,)),
    ),
    areas={
        "contour": _span(0, 32),
        "brows": _span(33, 50),
        "nose": _span(51, 59),
        "eyes": (*_span(60, 75), 96, 97),
        "mouth": _span(76, 95),
    },
    normaliser=(60, 72),
    lines=(
        _span(0, 32), _ring(33, 41), _ring(42, 50), _span(51, 54), _span(55, 59),
        _ring(60, 67), _ring(68, 75), _ring(76, 87), _ring(88, 95),
    ),
)  # fmt: skip
"""The 98 points of WFLW (Wu et al. 2018), divided by the distance of the outer eye corners."""

FGNET68 = Scheme(
    name="fgnet68",
    points=_numbered(
        contour=15, left_brow=6, right_brow=6,
        right_eye=4, right_pupil=1, left_eye=4, left_pupil=1,
        nose=9, right_nostril=1, left_nostril=1,
        outer_lip=12, inner_lip=6, mouth_center=1, nose_tip=1,
    ),
    mirror=_swap(
        68,
        (_span(0, 6), _span(14, 8)),
        (_span(15, 20), _span(21, 26)),
        (_span(27, 31), _span(32, 36)),
        (_span(37, 40), _span(45, 42)),
        ((46,), (47,)),
        (_span(48, 50), _span(54, 52)),
        (_span(55, 56), _span(59, 58)),
        ((60,), (62,)),
        ((63,), (65,)),
    ),
    areas={
        "contour": _span(0, 14),
        "brows": _span(15, 26),
        "eyes": _span(27, 36),
        "nose": (*_span(37, 47), 67),
        "mouth": _span(48, 66),
    },
    normaliser=(27, 32),
    lines=(
        _span(0, 14), _ring(15, 20), _ring(21, 26), _ring(27, 30), _ring(32, 35), _span(37, 45),
        _ring(48, 59), (48, *_span(60, 62), 54, *_span(63, 65), 48),
    ),
)  # fmt: skip
"""The 68 points of the FG-NET project's Talking Face video, in another order than 300W's: each brow is
a closed outline from its outer end, each eye four points from its outer corner and the pupil. Read off
the labels drawn on the video's frames."""

SCHEMES: dict[str, Scheme] = {one.name: one for one in (IBUG68, AFLW19, WFLW98, FGNET68)}


def scheme(name: str | Scheme) -> Scheme:
    """The published scheme of that name; one's own, which is a scheme already, is given back.

    Raises:
        KeyError: no such scheme; the message lists those there are.
    """
    if isinstance(name, Scheme):
        return name
    if name not in SCHEMES:
        raise KeyError(f"no landmark scheme {name!r}; there are: {', '.join(sorted(SCHEMES))}")
    return SCHEMES[name]
