"""A stamp notices what a notebook depends on, and nothing else."""

import pytest
from nbformat import v4

from onedheat.course import stamps


@pytest.fixture
def package(tmp_path):
    """A small package with a lazy name, a subpackage, a cycle-free chain of imports and a checkpoint."""
    root = tmp_path / "onedheat"
    files = {
        "__init__.py": "_HOME_OF = {'load': 'pipeline'}\n__all__ = sorted(_HOME_OF)\n",
        "geometry.py": "def crop():\n    return 1\n",
        "heatmaps.py": "def decode():\n    from .geometry import crop\n    return crop()\n",
        "plots.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import onedheat.training\n",
        "training.py": "import onedheat.heatmaps\n",
        "pipeline.py": "from onedheat import models\n",
        "models/__init__.py": "from .detector import Detector\n",
        "models/detector.py": "from ..heatmaps import decode\nclass Detector: pass\n",
        "weights/tiny68/config.json": "{}",
        "weights/tiny68/model.safetensors": "tiny",
        "weights/big68/config.json": "{}",
        "weights/big68/model.safetensors": "big",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def notebook(*cells):
    return v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])


PIPELINE = {
    "onedheat.pipeline",
    "onedheat.models",
    "onedheat.models.detector",
    "onedheat.heatmaps",
    "onedheat.geometry",
}


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        ("import onedheat", set()),
        ("import numpy as np", set()),
        ("from onedheat import heatmaps", {"onedheat.heatmaps", "onedheat.geometry"}),
        ("import onedheat.heatmaps as h", {"onedheat.heatmaps", "onedheat.geometry"}),
        ("import onedheat\nonedheat.geometry.crop()", {"onedheat.geometry"}),
        ("from onedheat.plots import anything", {"onedheat.plots"}),
        ("import onedheat\nonedheat.load('tiny68')", PIPELINE),
        ("def f():\n    from onedheat import load", PIPELINE),
    ],
)
def test_reachable_follows_every_way_of_importing(package, code, modules):
    assert stamps.reachable(code, package) == modules


def stamped(package, *cells):
    made = notebook(*cells)
    made.metadata["onedheat"] = stamps.stamp(made, package)
    assert stamps.stale(made, package) == []
    return made


def test_a_change_that_the_notebook_can_reach_makes_it_stale(package):
    made = stamped(package, "from onedheat import heatmaps")
    (package / "geometry.py").write_text("def crop():\n    return 2\n")
    assert stamps.stale(made, package) == ["onedheat.geometry"]


def test_a_change_that_it_cannot_reach_does_not(package):
    made = stamped(package, "from onedheat import heatmaps")
    (package / "training.py").write_text("x = 1\n")
    (package / "__init__.py").write_text("_HOME_OF = {'load': 'pipeline', 'new': 'training'}\n")
    assert stamps.stale(made, package) == []


def test_comments_and_blank_lines_do_not_count(package):
    made = stamped(package, "from onedheat import geometry")
    (package / "geometry.py").write_text("# a reason\n\ndef crop():\n    # another\n    return 1\n")
    assert stamps.stale(made, package) == []


def test_prose_does_not_count_and_code_does(package):
    made = stamped(package, "from onedheat import geometry")
    made.cells.append(v4.new_markdown_cell("More words."))
    assert stamps.stale(made, package) == []
    made.cells[0].source += "\nprint(1)"
    assert stamps.stale(made, package) == ["code cells"]


def test_only_the_checkpoint_that_is_named_counts(package):
    made = stamped(package, "import onedheat\nonedheat.load('tiny68')")
    (package / "weights/big68/model.safetensors").write_text("other")
    assert stamps.stale(made, package) == []
    (package / "weights/tiny68/model.safetensors").write_text("other")
    assert stamps.stale(made, package) == ["tiny68"]


def test_every_checkpoint_counts_where_none_is_named(package):
    made = stamped(package, "import onedheat\nonedheat.load(name)")
    (package / "weights/big68/config.json").write_text("{ }")
    assert stamps.stale(made, package) == ["big68"]


def test_results_of_studies_count_where_they_can_be_reached(package):
    (package / "studies/measured").mkdir(parents=True)
    (package / "studies/__init__.py").write_text("")
    made = stamped(package, "from onedheat import studies")
    other = stamped(package, "from onedheat import geometry")
    assert stamps.stale(made, package) == []
    (package / "studies/measured/recipe.json").write_text("{}")
    assert stamps.stale(made, package) == ["studies"]
    assert stamps.stale(other, package) == []


def test_the_atlas_counts_where_it_can_be_reached(package):
    (package / "atlas.py").write_text("from . import geometry\n")
    (package / "weights/atlas/1d").mkdir(parents=True)
    made = stamped(package, "from onedheat import atlas")
    without = stamped(package, "from onedheat import geometry")
    (package / "weights/atlas/results.json").write_text("[]")
    assert stamps.stale(made, package) == ["atlas"]
    (package / "weights/atlas/1d/model.safetensors").write_text("other")
    assert stamps.stale(without, package) == []


def test_a_calibration_counts_as_part_of_its_checkpoint(package):
    made = stamped(package, "import onedheat\nonedheat.load('tiny68')")
    (package / "weights/tiny68/calibration.json").write_text("{ }")
    assert stamps.stale(made, package) == ["tiny68"]


def test_a_notebook_without_stamp_is_stale(package):
    assert stamps.stale(notebook("1"), package) == ["it was never executed by `make notebooks`"]


def test_magics_and_shell_lines_are_no_obstacle(package):
    made = notebook(
        "%matplotlib inline\nimport onedheat.geometry\nif True:\n    !ls", "%%time\nanything goes"
    )
    assert stamps.reachable(stamps.notebook_code(made), package) == {"onedheat.geometry"}


def test_the_real_package_is_read(root):
    found = stamps.reachable("from onedheat.course.execute import run")
    assert found == {"onedheat.course", "onedheat.course.execute", "onedheat.course.stamps"}
