"""From a scene to a picture: camera, light, and what lies in front of what."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8

from onedheat.data.synthetic import head
from onedheat.data.synthetic.anatomy import CENTER, EYE_RADIUS
from onedheat.data.synthetic.hair import Hair, hair_surface
from onedheat.data.synthetic.raster import Surface, rasterize
from onedheat.data.synthetic.skin import HEIGHT, WIDTH, Look, masks

SUPERSAMPLE = 1.5
"""Pictures are drawn this much larger along each axis, then shrunk."""
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in front of the head.

    Attributes:
        yaw, pitch, roll: of the head, in degrees; it turns to its left, looks down, and leans clockwise
            (as seen in the picture) for positive values.
        distance: from the head's centre, in mm.
        scale: pixels per mm at the head's centre.
        center: where the head's centre is seen, in pixels.
        size: F of the picture.
    """

    yaw: float
    pitch: float
    roll: float
    distance: float
    scale: float
    center: tuple[float, float]
    size: int

    @property
    def rotation(self) -> Float[np.ndarray, "3 3"]:
        """Head → camera."""
        y, p, r = np.radians([self.yaw, self.pitch, self.roll])
        turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
        lean = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
        return lean @ nod @ turn

    def turned(self, points: head.Points, share: float = 1.0) -> head.Points:
        """Points of the head in the camera's axes, in mm; a neck follows only a share of the turn."""
        rotation = self.rotation
        if share < 1:
            less = Camera(self.yaw * share, self.pitch * share, self.roll * share,
                          self.distance, self.scale, self.center, self.size)  # fmt: skip
            rotation = less.rotation
        return (points - CENTER) @ rotation.T

    def project(self, turned: head.Points) -> Float[np.ndarray, "points 2"]:
        """Pixels of points that are already turned."""
        nearer = self.distance / (self.distance - turned[:, 2:])
        return turned[:, :2] * nearer * self.scale + self.center


@dataclass(frozen=True)
class Light:
    """One lamp, and light from everywhere that changes from above to below.

    Attributes:
        key: direction toward the lamp, in the camera's axes, of length 1.
        key_color: of the lamp.
        above, below, side: light from the sky, from the ground, and how much more comes from the right.
        shine: of the skin.
        shadows: how dark the lamp's shadows are, in [0, 1].
    """

    key: Vector
    key_color: Vector
    above: Vector
    below: Vector
    side: float
    shine: float
    shadows: float


def fine_size(size: int) -> int:
    """Side in pixels at which a picture of `size` is drawn."""
    return round(size * SUPERSAMPLE)


# Small meshes beside the head -------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _ears() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, triangles and brightness of both ears."""
    turn, ring = np.meshgrid(np.linspace(0, 2 * np.pi, 17), np.linspace(0, 1, 6), indexing="ij")
    across, up = ring * np.cos(turn), ring * np.sin(turn)
    bulge = 6 * np.sqrt(np.clip(1 - ring**2, 0, 1)) + 3 * np.exp(-(((ring - 0.75) / 0.2) ** 2))
    z = -10 + 14 * across - 4 * up
    y = 14 + 28 * up * (1 - 0.12 * up)
    x = 70 + bulge - 5 * across
    left = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    bright = (0.93 - 0.35 * np.exp(-(((ring - 0.35) / 0.25) ** 2))).ravel()
    index = np.arange(len(left)).reshape(17, 6)
    a, b, c, d = (
        p.ravel() for p in (index[:-1, :-1], index[1:, :-1], index[:-1, 1:], index[1:, 1:])
    )
    corners = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    right = left * (-1, 1, 1)
    return (
        np.concatenate([left, right]),
        np.concatenate([corners, corners[:, ::-1] + len(left)]),
        np.concatenate([bright, bright]),
    )


# Neck and shoulders: mm below the eyes, half width, half depth, how far behind the head's centre.
_BODY = np.array([
    (70, 46, 44, -12), (105, 50, 48, -14), (140, 53, 52, -16), (165, 62, 58, -18),
    (180, 95, 66, -20), (196, 150, 74, -22), (225, 190, 88, -22), (300, 210, 100, -22),
])  # fmt: skip


