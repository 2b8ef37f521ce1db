"""Lessons with little to do, for tests that ask whether they run and not what they show."""

from pathlib import Path

import nbformat
import papermill
from papermill.parameterize import parameterize_notebook

# Small values for the cell tagged `parameters`, one row for every notebook.
PARAMETERS = {
    "00_start_here": {"seed": 1, "frames": 12},
    "01_quantization_error": {"seed": 1, "bins": [32, 64, 256]},
    "02_marginal_heatmaps": {"seed": 1, "bins": [64, 256], "count": 6},
    "03_detector": {"seed": 2, "bins": [64, 128, 768], "drawn": [0, 4]},
    "04_co_attention": {"seed": 1, "steps": 60, "faces_measured": 4, "gammas": [0.0, 0.4, 1.0]},
    "05_training": {"seed": 1, "faces": 64, "held_out": 12, "passes": 3, "seen": 2},
    "06_evaluation": {
        "seed": 2,
        "faces_measured": 8,
        "faces_moved": 2,
        "draws": 200,
        "counts": [10, 50, 224],
    },
    "07_tracking": {
        "seed": 2,
        "decays": [0.0, 0.3, 0.9],
        "shown": [3, 4],
        "measured_clips": 2,
        "frames": 20,
    },
    "09_your_own": {"frames": 12, "passes": 1, "train_faces": 8, "test_faces": 16},
}


def small_copy(lesson: Path, folder: Path) -> Path:
    """The lesson with these parameters, in a folder."""
    notebook = papermill.iorw.load_notebook_node(str(lesson))
    small = parameterize_notebook(notebook, PARAMETERS[lesson.stem])
    nbformat.write(small, folder / lesson.name)
    return folder / lesson.name
