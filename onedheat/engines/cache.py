"""Exported networks are kept in the user's cache, so that each is exported once.

A file's name is ``<what it was made from>-<its own sha256>.onnx``. The first part covers the weights,
the config, the versions of onedheat and torch and the code of networks and export, so that nothing old
is ever taken for new; the second tells a damaged file, which is made again.
"""

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path

import torch

import onedheat
from onedheat import heatmaps, models
from onedheat.engines import export
from onedheat.engines.export import as_onnx, weights_digest
from onedheat.engines.onnx_engine import OnnxEngine
from onedheat.files import write_atomically
from onedheat.models import LandmarkNetwork

KEPT = 12  # files; the newest, by their last use

_log = logging.getLogger(__name__)


def cached_engine(network: LandmarkNetwork) -> OnnxEngine:
    """The network run by ONNX Runtime, from the cache or exported now.

    Raises:
        EngineError: a package is missing, or what was exported differs from PyTorch.
    """
    folder, key = cache_folder(), _key(network)
    content = _kept(folder, key)
    if content is None:
        _log.info("exporting the network to ONNX, once for these weights; it takes some seconds")
        content, _ = as_onnx(network)
        _keep(folder, key, content)
    return OnnxEngine(content)


def cache_folder() -> Path:
    """Where exported networks are kept."""
    import pooch

    return Path(pooch.os_cache("onedheat")) / "onnx"


def _key(network: LandmarkNetwork) -> str:
    parts = [weights_digest(network), onedheat.__version__, torch.__version__]
    own = (Path(module.__file__) for module in (export, heatmaps))
    code = [*sorted(Path(models.__file__).parent.rglob("*.py")), *own]
    digest = hashlib.sha256("\n".join(parts).encode())
    for file in code:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:24]


def _kept(folder: Path, key: str) -> bytes | None:
    """The whole file made from this, if there is one."""
    for path in folder.glob(f"{key}-*.onnx"):
        with suppress(OSError):  # it cannot be read, or another process has just removed it
            content = path.read_bytes()
            if path.name == _name(key, content):
                with suppress(OSError):  # a cache that others own
                    os.utime(path)
                return content
            _log.warning("%s is damaged; the network is exported again", path)
            path.unlink()
    return None


def _keep(folder: Path, key: str, content: bytes) -> None:
    """Writes a file and forgets those that were not used for longest."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / _name(key, content), content)
    except OSError as error:
        _log.warning(
            "the exported network cannot be kept in %s (%s); the next start exports it again",
            folder,
            error.strerror,
        )
        return
    with suppress(OSError):  # another process tidies up at the same time
        files = sorted(folder.glob("*.onnx"), key=lambda path: path.stat().st_mtime)
        for path in files[:-KEPT]:
            path.unlink()


def _name(key: str, content: bytes) -> str:
    return f"{key}-{hashlib.sha256(content).hexdigest()[:24]}.onnx"
