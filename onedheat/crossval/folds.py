"""Folds of a training set: whole photos or persons, as many faces or clips in each as can be, by a seed
alone.
"""

import random
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from onedheat.data.clips import ClipSet
from onedheat.data.samples import FaceSet
from onedheat.errors import DataError


class Fold(NamedTuple):
    """One division of a set: what is trained on, and what is measured on."""

    training: FaceSet | ClipSet
    held_out: FaceSet | ClipSet


def fold_of_groups(
    sizes: Mapping[str, int], count: int, seed: int = 0, what: str = "faces"
) -> dict[str, int]:
    """Puts each group (a photo, a video, a person) into one fold.

    The largest are dealt first, each to the fold that holds the least, so that folds differ by no more
    than one group. Equally large ones are dealt in an order of the seed.

    Args:
        sizes: group → its faces, or clips, in any order.
        count: of folds.
        seed: another seed, other folds.
        what: the things that are dealt, for the message.

    Returns:
        Group → its fold, from 1.

    Raises:
        DataError: fewer groups than folds.
    """
    if len(sizes) < count:
        raise DataError(
            f"{sum(sizes.values())} {what} in {len(sizes)} photos cannot be divided into {count} folds "
            f"without splitting a photo; ask for {len(sizes)} folds at most, or add photos"
        )
    groups = sorted(sizes)
    random.Random(seed).shuffle(groups)
    held = dict.fromkeys(range(1, count + 1), 0)
    found = {}
    # Sorting is stable: groups of one size stay shuffled.
    for group in sorted(groups, key=sizes.__getitem__, reverse=True):
        found[group] = min(held, key=held.__getitem__)
        held[found[group]] += sizes[group]
    return found


def divided_in_folds(faces: FaceSet | ClipSet, count: int, seed: int = 0) -> list[Fold]:
    """Divides a set so that every face, or clip, is held out exactly once, together with all of its photo
    or person.

    Args:
        faces: the whole training set.
        count: of folds.
        seed: another seed, other folds.

    Raises:
        DataError: fewer photos than folds.
    """
    what = "clips" if isinstance(faces, ClipSet) else "faces"
    of = fold_of_groups(Counter(faces.groups), count, seed, what)
    return [
        Fold(
            faces.where(
                lambda one, fold=fold: of[one.group] != fold,
                f"{faces.split}-without-fold-{fold}-of-{count}",
            ),
            faces.where(
                lambda one, fold=fold: of[one.group] == fold,
                f"{faces.split}-fold-{fold}-of-{count}",
            ),
        )
        for fold in range(1, count + 1)
    ]
