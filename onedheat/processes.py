"""Processes that end when they should: with the one that started them, and on SIGTERM as on Ctrl-C."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """Has this process be told to end (SIGTERM) once the one that started it is gone, by whatever.

    To be called in a process that `multiprocessing` has started. One that handles SIGTERM can save.
    """

    def watch() -> None:
        wait([parent_process().sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Takes SIGTERM for Ctrl-C in this block, a `KeyboardInterrupt`, where it runs in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
