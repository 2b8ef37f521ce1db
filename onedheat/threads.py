"""How many threads small work gets."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Has PyTorch's work in this block be done by the thread that runs it, alone.

    For work so small that a second thread is not worth waking, and beside another library's threads:
    PyTorch's wait awake for more work, and keep a core from who needs it.

    OpenMP keeps a number for each thread, so threads at work are not touched. But one that uses PyTorch
    for the first time while another is in such a block begins with one, too, and keeps it: whoever
    wants more there says so (`torch.set_num_threads` in the initializer of a pool).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
