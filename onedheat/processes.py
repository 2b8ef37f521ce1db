"""Processes that end when they should: with the one that started them, on SIGTERM as on Ctrl-C, and never
while they are still starting.
"""

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


@contextmanager
def ctrl_c_held_back() -> Iterator[None]:
    """Lets Ctrl-C wait. A process that is started meanwhile holds it back, too, until `hear_ctrl_c`: it comes
    to all processes of a terminal, and one that is still importing could only die of it, noisily.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear_ctrl_c() -> None:
    """Has a process that was started with Ctrl-C held back hear it."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
