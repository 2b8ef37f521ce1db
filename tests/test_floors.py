"""The package is a house with floors: a module imports only from floors below its own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from onedheat.course.stamps import PACKAGE, lazy_names, modules_used

# Lowest first. A module belongs to the floor that names it or the package it stands in.
FLOORS = [
    {
        "errors",
        "landmarks",
        "geometry",
        "heatmaps",
        "metrics",
        "calibration",
        "files",
        "containers",
        "threads",
        "processes",
        "filters",
        "flow",
        "recording",
    },
    {"place"},
    {"models", "video"},
    {"data"},
    {
        "checkpoints",
        "faces",
        "drawing",
        "presets",
        "left_open",
        "reports",
        "video_writing",
        "cameras",
        "seed_results",
    },
    {"engines"},
    {"pipeline"},
    {"watching"},
    {"evaluation", "detection", "bench", "tracks"},
    {"reliability", "kept", "steadying", "scripts"},
    {"training", "cards", "soup"},
    {"atlas", "crossval"},
    {"studies"},
    {"plots"},
    {"course"},
    {"cli"},
]
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}
HEAVY = {"matplotlib", "plotly", "ipywidgets", "IPython", "cv2", "kornia", "huggingface_hub"}


def dotted(file: Path, package: Path) -> str:
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def wrong_imports(package: Path) -> list[str]:
    """Every import that does not go downstairs, as a sentence."""
    wrong = []
    for file in sorted(package.rglob("*.py")):
        module = dotted(file, package)
        own = module.split(".")[1] if "." in module else ""
        if not own or own == "__main__":
            continue  # onedheat/__init__.py holds lazy names only (see below); __main__ is the door
        if own not in FLOOR_OF:
            wrong.append(f"{module} is on no floor; add it to FLOORS in {Path(__file__).name}")
            continue
        code = file.read_text(encoding="utf-8")
        for used in sorted(modules_used(code, package, module, file.name == "__init__.py")):
            other = used.split(".")[1]
            if other != own and FLOOR_OF.get(other, 99) >= FLOOR_OF[own]:
                wrong.append(f"{module} imports {used}, which is not on a floor below it")
    return wrong


def test_every_module_imports_only_from_floors_below_its_own():
    assert wrong_imports(PACKAGE) == []


@pytest.mark.parametrize(
    ("module", "code", "complaint"),
    [
        ("heatmaps.py", "from onedheat import plots", "onedheat.heatmaps imports onedheat.plots"),
        (
            "heatmaps.py",
            "from .geometry import crop",
            "onedheat.heatmaps imports onedheat.geometry",
        ),
        (
            "models/a.py",
            "def f():\n    from ..pipeline import load",
            "onedheat.models.a imports onedheat.pipeline",
        ),
        (
            "models/a.py",
            "import onedheat\nonedheat.load()",
            "onedheat.models.a imports onedheat.pipeline",
        ),
        ("attic.py", "", "onedheat.attic is on no floor"),
    ],
)
def test_the_check_notices_a_step_upstairs(tmp_path, module, code, complaint):
    package = tmp_path / "onedheat"
    for name in ("geometry.py", "plots.py", "pipeline.py", "models/__init__.py", module):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("")
    (package / "__init__.py").write_text("_HOME_OF = {'load': 'pipeline'}\n")
    assert wrong_imports(package) == [] if module != "attic.py" else True
    (package / module).write_text(code)
    (found,) = wrong_imports(package)
    assert complaint in found


def test_the_package_itself_imports_nothing_of_its_own_at_once():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    names = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert set(names) <= {"importlib", "TYPE_CHECKING", "Any", "annotations", "import_module"}


def test_every_lazy_name_can_be_fetched():
    names = ", ".join(lazy_names())
    assert names, "onedheat/__init__.py has no dict of lazy names"
    run = subprocess.run(
        [sys.executable, "-c", f"from onedheat import {names}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr


def test_importing_the_package_takes_nothing_heavy_with_it():
    code = f"import sys, onedheat; print(sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (run.stdout.strip(), run.stderr) == ("[]", "")
