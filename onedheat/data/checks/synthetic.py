"""Checks the synthetic faces: draws some of each split, as nothing can be missing."""

import numpy as np
from tqdm import tqdm

from onedheat.data.checks.report import CheckReport, Fault, Subset
from onedheat.data.synthetic.sets import NAME, SPLITS, render_faces

_DRAWN = 32


def check_synthetic(root: None = None, *, progress: bool = False) -> CheckReport:
    """Draws the first faces of each split and reports landmarks that lie outside their picture.

    Args:
        root: None; nothing is read.
        progress: show a bar on standard error.
    """
    faults, bar = [], tqdm(total=_DRAWN * len(SPLITS), unit="face", disable=not progress)
    for split, (seed, _) in SPLITS.items():
        for batch in render_faces(_DRAWN, seed=seed, batch=8):
            size = batch.images.shape[1]
            outside = ~((batch.landmarks > -0.5) & (batch.landmarks < size - 0.5)).all(axis=(1, 2))
            faults += [
                Fault(
                    "warning", f"{split}, face {bar.n + k}", "a landmark lies outside the picture"
                )
                for k in np.flatnonzero(outside)
            ]
            bar.update(len(batch.images))
    bar.close()
    subsets = tuple(Subset(split, count) for split, (_, count) in SPLITS.items())
    return CheckReport(NAME, "nowhere: they are drawn when asked for", subsets, tuple(faults))
