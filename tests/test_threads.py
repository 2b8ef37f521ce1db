"""Small work on one thread, and afterwards as it was."""

import threading

import pytest
import torch

from onedheat.threads import one_thread


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_block_has_one_thread_and_leaves_as_many_as_there_were():
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_an_error_inside_leaves_as_many_as_there_were():
    with pytest.raises(ValueError, match="inside"), one_thread():
        raise ValueError("inside")
    assert torch.get_num_threads() == 2


def test_other_threads_keep_theirs():
    """Two landmarkers at work at once must not leave one another with a single thread."""
    seen = []
    with one_thread():
        thread = threading.Thread(target=lambda: seen.append(_through_a_block()))
        thread.start()
        thread.join()
    assert torch.get_num_threads() == 2
    assert seen == [(1, 3)]


def _through_a_block() -> tuple[int, int]:
    torch.set_num_threads(3)
    with one_thread():
        inside = torch.get_num_threads()
    return inside, torch.get_num_threads()
