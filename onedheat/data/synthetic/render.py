"""From a scene to a picture: what lies in front of what, and the colour it has in this light."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from onedheat.data.synthetic import head
from onedheat.data.synthetic.anatomy import CENTER
from onedheat.data.synthetic.bodies import body, ears
from onedheat.data.synthetic.camera import Camera, Light, fine_size
from onedheat.data.synthetic.hair import hair_surface
from onedheat.data.synthetic.masks import HEIGHT, WIDTH, masks
from onedheat.data.synthetic.openings import fill_openings
from onedheat.data.synthetic.raster import rasterize
from onedheat.data.synthetic.scene import Scene

TRUNK_FOLLOWS = 0.45  # share of the head's turn


def draw_head(
    scene: Scene, camera: Camera, picture: Float[np.ndarray, "fine fine 3"]
) -> Float[np.ndarray, "fine fine"]:
    """Draws a person over a background.

    Args:
        scene: what is seen.
        camera: from where.
        picture: the background in [0, 1], `SUPERSAMPLE` times the camera's size; drawn over in place.

    Returns:
        Depth in mm toward the viewer, -inf where nothing of the person is seen.
    """
    fine, grid = fine_size(camera.size), head.template()
    skin = head.surface(scene.controls)
    turned = camera.turned(skin)
    light = _vertex_light(scene.light, turned)
    beside = _beside(scene, camera, spread=np.ptp(skin[:, 0]) / 148)

    points = np.concatenate([turned, beside.points])
    corners = np.concatenate([grid.corners, beside.corners + len(turned)])
    surface = rasterize(camera.project_fine(points), points[:, 2], corners, fine)
    # What is known of each vertex: texture coordinates, light that arrives, normal, plain colour.
    known = np.zeros((len(points), 10), np.float32)
    known[: len(turned), :7] = np.concatenate(
        [grid.uv, light, head.normals(turned, grid.rows, grid.columns)], axis=1
    )
    known[len(turned) :, 2:] = np.concatenate(
        [np.ones((len(beside.points), 2)), beside.normals, beside.colors], axis=1
    )
    values = surface.sample(corners, known)
    on_head = surface.triangles < len(grid.corners)
    albedo = values[:, 7:].copy()
    texels = values[on_head, :2] * (WIDTH, HEIGHT) - 0.5
    albedo[on_head] = _look_up(scene.texture, texels) / 255
    color = _shade(albedo, values[:, 4:7], values[:, 2], values[:, 3], scene.light)

    holes = _look_up(_holes(), texels) / 255
    fill_openings(scene, camera, surface, on_head, holes, color)

    flat = picture.reshape(-1, 3)
    flat[surface.pixels] = color
    depth = np.full(fine * fine, -np.inf, np.float32)
    depth[surface.pixels] = surface.depth
    if scene.hair is not None:
        _draw_hair(scene, camera, skin, light[:, 0], flat, depth)
    return depth.reshape(fine, fine)


class Mesh(NamedTuple):
    """Vertices in the camera's axes, (V, 3) mm, triangles, normals and colours of the vertices."""

    points: head.Points
    corners: Int[np.ndarray, "triangles 3"]
    normals: head.Points
    colors: Float[np.ndarray, "vertices 3"]


def _beside(scene: Scene, camera: Camera, spread: float) -> Mesh:
    """Ears, neck and shoulders; the head is `spread` times as broad as the average one."""
    tone = np.array(scene.look.tone)
    ear, ear_corners, ear_normals, ear_bright = ears()
    trunk, trunk_corners, trunk_normals, level = body()
    dressed = np.clip((level - scene.neckline) / 3, 0, 1)[:, None]
    shaded = np.clip((130 - level) / 40, 0, 1)[:, None]  # by the chin
    neck = 0.82 * tone * (1 - 0.4 * shaded)
    return Mesh(
        np.concatenate([
            camera.turned(ear * (spread, 1, 1)), camera.turned(trunk, share=TRUNK_FOLLOWS)
        ]),
        np.concatenate([ear_corners, trunk_corners + len(ear)]),
        np.concatenate([
            camera.turned(ear_normals + CENTER),
            camera.turned(trunk_normals + CENTER, share=TRUNK_FOLLOWS),
        ]),
        np.concatenate([
            ear_bright[:, None] * tone,
            dressed * np.array(scene.clothes) + (1 - dressed) * neck,
        ]),
    )  # fmt: skip


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


