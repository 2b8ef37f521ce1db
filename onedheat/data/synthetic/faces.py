"""Random synthetic faces with exact landmarks."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from onedheat.data import occluders
from onedheat.data.images import RGB
from onedheat.data.synthetic import head
from onedheat.data.synthetic.anatomy import CENTER, CONTROLS
from onedheat.data.synthetic.camera import Camera, Light, fine_size
from onedheat.data.synthetic.hair import Hair, draw_hair, paint_hair
from onedheat.data.synthetic.render import draw_head
from onedheat.data.synthetic.scene import Scene
from onedheat.data.synthetic.skin import Look, draw_look, paint
from onedheat.data.synthetic.surroundings import (
    Glasses,
    draw_background,
    draw_glasses,
    draw_glasses_on,
    draw_light,
    draw_sensor,
    expose,
)
from onedheat.errors import DataError
from onedheat.geometry import Landmarks
from onedheat.landmarks import AFLW19, IBUG68

FACES_EACH = 4
"""Faces of one person that follow one another in a set: another pose, expression, light and place."""

OCCLUDED = 0.12
"""Share of faces that have something in front of them."""

HIDDEN_BEHIND = 9.0  # mm: what lies farther behind the visible surface cannot be seen


class Face(NamedTuple):
    """One synthetic face: (F, F, 3) picture, (N, 2) landmarks in pixels, (N,) whether each can be seen."""

    image: RGB
    landmarks: Landmarks
    visible: Bool[np.ndarray, "landmarks"]


# The jaw line ------------------------------------------------------------------------------------

_STEPS = 15
SOFT_EDGE = 0.6  # mm
_REACH = 0.7  # how far toward the middle of the face the visible edge may slide


@lru_cache(maxsize=1)
def _jaw_paths() -> tuple[np.ndarray, np.ndarray]:
    """For the 17 points of the jaw: how the points on each one's path inward follow the controls,
    (C, 17·S), and their places on the average head, (17·S, 3).
    """
    start = head.directions(CONTROLS[:17])
    middle = start * (0, 1, 0)
    middle[:, 2] = np.sqrt(1 - start[:, 1] ** 2)
    share = _REACH * np.linspace(0, 1, _STEPS)[:, None]
    way = (1 - share) * start[:, None] + share * middle[:, None]
    way /= np.linalg.norm(way, axis=2, keepdims=True)
    way = way.reshape(-1, 3)
    follow = np.ascontiguousarray(head.follow_weights(way).T)
    radius = np.linalg.norm(CONTROLS - CENTER, axis=1) @ follow
    return follow, CENTER + radius[:, None] * way


def landmarks_3d(controls: head.Points, camera: Camera) -> head.Points:
    """The 68 landmarks on the head, (68, 3) mm.

    51 of them are fixed to the surface. Annotators place the 17 of the jaw on the edge of the face as
    it is seen; when the head turns away, that edge moves over the cheek. Each point therefore lies where
    its own path, from the jaw toward the middle of the face, is outermost in the picture.
    """
    follow, places = _jaw_paths()
    paths = (places + head.pulled(follow, controls - CONTROLS)).reshape(17, _STEPS, 3)
    turned = camera.turned(paths.reshape(-1, 3)).reshape(paths.shape)
    # Outward is across the jaw line, in the plane of the face.
    along = np.gradient(CONTROLS[:17, :2], axis=0)
    outward = np.stack([-along[:, 1], along[:, 0], np.zeros(17)], axis=1)
    outward = (outward / np.linalg.norm(outward, axis=1, keepdims=True)) @ camera.rotation.T
    outward = outward[:, :2] / np.maximum(
        np.linalg.norm(outward[:, :2], axis=1, keepdims=True), 0.2
    )
    reach = (turned[:, :, :2] * outward[:, None]).sum(axis=2)
    # The outermost step of each path, softly, so that the point glides where two steps are as far out.
    weight = np.exp((reach - reach.max(axis=1, keepdims=True)) / SOFT_EDGE)
    at = (weight * np.arange(_STEPS)).sum(axis=1) / weight.sum(axis=1)
    each = np.arange(17)
    low = np.clip(np.floor(at).astype(int), 0, _STEPS - 2)
    share = (at - low)[:, None]
    jaw = (1 - share) * paths[each, low] + share * paths[each, low + 1]
    return np.concatenate([jaw, controls[17:68]])


AFLW19_FROM_68 = (17, 19, 21, 22, 24, 26, 36, None, 39, 42, None, 45, 31, 30, 35, 48, None, 54, 8)
_MIDDLES = {7: range(36, 42), 10: range(42, 48), 16: (62, 66)}


def as_aflw19(points: head.Points) -> head.Points:
    """The 19 landmarks of AFLW from the 68, (19, 3) mm: eye and mouth centres are means of their edges."""
    return np.stack(
        [points[list(_MIDDLES[i])].mean(axis=0) if from_68 is None else points[from_68]
         for i, from_68 in enumerate(AFLW19_FROM_68)]
    )  # fmt: skip


MARKUPS = {IBUG68.name: lambda points: points, AFLW19.name: as_aflw19}


def check_markup(markup: str) -> None:
    """Raises `DataError` if the head does not have a markup."""
    if markup not in MARKUPS:
        raise DataError(f"the head has no markup {markup!r}; there are: {', '.join(MARKUPS)}")


# One moment --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Model:
    """A person as drawn once: form, colours, hair, glasses, clothes, and the textures painted from them."""

    person: head.Person
    look: Look
    texture: np.ndarray
    hair: Hair | None
    hair_texture: np.ndarray | None
    glasses: Glasses | None
    clothes: tuple[float, float, float]
    neckline: float


@lru_cache(maxsize=4)
def draw_model(seed: int, number: int) -> Model:
    """Person `number` of the endless set `seed`. The newest few are kept: faces of one person follow
    one another.
    """
    person = draw_person(seed, number)
    rng = np.random.default_rng([seed, number, 1])
    look = draw_look(rng)
    hair = draw_hair(rng, look.hair)
    return Model(
        person, look, paint(look), hair, None if hair is None else paint_hair(hair), draw_glasses(rng),
        tuple(rng.uniform(0.03, 0.85, 3)), rng.uniform(150, 200),
    )  # fmt: skip


def take_picture(
    model: Model,
    controls: head.Points,
    gaze: tuple[float, float],
    camera: Camera,
    light: Light,
    picture: Float[np.ndarray, "fine fine 3"],
) -> tuple[Float[np.ndarray, "fine fine"], Float[np.ndarray, "fine fine"]]:
    """Draws a person over a background in place; gives depth, and what glasses hide."""
    scene = Scene(
        controls, model.person.eyes, gaze, model.look, model.texture, model.hair, model.hair_texture,
        model.clothes, model.neckline, light,
    )  # fmt: skip
    depth = draw_head(scene, camera, picture)
    if model.glasses is None:
        return depth, np.zeros_like(depth)
    hidden = draw_glasses_on(
        model.glasses, model.person.eyes, controls[27], camera, light, picture, depth
    )
    return depth, hidden


def visible_landmarks(
    points: head.Points,
    camera: Camera,
    depth: Float[np.ndarray, "fine fine"],
    hidden: Float[np.ndarray, "fine fine"],
) -> Bool[np.ndarray, "landmarks"]:
    """Whether each point is in the picture, with nothing in front of it.

    Args:
        points: (N, 3) on the head, in mm.
        camera: that took the picture.
        depth: of what is seen, in mm toward the viewer.
        hidden: how much of it something else covers, in [0, 1].
    """
    turned = camera.turned(points)
    at = camera.project_fine(turned)
    last = len(depth) - 1
    x, y = np.clip(np.round(at).astype(int), 0, last).T
    # At the edge of the face one of the pixels around still shows it.
    around = [(i, j) for i in (-2, 0, 2) for j in (-2, 0, 2)]
    seen = np.stack([depth[np.clip(y + i, 0, last), np.clip(x + j, 0, last)] for i, j in around])
    inside = ((at >= -0.5) & (at <= last + 0.5)).all(axis=1)
    return inside & (seen.min(axis=0) < turned[:, 2] + HIDDEN_BEHIND) & (hidden[y, x] < 0.5)


@lru_cache(maxsize=4)
def draw_person(seed: int, number: int) -> head.Person:
    """The form of person `number` of the endless set `seed`."""
    return head.draw_person(np.random.default_rng([seed, number, 0]))


# One face ----------------------------------------------------------------------------------------


def draw_expression(rng: np.random.Generator) -> head.Expression:
    """A random expression: most often little, sometimes a broad one."""
    amounts = {}
    if rng.random() < 0.6:
        amounts["smile"] = rng.uniform(0, 1.3)
    for name, odds in (("sad", 0.12), ("pucker", 0.08), ("stretch", 0.12), ("press", 0.12), ("lip up", 0.12),
                       ("brows up", 0.25), ("frown", 0.22), ("skew", 0.15), ("one brow", 0.08)):  # fmt: skip
        if rng.random() < odds:
            amounts[name] = rng.uniform(-0.3 if name == "skew" else 0, 1)
    jaw = rng.choice([-1.2, rng.uniform(-1, 5), rng.uniform(4, 17)], p=[0.45, 0.35, 0.2])
    lids = rng.choice([rng.normal(0, 0.12), rng.uniform(0.2, 0.7), 1.0], p=[0.84, 0.08, 0.08])
    wink = rng.uniform(0.5, 1) if rng.random() < 0.02 else 0
    gaze = rng.normal(0, (10, 5))
    return head.Expression(
        amounts, float(jaw), (float(lids), float(max(lids, wink))), tuple(np.clip(gaze, -28, 28))
    )


def draw_pose(rng: np.random.Generator) -> tuple[float, float, float]:
    """Yaw (±60°), pitch (±30°) and roll (±45°), mostly near the front."""
    wide = rng.random() < 0.3
    yaw = rng.uniform(-60, 60) if wide else np.clip(rng.normal(0, 20), -60, 60)
    pitch = np.clip(rng.normal(2, 10), -30, 30)
    roll = np.clip(rng.normal(0, 9 if rng.random() < 0.8 else 25), -45, 45)
    return float(yaw), float(pitch), float(roll)


@dataclass(frozen=True, eq=False)
class Posed:
    """The geometry of one face: all that its landmarks follow from."""

    person: head.Person
    expression: head.Expression
    controls: head.Points
    camera: Camera

    def landmarks(self, markup: str = IBUG68.name) -> Landmarks:
        """(N, 2) in pixels."""
        points = MARKUPS[markup](landmarks_3d(self.controls, self.camera))
        return self.camera.project(self.camera.turned(points))


def pose_face(seed: int, index: int, size: int) -> Posed:
    """The geometry of face `index` of the endless set `seed`, without drawing it."""
    person = draw_person(seed, index // FACES_EACH)
    rng = np.random.default_rng([seed, index, 2])
    expression = draw_expression(rng)
    controls = head.express(person, expression)
    return Posed(person, expression, controls, frame_face(controls, draw_pose(rng), rng, size))


def frame_face(
    controls: head.Points, pose: tuple[float, float, float], rng: np.random.Generator, size: int
) -> Camera:
    """A camera that sees the whole face, somewhere in the picture."""
    distance = float(np.exp(rng.uniform(np.log(450), np.log(2500))))
    unit = Camera(*pose, distance, 1.0, (0.0, 0.0), size)
    seen = unit.project(unit.turned(controls[:68]))
    low, high = seen.min(axis=0), seen.max(axis=0)
    scale = rng.uniform(0.48, 0.66) * size / (high - low).max()
    corner = (size - scale * (high - low)) * np.clip(rng.normal(0.5, 0.12, 2), 0.2, 0.8)
    return Camera(*pose, distance, scale, tuple(corner - scale * low - 0.5), size)


def render_face(seed: int, index: int, size: int = 128, markup: str = IBUG68.name) -> Face:
    """Face number `index` of the endless set `seed`, the same on any machine.

    Args:
        seed, index: which face.
        size: side of the picture in pixels.
        markup: ``"ibug68"`` or ``"aflw19"``.
    """
    posed = pose_face(seed, index, size)
    model = draw_model(seed, index // FACES_EACH)
    rng = np.random.default_rng([seed, index, 3])
    light = draw_light(rng)
    picture = draw_background(rng, fine_size(size))
    camera = posed.camera
    depth, hidden = take_picture(
        model, posed.controls, posed.expression.gaze, camera, light, picture
    )
    image = expose(draw_sensor(rng), picture, size, rng)
    points = MARKUPS[markup](landmarks_3d(posed.controls, camera))
    visible = visible_landmarks(points, camera, depth, hidden)
    landmarks = camera.project(camera.turned(points))
    if rng.random() < OCCLUDED:
        image, covered = _occlude(image, landmarks, rng)
        visible &= ~covered
    return Face(image, landmarks, visible)


def _occlude(
    image: RGB, landmarks: Landmarks, rng: np.random.Generator
) -> tuple[RGB, Bool[np.ndarray, "landmarks"]]:
    """Something in front of the face: the picture with it, and which landmarks it covers."""
    shape = occluders.draw_shape(rng, "train")
    side = np.ptp(landmarks, axis=0).max()
    at = landmarks[rng.integers(len(landmarks))] + side * rng.normal(0, 0.1, 2)
    radius = rng.uniform(0.15, 0.4) * side
    to_picture = occluders.place(at, radius, rng.uniform(-np.pi, np.pi))
    layer = occluders.paint(shape, rng, "train", side=max(32, int(2 * radius)))
    return occluders.overlay(image, layer, to_picture), shape.covers(to_picture, landmarks)
