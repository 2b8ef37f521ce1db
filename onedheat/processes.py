"""Processes that do not outlive the one that started them."""

import os
import signal
import threading
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
