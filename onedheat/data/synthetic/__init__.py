"""Synthetic faces and clips with exact landmarks: a parametric head, drawn by a small renderer.

anatomy        named points of a head, and how people and expressions move them
head           the surface through these points
skin, hair     what it looks like
raster         a z-buffer
render         camera, light, and what lies in front of what
surroundings   backgrounds, lamps, glasses, camera
faces          one random face          clips     one random video
sets           both as data sets
"""

from onedheat.data.synthetic.clips import synthetic_clips
from onedheat.data.synthetic.faces import Face, render_face
from onedheat.data.synthetic.sets import Batch, render_faces, synthetic_faces

__all__ = ["Batch", "Face", "render_face", "render_faces", "synthetic_clips", "synthetic_faces"]
