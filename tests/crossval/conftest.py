"""Drawn faces to search on, several of some photos."""

from pathlib import Path

import pytest
from faces300w import make_300w

from onedheat.data.samples import FaceSet
from onedheat.data.w300 import read_300w


@pytest.fixture(scope="session")
def tree(tmp_path_factory) -> Path:
    return make_300w(tmp_path_factory.mktemp("300w"), faces=24)


@pytest.fixture(scope="session")
def faces(tree) -> FaceSet:
    return read_300w(tree)