@lru_cache(maxsize=1)
def _body() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, triangles and height (mm below the eyes) of neck and shoulders."""
    levels = np.linspace(70, 300, 24)
    across, deep, back = (np.interp(levels, _BODY[:, 0], _BODY[:, i]) for i in (1, 2, 3))
    turn = np.linspace(-np.pi, np.pi, 33)
    x = across[:, None] * np.sin(turn)
    z = deep[:, None] * np.cos(turn) + back[:, None]
    y = np.broadcast_to(levels[:, None], x.shape)
    index = np.arange(x.size).reshape(x.shape)
    a, b, c, d = (
        p.ravel() for p in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    corners = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    return np.stack([x, y, z], axis=-1).reshape(-1, 3), corners, y.ravel().copy()


def _mesh_normals(points: head.Points, corners: np.ndarray) -> head.Points:
    a, b, c = (points[corners[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    out = np.zeros_like(points)
    for i in range(3):
        np.add.at(out, corners[:, i], face)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


@dataclass(frozen=True, eq=False)
class Scene:
    """All that a picture shows of one person at one moment.

    Attributes:
        controls: (C, 3) of the head, with its expression.
        eyes: (2, 3) centres of the eyeballs.
        gaze: (azimuth, elevation) in degrees, in the head's axes.
        look, texture: colours of the skin.
        hair, hair_texture: None for a bald head.
        clothes: colour.
        neckline: where clothes begin, mm below the eyes.
        light: as above.
    """

    controls: head.Points
    eyes: head.Points
    gaze: tuple[float, float]
    look: Look
    texture: UInt8[np.ndarray, "height width 3"]
    hair: Hair | None
    hair_texture: UInt8[np.ndarray, "height width 4"] | None
    clothes: Vector
    neckline: float
    light: Light


# Drawing -----------------------------------------------------------------------------------------


def draw_head(
    scene: Scene, camera: Camera, picture: Float[np.ndarray, "fine fine 3"]
) -> Float[np.ndarray, "fine fine"]:
    """Draws a person over a background, at `SUPERSAMPLE` times the camera's size.

    Args:
        scene, camera: what and from where.
        picture: the background, in [0, 1]; drawn over in place.

    Returns:
        Depth in mm toward the viewer, -inf where nothing of the person is seen.
    """
    fine = fine_size(camera.size)
    grid = head.template()
    skin = head.surface(scene.controls)
    turned = camera.turned(skin)
    normal = head.normals(turned, grid.rows, grid.columns)
    ears, ear_corners, ear_bright = _ears()
    spread = (skin[:, 0].max() - skin[:, 0].min()) / 148
    ears_turned = camera.turned(ears * (spread, 1, 1))
    body, body_corners, level = _body()
    body_turned = camera.turned(body, share=0.45)

    tone = np.array(scene.look.tone)
    points = np.concatenate([turned, ears_turned, body_turned])
    first_ear, first_body = len(turned), len(turned) + len(ears)
    corners = np.concatenate([grid.corners, ear_corners + first_ear, body_corners + first_body])
    surface = rasterize(_fine(camera.project(points)), points[:, 2], corners, fine)
    lit = _vertex_light(scene, turned, normal, grid)
    dressed = np.clip((level - scene.neckline) / 3, 0, 1)[:, None]
    neck_tone = 0.82 * tone * (1 - 0.4 * np.clip((130 - level) / 40, 0, 1)[:, None])
    plain = np.concatenate([
        np.zeros((first_ear, 3)), ear_bright[:, None] * tone,
        dressed * np.array(scene.clothes) + (1 - dressed) * neck_tone,
    ])  # fmt: skip
    normals = np.concatenate(
        [normal, _mesh_normals(ears_turned, ear_corners), _mesh_normals(body_turned, body_corners)]
    )
    shade = np.concatenate([lit, np.ones((len(points) - first_ear, 2))])
    uv = np.concatenate([grid.uv, np.zeros((len(points) - first_ear, 2))])
    values = surface.sample(
        corners, np.concatenate([uv, shade, normals, plain], axis=1).astype(np.float32)
    )
    on_head = surface.triangles < len(grid.corners)
    albedo = values[:, 7:].copy()
    texels = values[on_head, :2] * (WIDTH, HEIGHT) - 0.5
    albedo[on_head] = _look_up(scene.texture, texels) / 255
    color = _shade(albedo, values[:, 4:7], values[:, 2], values[:, 3], scene.light)

    holes = _look_up(_holes(), texels) / 255
    _fill_eyes(scene, camera, surface, on_head, holes[:, 0], color)
    _fill_mouth(scene, camera, surface, on_head, holes[:, 1], color, fine)

    flat = picture.reshape(-1, 3)
    flat[surface.pixels] = color
    depth = np.full(fine * fine, -np.inf, np.float32)
    depth[surface.pixels] = surface.depth
    if scene.hair is not None:
        _draw_hair(scene, camera, skin, flat, depth, lit)
    return depth.reshape(fine, fine)


def _fine(pixels: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
    """Pixels of the picture as pixels of the supersampled one."""
    return (pixels + 0.5) * SUPERSAMPLE - 0.5


def _look_up(
    texture: np.ndarray, texels: Float[np.ndarray, "pixels 2"]
) -> Float[np.ndarray, "pixels c"]:
    import cv2

    if len(texels) == 0:
        return np.zeros((0, texture.shape[2]), np.float32)
    # OpenCV takes maps of at most 32767 in either direction: lay the pixels out as a rectangle.
    side = int(np.ceil(np.sqrt(len(texels))))
    at = np.zeros((side * side, 2), np.float32)
    at[: len(texels)] = texels
    at = at.reshape(side, side, 2)
    found = cv2.remap(texture, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(side * side, -1)[: len(texels)].astype(np.float32)


@lru_cache(maxsize=1)
def _holes() -> UInt8[np.ndarray, "height width 2"]:
    known = masks()
    return (255 * np.stack([known.eyes, known.mouth], axis=2)).astype(np.uint8)


def _vertex_light(scene, turned, normal, grid) -> Float[np.ndarray, "vertices 2"]:
    """Per vertex: light of the lamp that arrives, and light from around that arrives, in [0, 1]."""
    import cv2

    radius = np.linalg.norm(turned, axis=1).reshape(grid.rows, grid.columns).astype(np.float32)
    hollow = cv2.GaussianBlur(radius, (0, 0), 2.5) - radius
    around = np.clip(1 - 0.07 * np.clip(hollow, -1, 8), 0.35, 1.08).ravel()
    # A map of what the lamp sees: the farthest along its direction, cell by cell.
    key = np.array(scene.light.key)
    side = np.cross(key, (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side)
    over = np.cross(key, side)
    along = turned @ key
    cells = 56
    u = np.clip(((turned @ side) / 260 + 0.5) * cells, 0, cells - 1).astype(int)
    v = np.clip(((turned @ over) / 260 + 0.5) * cells, 0, cells - 1).astype(int)
    nearest = np.full((cells, cells), -1e9, np.float32)
    np.maximum.at(nearest, (v, u), along.astype(np.float32))
    behind = nearest[v, u] - along
    shadow = np.clip((behind - 7) / 8, 0, 1).reshape(grid.rows, grid.columns).astype(np.float32)
    shadow = cv2.GaussianBlur(shadow, (0, 0), 1.0).ravel()
    return np.stack([1 - scene.light.shadows * shadow, around], axis=1)


def _shade(albedo, normal, lamp, around, light: Light):
    """Colour of skin, hair or cloth in [0, 1]."""
    x, y, z = normal.T / np.maximum(np.sqrt((normal.T**2).sum(axis=0)), 1e-6)
    key, key_color = np.array(light.key, np.float32), np.array(light.key_color, np.float32)
    facing = np.clip((x * key[0] + y * key[1] + z * key[2] + 0.15) / 1.15, 0, 1) * lamp
    up = 0.5 - 0.5 * normal[:, 1]
    sky = up[:, None] * np.array(light.above, np.float32) + (1 - up)[:, None] * np.array(
        light.below, np.float32
    )
    sky = sky * ((1 + light.side * normal[:, 0]) * around)[:, None]
    half = (key + (0, 0, 1)).astype(np.float32)
    half /= np.linalg.norm(half)
    gleam = np.clip(x * half[0] + y * half[1] + z * half[2], 0, 1)
    for _ in range(4):  # the 16th power
        gleam *= gleam
    gleam *= light.shine * lamp
    color = albedo * (facing[:, None] * key_color + sky)
    color += gleam[:, None] * key_color
    return color


def _fill_eyes(scene, camera, surface: Surface, on_head, hole, color) -> None:
    """Puts eyeballs where the lids are open."""
    inside = np.flatnonzero(on_head)[hole > 0.02]
    if not len(inside):
        return
    alpha = hole[hole > 0.02][:, None]
    fine = fine_size(camera.size)
    at = np.stack([surface.pixels[inside] % fine, surface.pixels[inside] // fine], axis=1)
    centers = camera.turned(scene.eyes)
    seen = _fine(camera.project(centers))
    reach = (
        EYE_RADIUS
        * camera.scale
        * SUPERSAMPLE
        * camera.distance
        / (camera.distance - centers[:, 2])
    )
    which = (np.linalg.norm(at - seen[0], axis=1) > np.linalg.norm(at - seen[1], axis=1)).astype(
        int
    )
    offset = (at - seen[which]) / reach[which, None]
    away = np.clip((offset**2).sum(axis=1), 0, 1)
    normal = np.concatenate([offset, np.sqrt(1 - away)[:, None]], axis=1)
    azimuth, elevation = np.radians(scene.gaze)
    forward = np.array(
        [
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.cos(azimuth),
        ]
    )
    angle = np.degrees(np.arccos(np.clip(normal @ (camera.rotation @ forward), -1, 1)))
    pixel = np.degrees(1 / reach.mean())  # angle of one pixel: how soft an edge must be

    def disc(radius):
        return np.clip((radius - angle) / pixel + 0.5, 0, 1)[:, None]

    white = np.array([0.80, 0.77, 0.75]) - 0.25 * (away[:, None] ** 2) * np.array([0.4, 1, 1])
    iris = np.array(scene.look.iris) * (0.75 + 0.5 * np.clip(angle / 27, 0, 1))[:, None]
    ball = white + disc(28) * (0.35 * iris - white)
    ball += disc(25.5) * (iris - ball)
    ball += disc(11) * (0.02 - ball)
    lids = scene.controls[[37, 38, 43, 44]]
    top = _fine(camera.project(camera.turned(lids))).reshape(2, 2, 2)[:, :, 1].mean(axis=1)
    under_lid = np.clip((at[:, 1] - top[which]) / (0.45 * reach[which]), 0, 1)
    light = scene.light
    level = (
        0.55
        * np.array(light.key_color)
        * np.clip(0.3 + normal @ np.array(light.key), 0, 1)[:, None]
    )
    level = level + 0.8 * np.array(light.above)
    ball = ball * level * (0.45 + 0.55 * under_lid)[:, None]
    half = np.array(light.key) + (0, 0, 1)
    glint = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 160
    ball += 0.9 * (glint * (angle < 30))[:, None] * np.array(light.key_color)
    color[inside] += alpha * (ball - color[inside])


def _fill_mouth(scene, camera, surface: Surface, on_head, hole, color, fine) -> None:
    """Puts teeth and darkness where the lips are apart."""
    keep = hole > 0.02
    inside = np.flatnonzero(on_head)[keep]
    if not len(inside):
        return
    alpha = hole[keep][:, None]
    lips = scene.controls[60:68]
    middle = 0.5 * (lips[0] + lips[4])
    # A plane behind the lips: where the ray through each pixel meets it, in the head's axes.
    at = np.stack([surface.pixels[inside] % fine, surface.pixels[inside] // fine], axis=1)
    pixel = (at + 0.5) / SUPERSAMPLE - 0.5
    rotation = camera.rotation
    behind = middle + (0, 0, 4.0)
    anchor = (behind - CENTER) @ rotation.T
    nearer = camera.distance / (camera.distance - anchor[2])
    ray = (pixel - camera.center) / (camera.scale * nearer) - anchor[:2]
    # Solve ray = (R u)xy for u = (x, y, 0) in the head's axes.
    x, y = np.linalg.solve(rotation[:2, :2] + 1e-6 * np.eye(2), ray.T)
    top, bottom = scene.controls[62, 1] - behind[1], scene.controls[66, 1] - behind[1]
    width = 0.5 * abs(lips[4, 0] - lips[0, 0])
    arch = np.clip(1 - (x / (0.92 * width)) ** 2, 0, 1)
    upper = np.clip((top + 6.0 - y) / 1.0 + 0.5, 0, 1) * (arch > 0.02)
    lower = np.clip((y - (bottom - 3.2)) / 1.0 + 0.5, 0, 1) * (arch > 0.25) * (bottom - top > 9)
    gaps = 1 - 0.16 * np.clip(1 - np.abs((x / 7.2 + 0.5) % 1 - 0.5) * 9, 0, 1)
    teeth = np.array([0.86, 0.82, 0.74]) * (gaps * (0.45 + 0.55 * arch))[:, None]
    dark = (
        np.array([0.20, 0.06, 0.06])
        * (0.5 + 0.6 * np.clip((y - top) / max(bottom - top, 1), 0, 1))[:, None]
    )
    tongue = np.clip((y - (bottom - 0.35 * (bottom - top))) / 3, 0, 1)[:, None] * (
        bottom - top > 12
    )
    dark = dark + tongue * (np.array([0.50, 0.22, 0.22]) - dark)
    share = np.maximum(upper, 0.8 * lower)[:, None]
    light = scene.light
    level = 0.5 * np.array(light.key_color) * (0.4 + 0.6 * max(light.key[2], 0)) + 0.6 * np.array(
        light.above
    )
    filled = (dark + share * (teeth - dark)) * level
    color[inside] += alpha * (filled - color[inside])


def _draw_hair(scene, camera, skin, flat, depth, lit) -> None:
    grid = head.template()
    fine = fine_size(camera.size)
    vertices = hair_surface(scene.hair, skin)
    turned = camera.turned(vertices)
    normal = head.normals(turned, grid.rows, grid.columns)
    # Only triangles that hair grows on.
    u, v = (grid.uv * (WIDTH, HEIGHT)).astype(int).T
    grows = scene.hair_texture[np.minimum(v, HEIGHT - 1), np.minimum(u, WIDTH - 1), 3] > 0
    corners = grid.corners[grows[grid.corners].any(axis=1)]
    surface = rasterize(_fine(camera.project(turned)), turned[:, 2], corners, fine)
    values = surface.sample(
        corners, np.concatenate([grid.uv, normal, lit[:, :1]], axis=1).astype(np.float32)
    )
    texels = values[:, :2] * (WIDTH, HEIGHT) - 0.5
    painted = _look_up(scene.hair_texture, texels) / 255
    alpha = painted[:, 3] * (surface.depth > depth[surface.pixels] - 1.0)
    keep = alpha > 0.01
    pixels, alpha = surface.pixels[keep], alpha[keep, None]
    around = np.ones(keep.sum(), np.float32)
    color = _shade(painted[keep, :3], values[keep, 2:5], values[keep, 5], around, scene.light)
    flat[pixels] += alpha * (color - flat[pixels])
    covered = pixels[alpha[:, 0] > 0.5]
    depth[covered] = np.maximum(depth[covered], surface.depth[keep][alpha[:, 0] > 0.5])
