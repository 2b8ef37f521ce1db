"""How many threads small work gets."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Has PyTorch's work in this block be done by the thread that runs it, alone.

    For work so small that a second thread is not worth waking, and beside another library's threads:
    PyTorch's wait awake for more work, and keep a core from who needs it.
    """
    before = torch.get_num_threads()  # OpenMP keeps it for each thread, so others are not touched
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
