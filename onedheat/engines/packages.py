"""The packages that engines need."""

from importlib.util import find_spec

from onedheat.errors import EngineError

RUNTIME = ("onnxruntime",)
EXPORTER = ("onnx", "onnxscript", *RUNTIME)  # what is exported is run once, to check it


def missing(*packages: str) -> list[str]:
    """Those of the packages that are not installed."""
    return [name for name in packages if find_spec(name) is None]


def demand(*packages: str, purpose: str) -> None:
    """Refuses to go on without these packages.

    Raises:
        EngineError: one is not installed.
    """
    if lacking := missing(*packages):
        raise EngineError(
            f"{purpose} needs {' and '.join(lacking)}, which "
            f"{'is' if len(lacking) == 1 else 'are'} not installed: pip install 'onedheat[onnx]'; "
            "engine 'torch' works without"
        )
