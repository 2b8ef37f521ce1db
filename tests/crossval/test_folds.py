"""Folds hold every face once, never split a photo, and are the same everywhere."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedheat.crossval.folds import divided_in_folds, fold_of_groups
from onedheat.data.samples import FaceSet, Photo, Sample
from onedheat.errors import DataError
from onedheat.landmarks import IBUG68


def faces_of(sizes: list[int]) -> FaceSet:
    """Faces in photos of so many faces each, in no order."""
    samples = [
        Sample(Photo(Path(f"{group}.jpg")), np.full((68, 2), float(face)), f"photo {group}", "all")
        for group, size in enumerate(sizes)
        for face in range(size)
    ]
    np.random.default_rng(0).shuffle(samples)
    return FaceSet("drawn", "train", IBUG68, tuple(samples))


@given(st.lists(st.integers(1, 9), min_size=10, max_size=40), st.integers(2, 10))
def test_every_face_is_held_out_once_with_all_of_its_photo(sizes, count):
    faces = faces_of(sizes)
    folds = divided_in_folds(faces, count)
    assert len(folds) == count
    held_out = [sample for fold in folds for sample in fold.held_out.samples]
    assert Counter(map(id, held_out)) == Counter(map(id, faces.samples))
    for fold in folds:
        assert len(fold.training) + len(fold.held_out) == len(faces)
        apart = [{sample.group for sample in part.samples} for part in fold]
        assert apart[0].isdisjoint(apart[1]) and apart[1]
    held = [len(fold.held_out) for fold in folds]
    assert max(held) - min(held) <= max(sizes)


def test_folds_of_single_faces_differ_by_one_at_most():
    held = [len(fold.held_out) for fold in divided_in_folds(faces_of([1] * 23), 10)]
    assert sorted(held) == [2] * 7 + [3] * 3


def test_folds_follow_from_the_seed_and_not_from_the_order_of_the_faces():
    faces = faces_of([1, 2, 3, 1, 1, 2, 4, 1, 1, 1])
    turned = replace(faces, samples=faces.samples[::-1])

    def of(faces, seed):
        folds = divided_in_folds(faces, 4, seed)
        return [sorted({one.group for one in fold.held_out.samples}) for fold in folds]

    assert of(faces, 0) == of(turned, 0) != of(faces, 1)
    assert fold_of_groups({"a": 1, "b": 5, "c": 1}, 2) == {"b": 1, "a": 2, "c": 2}


def test_a_fold_says_which_it_is():
    fold = divided_in_folds(faces_of([1] * 6), 3)[1]
    assert fold.training.split == "train-without-fold-2-of-3"
    assert fold.held_out.split == "train-fold-2-of-3"


def test_fewer_photos_than_folds_are_refused():
    with pytest.raises(DataError, match="8 faces in 2 photos cannot be divided into 3 folds"):
        divided_in_folds(faces_of([4, 4]), 3)
