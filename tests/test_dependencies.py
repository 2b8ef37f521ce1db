"""pyproject.toml, constraints.txt and the two conda files say the same, and nothing is used undeclared."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

# PyPI's name → conda-forge's, where they differ.
CONDA = {
    "torch": "pytorch",
    "opencv-python-headless": "py-opencv",
    "matplotlib": "matplotlib-base",
    "playwright": "playwright-python",
}
BINDER = CONDA | {"torch": "pytorch-cpu"}
NOT_ON_BINDER = {"mat", "tensorboard", "dev"}  # extras that no lesson uses there
# Distributions whose import name is not found through what is installed (an extra may be missing).
IMPORT_NAMES = {
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "IPython": "ipython",
    "yaml": "pyyaml",
}
INSTALLED = packages_distributions()  # import name → distributions; slow, so asked once


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def pins(root):
    """Name → version, from constraints.txt."""
    lines = (root / "constraints.txt").read_text().splitlines()
    made = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"==[^*,]+", str(pin.specifier)) for pin in made), (
        "a pin is one exact version"
    )
    return {canonicalize_name(pin.name): Version(str(pin.specifier)[2:]) for pin in made}


def bounds(requirements):
    """Name → lower bound; anything but one `>=` is an error."""
    found = {}
    for text in requirements:
        requirement = Requirement(text)
        if requirement.name == "onedheat":
            continue
        match = re.fullmatch(r">=([\d.]+)", str(requirement.specifier))
        assert match, f"{text!r} in pyproject.toml is no lower bound"
        found[canonicalize_name(requirement.name)] = Version(match[1])
    return found


@pytest.fixture(scope="module")
def core(project):
    return bounds(project["dependencies"])


@pytest.fixture(scope="module")
def extras(project):
    return {
        name: bounds(these)
        for name, these in project["optional-dependencies"].items()
        if name != "all"
    }


@pytest.fixture(scope="module")
def declared(core, extras):
    return core | {name: bound for these in extras.values() for name, bound in these.items()}


def conda(path):
    """Conda's name → what follows it, from an environment file."""
    loaded = yaml.safe_load(path.read_text())
    assert loaded["channels"] == ["conda-forge", "nodefaults"]
    found = dict(re.fullmatch(r"([\w.-]+)(.*)", line).groups() for line in loaded["dependencies"])
    found.pop("pip")
    return found


def test_every_dependency_is_pinned_at_or_above_its_bound(declared, pins):
    for name, bound in declared.items():
        assert name in pins, f"constraints.txt does not pin {name}"
        assert pins[name] >= bound, f"{name} is pinned at {pins[name]}, below its bound {bound}"


def test_torch_is_pinned_to_the_version_that_was_tested(pins):
    assert pins["torch"] == Version("2.13.0")


def test_bounds_are_those_the_design_promises(core):
    promised = {
        "torch": "2.6",
        "ipywidgets": "7.7.1",
        "plotly": "5.24",
        "opencv-python-headless": "4.10",
        "numpy": "1.26",
    }
    assert {name: core[name] for name in promised} == {
        name: Version(v) for name, v in promised.items()
    }


def test_the_extra_all_holds_every_extra_but_dev(project):
    (everything,) = project["optional-dependencies"]["all"]
    assert Requirement(everything).extras == set(project["optional-dependencies"]) - {"dev", "all"}


def test_environment_yml_has_the_names_and_bounds_of_pyproject(root, project, declared):
    wanted = {
        CONDA.get(name, name).replace("-", "_"): f">={bound}" for name, bound in declared.items()
    }
    wanted["python"] = project["requires-python"]
    assert {k.replace("-", "_"): v for k, v in conda(root / "environment.yml").items()} == wanted


def test_binder_has_every_core_dependency_pinned_like_constraints(
    root, project, core, extras, pins
):
    names = set(core).union(
        *(these for extra, these in extras.items() if extra not in NOT_ON_BINDER)
    )
    found = {k.replace("-", "_"): v for k, v in conda(root / "binder/environment.yml").items()}
    python = found.pop("python")
    assert Version(python.lstrip("=")) >= Version(project["requires-python"].lstrip(">="))
    assert set(found) == {BINDER.get(name, name).replace("-", "_") for name in names}
    for name in names:
        version = found[BINDER.get(name, name).replace("-", "_")]
        expected = ".".join(str(pins[name]).split(".")[:2])
        assert version == f"={expected}", (
            f"binder/environment.yml has {name}{version}, constraints.txt {pins[name]}"
        )


def imports_of(code):
    """Top-level names of the absolute imports of a piece of code."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def undeclared(code, declared):
    known = {name: [distribution] for name, distribution in IMPORT_NAMES.items()}
    missing = set()
    for name in set(imports_of(code)) - set(sys.stdlib_module_names) - {"onedheat"}:
        owners = {canonicalize_name(d) for d in known.get(name) or INSTALLED.get(name) or [name]}
        if not owners & set(declared):
            missing.add(name)
    return missing


def test_the_package_imports_nothing_undeclared(root, core, extras):
    # beartype and what else `dev` holds may be imported by tests, not by the package
    declared = core | {
        n: b for extra, these in extras.items() if extra != "dev" for n, b in these.items()
    }
    for file in sorted((root / "onedheat").rglob("*.py")):
        missing = undeclared(file.read_text(encoding="utf-8"), declared)
        assert not missing, (
            f"{file.relative_to(root)} imports {missing}, which pyproject.toml does not declare"
        )


def test_the_tests_import_nothing_undeclared(root, declared):
    helpers = {file.stem for file in (root / "tests").glob("*.py")}
    for file in sorted((root / "tests").rglob("*.py")):
        missing = undeclared(file.read_text(encoding="utf-8"), declared) - helpers
        assert not missing, (
            f"{file.relative_to(root)} imports {missing}, which pyproject.toml does not declare"
        )


def test_an_undeclared_import_is_noticed():
    assert undeclared(
        "import os, numpy\nfrom scipy.io import loadmat", {"numpy": Version("1")}
    ) == {"scipy"}


def test_what_is_no_code_is_installed_with_the_package(root):
    """All of them, and nothing else: what a wheel leaves out is missed by its user alone."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["onedheat"]
    home = root / "onedheat"
    installed = {path for pattern in patterns for path in home.glob(pattern)}
    weights = {path for path in (home / "weights").rglob("*") if path.is_file()}
    page = {home / "course" / name for name in ("webcam.js", "webcam.css")}
    measured = {*(home / "studies" / "measured").glob("*.json"), *(home / "bench").glob("*.json")}
    assert installed == weights | set((home / "kept").glob("*.npz")) | page | measured
