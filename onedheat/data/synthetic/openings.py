"""What is seen where lids and lips are apart: eyeballs, teeth, the inside of the mouth."""

import numpy as np
from jaxtyping import Bool, Float

from onedheat.data.synthetic.anatomy import CENTER, EYE_RADIUS
from onedheat.data.synthetic.camera import SUPERSAMPLE, Camera, fine_size
from onedheat.data.synthetic.raster import Surface
from onedheat.data.synthetic.scene import Scene


def _open(camera: Camera, surface: Surface, on_head, hole):
    """Where the skin is open: indices into the surface's pixels, how far open, (O, 1), and x, y, (O, 2)."""
    keep = hole > 0.02
    inside = np.flatnonzero(on_head)[keep]
    y, x = np.divmod(surface.pixels[inside], fine_size(camera.size))
    return inside, hole[keep][:, None], np.stack([x, y], axis=1)


def fill_eyes(
    scene: Scene,
    camera: Camera,
    surface: Surface,
    on_head: Bool[np.ndarray, "pixels"],
    hole: Float[np.ndarray, "skin"],
    color: Float[np.ndarray, "pixels 3"],
) -> None:
    """Puts eyeballs where the lids are open."""
    inside, alpha, at = _open(camera, surface, on_head, hole)
    if not len(inside):
        return
    centers = camera.turned(scene.eyes)
    seen = camera.project_fine(centers)
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

    white = np.array([0.70, 0.67, 0.65]) - 0.25 * (away[:, None] ** 2) * np.array([0.4, 1, 1])
    iris = np.array(scene.look.iris) * (0.75 + 0.5 * np.clip(angle / 27, 0, 1))[:, None]
    ball = white + disc(28) * (0.35 * iris - white)
    ball += disc(25.5) * (iris - ball)
    ball += disc(11) * (0.02 - ball)
    lids = scene.controls[[37, 38, 43, 44]]
    top = camera.project_fine(camera.turned(lids)).reshape(2, 2, 2)[:, :, 1].mean(axis=1)
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


def fill_mouth(
    scene: Scene,
    camera: Camera,
    surface: Surface,
    on_head: Bool[np.ndarray, "pixels"],
    hole: Float[np.ndarray, "skin"],
    color: Float[np.ndarray, "pixels 3"],
) -> None:
    """Puts teeth and darkness where the lips are apart."""
    inside, alpha, at = _open(camera, surface, on_head, hole)
    if not len(inside):
        return
    lips = scene.controls[60:68]
    middle = 0.5 * (lips[0] + lips[4])
    # A plane behind the lips: where the ray through each pixel meets it, in the head's axes.
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
