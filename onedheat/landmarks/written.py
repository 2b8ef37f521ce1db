"""Schemes as plain values: what `scheme.json` beside one's own faces holds, and a checkpoint.

    {
      "name": "my_faces",
      "points": ["right_eye", "left_eye", "nose", "mouth_right", "mouth_left"],
      "mirror_pairs": [[0, 1], [3, 4]],
      "areas": {"eyes": [0, 1], "mouth": [3, 4]},
      "normaliser": [0, 1],
      "lines": [[3, 4]]
    }

Everything but the names of the points is said by their indices, which count from 0, so that a point
can be renamed in one place. `mirror_pairs` lists the points that change places in the mirror; all
others lie on the middle line. `normaliser` is what errors are divided by: the distance of two points,
or ``"face_size"`` for the size of the annotated box. `areas` and `lines` may be left out.
``{"name": "ibug68"}`` alone is the published scheme of that name.
"""

from typing import Any

from onedheat.landmarks.published import SCHEMES
from onedheat.landmarks.scheme import FACE_SIZE, Scheme

_KEYS = ("name", "points", "mirror_pairs", "areas", "normaliser", "lines")


def scheme_as_json(scheme: Scheme) -> dict[str, Any]:
    """The scheme as plain values, which `scheme_from_json` reads."""
    return {
        "name": scheme.name,
        "points": list(scheme.points),
        "mirror_pairs": [[i, j] for i, j in enumerate(scheme.mirror) if i < j],
        "areas": {area: list(members) for area, members in scheme.areas.items()},
        "normaliser": FACE_SIZE if scheme.normaliser == FACE_SIZE else list(scheme.normaliser),
        "lines": [list(line) for line in scheme.lines],
    }


def scheme_from_json(values: object) -> Scheme:
    """The scheme that plain values describe.

    Raises:
        ValueError: something that is no scheme; the message names the key.
    """
    if not isinstance(values, dict):
        raise ValueError(f"expected an object with the key 'points', got {_short(values)}")
    if unknown := sorted(set(values) - set(_KEYS)):
        raise ValueError(f"unknown key {unknown[0]!r}; known are {', '.join(_KEYS)}")
    name = values.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError(f"key 'name': expected a name, got {_short(name)}")
    if set(values) == {"name"}:
        if name not in SCHEMES:
            raise ValueError(
                f"key 'name': {name!r} is none of the published schemes ({', '.join(SCHEMES)}), and "
                "without a key 'points' it is no scheme of one's own"
            )
        return SCHEMES[name]
    points = _names(values.get("points"))
    normaliser = values.get("normaliser")
    if normaliser != FACE_SIZE:
        normaliser = _indices("normaliser", normaliser, len(points), length=2)
        if normaliser[0] == normaliser[1]:
            raise ValueError(f"key 'normaliser': expected two different points, got {normaliser}")
    areas = values.get("areas", {})
    if not isinstance(areas, dict):
        raise ValueError(f"key 'areas': expected names with lists of indices, got {_short(areas)}")
    if empty := [area for area, members in areas.items() if members == []]:
        raise ValueError(f"key 'areas': {empty[0]!r} has no points")
    return Scheme(
        name=name,
        points=points,
        mirror=_mirror(_list("mirror_pairs", values.get("mirror_pairs")), len(points)),
        areas={area: _indices("areas", members, len(points)) for area, members in areas.items()},
        normaliser=normaliser,
        lines=tuple(
            _indices("lines", line, len(points)) for line in _list("lines", values.get("lines", []))
        ),
    )


def _names(value: object) -> tuple[str, ...]:
    points = _list("points", value)
    if not points or not all(isinstance(point, str) and point for point in points):
        raise ValueError(f"key 'points': expected a list of names, got {_short(value)}")
    if doubled := [point for i, point in enumerate(points) if point in points[:i]]:
        raise ValueError(f"key 'points': {doubled[0]!r} stands there twice")
    return tuple(points)


def _mirror(pairs: list, points: int) -> tuple[int, ...]:
    mirror = list(range(points))
    for pair in pairs:
        first, second = _indices("mirror_pairs", pair, points, length=2)
        if first == second or mirror[first] != first or mirror[second] != second:
            raise ValueError(
                f"key 'mirror_pairs': [{first}, {second}] names a point for the second time; each "
                "stands in one pair, or in none if it lies on the middle line"
            )
        mirror[first], mirror[second] = second, first
    return tuple(mirror)


def _list(key: str, value: object) -> list:
    if not isinstance(value, list):
        raise ValueError(f"key {key!r}: expected a list, got {_short(value)}")
    return value


def _indices(key: str, value: object, points: int, length: int | None = None) -> tuple[int, ...]:
    right = isinstance(value, list) and (length is None or len(value) == length)
    if not right or not all(type(i) is int and 0 <= i < points for i in value):
        wanted = "a list" if length is None else f"a list of {length}"
        raise ValueError(
            f"key {key!r}: expected {wanted} of indices from 0 to {points - 1}, got {_short(value)}"
        )
    return tuple(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
