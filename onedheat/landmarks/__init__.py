"""Landmark schemes: how many points, what they are called, and how they belong together.

Everything that depends on a markup (names, mirror pairs, facial areas, the distance that errors are
divided by, the lines a drawing connects, which points two markups share) is here and nowhere else, so
that the rest of the package works with any number of points.
"""

from onedheat.landmarks.correspondence import correspondence
from onedheat.landmarks.published import AFLW19, FGNET68, IBUG68, SCHEMES, WFLW98, scheme
from onedheat.landmarks.scheme import FACE_SIZE, Scheme
from onedheat.landmarks.written import scheme_as_json, scheme_from_json

__all__ = [
    "AFLW19",
    "FACE_SIZE",
    "FGNET68",
    "IBUG68",
    "SCHEMES",
    "WFLW98",
    "Scheme",
    "correspondence",
    "scheme",
    "scheme_as_json",
    "scheme_from_json",
]
