"""Things that get in front of faces: shapes with soft edges and textures of their own.

    shape = draw_shape(rng, "train")
    layer = paint(shape, rng, "train")  # RGBA, the square from −1 to 1
    to_picture = place((80.0, 64.0), radius=30.0, angle=0.4)  # (3, 3), own coordinates → pixels
    covered = shape.covers(to_picture, landmarks)  # (N,) bool, exact
    picture = overlay(picture, layer, to_picture)

A shape lives in its own coordinates, x to the right and y down, in the square from −1 to 1, as a
signed distance: what it covers is computed and not read off pixels. There are two families that
share neither a shape nor a texture. Those of training teach a network that faces get covered; those
of testing show whether it learned that, or what its own occluders look like.
"""

from onedheat.data.occluders.layers import Layer, overlay, paint, place
from onedheat.data.occluders.shapes import SHAPES, Family, Shape, draw_shape
from onedheat.data.occluders.textures import TEXTURES

__all__ = [
    "SHAPES",
    "TEXTURES",
    "Family",
    "Layer",
    "Shape",
    "draw_shape",
    "overlay",
    "paint",
    "place",
]
