"""What is seen where lids and lips are apart: eyeballs, teeth, the inside of the mouth."""

import numpy as np
from jaxtyping import Bool, Float, Int

from onedheat.data.synthetic.anatomy import CENTER, EYE_RADIUS, direction
from onedheat.data.synthetic.camera import SUPERSAMPLE, Camera, fine_size
from onedheat.data.synthetic.raster import Surface
from onedheat.data.synthetic.scene import Scene

Places = Int[np.ndarray, "open 2"]  # x and y of the pixels behind which an opening is
Colors = Float[np.ndarray, "open 3"]


def fill_openings(
    scene: Scene,
    camera: Camera,
    surface: Surface,
    on_head: Bool[np.ndarray, "pixels"],
    holes: Float[np.ndarray, "skin 2"],
    color: Float[np.ndarray, "pixels 3"],
) -> None:
    """Puts eyeballs where the lids are open, and teeth and darkness where the lips are apart.

    Args:
        scene: what is seen.
        camera: from where.
        surface: of all that is seen.
        on_head: which of its pixels show skin.
        holes: how far each of these is open, of eyes and of mouth, in [0, 1].
        color: of the surface's pixels; drawn over in place.
    """
    for hole, behind in zip(holes.T, (_eyeballs, _inside_mouth), strict=True):
        keep = hole > 0.02
        if keep.any():
            at = np.flatnonzero(on_head)[keep]
            y, x = np.divmod(surface.pixels[at], fine_size(camera.size))
            seen = behind(scene, camera, np.stack([x, y], axis=1))
            color[at] += hole[keep][:, None] * (seen - color[at])


def _eyeballs(scene: Scene, camera: Camera, at: Places) -> Colors:
    centers = camera.turned(scene.eyes)
    seen = camera.project_fine(centers)
    nearer = camera.distance - centers[:, 2]
    reach = EYE_RADIUS * camera.scale * SUPERSAMPLE * camera.distance / nearer
    right, left = (np.linalg.norm(at - eye, axis=1) for eye in seen)
    which = (right > left).astype(int)
    offset = (at - seen[which]) / reach[which, None]
    away = np.clip((offset**2).sum(axis=1), 0, 1)
    normal = np.concatenate([offset, np.sqrt(1 - away)[:, None]], axis=1)
    forward = direction(*np.radians(scene.gaze))
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
    facing = np.clip(0.3 + normal @ np.array(light.key), 0, 1)[:, None]
    level = 0.55 * np.array(light.key_color) * facing + 0.8 * np.array(light.above)
    ball = ball * level * (0.45 + 0.55 * under_lid)[:, None]
    half = np.array(light.key) + (0, 0, 1)
    glint = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 160
    ball += 0.9 * (glint * (angle < 30))[:, None] * np.array(light.key_color)
    return ball


def _inside_mouth(scene: Scene, camera: Camera, at: Places) -> Colors:
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
    gap = bottom - top
    deep = np.clip((y - top) / max(gap, 1), 0, 1)
    dark = np.array([0.20, 0.06, 0.06]) * (0.5 + 0.6 * deep)[:, None]
    tongue = np.clip((y - (bottom - 0.35 * gap)) / 3, 0, 1)[:, None] * (gap > 12)
    dark = dark + tongue * (np.array([0.50, 0.22, 0.22]) - dark)
    share = np.maximum(upper, 0.8 * lower)[:, None]
    light = scene.light
    lamp = 0.5 * np.array(light.key_color) * (0.4 + 0.6 * max(light.key[2], 0))
    level = lamp + 0.6 * np.array(light.above)
    return (dark + share * (teeth - dark)) * level
