"""What every test gets: checked shapes, fixed seeds, bounded threads, and the real faces where they are."""

import os
import random
from pathlib import Path

# Tests run in two processes, and so do the notebooks in them: a thread for each, before torch counts cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from jaxtyping import install_import_hook

# Before anything imports onedheat: every annotation of the package (shapes included) is checked at run
# time, in tests only. A call with a wrong shape fails there and says expected and got.
install_import_hook("onedheat", "typechecker.check")

import hypothesis  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

# One profile, the same examples every time; `make test-all` looks ten times as far.
hypothesis.settings.register_profile(
    "quick", max_examples=30, derandomize=True, deadline=None, database=None
)
hypothesis.settings.register_profile(
    "all", max_examples=300, derandomize=True, deadline=None, database=None
)
hypothesis.settings.load_profile("all" if os.environ.get("ONEDHEAT_TESTS") == "all" else "quick")

# Networks in tests are small: threads would mostly wait for one another, and long where other work runs.
torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _seeded():
    """Every test starts from the same random state, whatever ran before it."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  libraries still draw from it
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with 300w_crops/, 300w_originals/ and talking_face/, from the variable ONEDHEAT_DATA."""
    given = os.environ.get("ONEDHEAT_DATA")
    if not given:
        pytest.skip("ONEDHEAT_DATA is not set: no real faces to test on")
    path = Path(given).expanduser().resolve()
    if not path.is_dir():
        pytest.fail(f"ONEDHEAT_DATA is {given!r}, which is not a folder")
    return path


@pytest.fixture(scope="session")
def yunet_file() -> Path:
    """The model of the face finder YuNet, from ONEDHEAT_YUNET or beside ONEDHEAT_DATA."""
    places = [os.environ.get("ONEDHEAT_YUNET")]
    if data := os.environ.get("ONEDHEAT_DATA"):
        places.append(f"{data}/../models/face_detection_yunet_2023mar.onnx")
    for place in filter(None, places):
        if Path(place).is_file():
            return Path(place).resolve()
    pytest.skip("no YuNet model: neither ONEDHEAT_YUNET nor ONEDHEAT_DATA/../models has it")
