"""What a lesson says about its own run: seed, versions, wall time, peak memory."""

import platform
import sys
import time
from importlib import metadata
from pathlib import Path

import onedheat

PACKAGES = ("torch", "numpy", "matplotlib", "ipywidgets")

_started = time.perf_counter()


def peak_memory() -> float | None:
    """The most memory this process has held, in MB (10⁶ bytes); None where the system does not say."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return None
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used * (1 if sys.platform == "darwin" else 1024) / 1e6


def footer(seed: int) -> None:
    """Prints the footer of a lesson; the time counts from the import of the course."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    memory = peak_memory()
    print(f"seed {seed}")
    print(f"onedheat {onedheat.__version__}, Python {platform.python_version()}, {versions}")
    print(f"wall time {time.perf_counter() - _started:.0f} s", end="")
    print(f", peak memory {memory:.0f} MB" if memory else "")