def _vertex_light(light: Light, turned: head.Points) -> Float[np.ndarray, "vertices 2"]:
    """Per vertex of the head: light of the lamp that arrives, and light from around, in [0, 1]."""
    import cv2

    grid = head.template()
    radius = np.linalg.norm(turned, axis=1).reshape(grid.rows, grid.columns).astype(np.float32)
    hollow = cv2.GaussianBlur(radius, (0, 0), 2.5) - radius
    around = np.clip(1 - 0.07 * np.clip(hollow, -1, 8), 0.35, 1.08).ravel()
    # A map of what the lamp sees: the farthest along its direction, cell by cell.
    key = np.array(light.key)
    side = np.cross(key, (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side)
    cells = 56
    u, v, along = (turned @ np.stack([side, np.cross(key, side), key], axis=1)).T
    u, v = (np.clip((part / 260 + 0.5) * cells, 0, cells - 1).astype(int) for part in (u, v))
    nearest = np.full((cells, cells), -1e9, np.float32)
    np.maximum.at(nearest, (v, u), along.astype(np.float32))
    behind = nearest[v, u] - along
    shadow = np.clip((behind - 7) / 8, 0, 1).reshape(grid.rows, grid.columns).astype(np.float32)
    shadow = cv2.GaussianBlur(shadow, (0, 0), 1.0).ravel()
    return np.stack([1 - light.shadows * shadow, around], axis=1)


def _shade(
    albedo: Float[np.ndarray, "pixels 3"],
    normal: Float[np.ndarray, "pixels 3"],
    lamp: Float[np.ndarray, "pixels"],
    around: Float[np.ndarray, "pixels"],
    light: Light,
) -> Float[np.ndarray, "pixels 3"]:
    """Colour of skin, hair or cloth: Lambert's law for the lamp, a ramp from ground to sky for the light
    around, and a gleam (Blinn 1977). `lamp` and `around` say how much of each arrives.
    """
    x, y, z = np.ascontiguousarray(normal.T)
    inverse = 1 / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-6)
    x, y, z = x * inverse, y * inverse, z * inverse
    key = np.array(light.key, np.float32)
    facing = np.clip((x * key[0] + y * key[1] + z * key[2] + 0.15) / 1.15, 0, 1) * lamp
    up = 0.5 - 0.5 * y
    around = around * (1 + np.float32(light.side) * x)
    half = (key + (0, 0, 1)).astype(np.float32)
    half /= np.linalg.norm(half)
    gleam = np.clip(x * half[0] + y * half[1] + z * half[2], 0, 1)
    for _ in range(4):  # the 16th power
        gleam *= gleam
    gleam *= float(light.shine) * lamp
    color = np.empty_like(albedo)
    for channel in range(3):
        bulb, above, below = (
            float(part[channel]) for part in (light.key_color, light.above, light.below)
        )
        sky = around * (below + (above - below) * up)
        color[:, channel] = albedo[:, channel] * (facing * bulb + sky) + gleam * bulb
    return color


def _draw_hair(
    scene: Scene,
    camera: Camera,
    skin: head.Points,
    lamp: Float[np.ndarray, "vertices"],
    flat: Float[np.ndarray, "pixels 3"],
    depth: Float[np.ndarray, "pixels"],
) -> None:
    """Draws hair over a head in place, where it is nearer than what is there."""
    grid, fine = head.template(), fine_size(camera.size)
    vertices = hair_surface(scene.hair, skin)
    turned = camera.turned(vertices)
    normal = head.normals(turned, grid.rows, grid.columns)
    # Only triangles that hair grows on.
    u, v = (grid.uv * (WIDTH, HEIGHT)).astype(int).T
    grows = scene.hair_texture[np.minimum(v, HEIGHT - 1), np.minimum(u, WIDTH - 1), 3] > 0
    a, b, c = grows[grid.corners.T]
    corners = grid.corners[a | b | c]
    # Beside the neck, hair that hangs down the back is seen from its inner side.
    surface = rasterize(
        camera.project_fine(turned), turned[:, 2], corners, fine, both_sides=scene.hair.hangs
    )
    values = surface.sample(
        corners, np.concatenate([grid.uv, normal, lamp[:, None]], axis=1).astype(np.float32)
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
