"""Small work on one thread, and afterwards as it was."""

import threading
import time

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


def test_two_blocks_at_once_leave_one_another_what_they_had():
    seen = []
    with one_thread():
        _elsewhere(lambda: seen.append(_through_a_block()))
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    assert seen == [(1, 3)]


def test_a_thread_at_work_keeps_its_own():
    """Two landmarkers at work at once must not leave one another with a single thread."""
    seen, asked = [], threading.Event()

    def work():
        seen.append(torch.get_num_threads())
        asked.wait(timeout=60)
        seen.append(torch.get_num_threads())

    thread = threading.Thread(target=work)
    thread.start()
    while not seen:
        time.sleep(0.001)
    with one_thread():
        asked.set()
        thread.join()
    assert seen == [2, 2]


def _elsewhere(work) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def _through_a_block() -> tuple[int, int]:
    torch.set_num_threads(3)
    with one_thread():
        inside = torch.get_num_threads()
    return inside, torch.get_num_threads()
