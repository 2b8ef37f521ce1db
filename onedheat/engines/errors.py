"""What can be wrong with an engine, and with the packages that it needs."""

from importlib.util import find_spec

RUNTIME = ("onnxruntime",)
EXPORTER = ("onnx", "onnxscript", *RUNTIME)  # what is exported is run once, to check it


class EngineError(RuntimeError):
    """An engine that cannot be had here, or an ONNX file that it cannot use."""


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
