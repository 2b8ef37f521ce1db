"""Open JupyterLab at a notebook: `python -m onedheat.course.lab NOTEBOOK`, used by `make lab`.

Beside `jupyter lab` itself it chooses a free port (or takes the one in the variable PORT and says so
when it is taken) and prints the whole address where no browser can be opened.
"""

import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path

FIRST_PORT = 8888


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(wanted: str) -> int:
    """The port asked for, or the first free one from 8888 on where none is.

    Raises:
        ValueError: It is no port, or another program listens on it. The message says what to do.
    """
    if not wanted:
        for port in range(FIRST_PORT, FIRST_PORT + 100):
            if is_free(port):
                return port
        raise ValueError(
            f"Ports {FIRST_PORT} to {FIRST_PORT + 99} are all taken; give a free one with PORT=…"
        )
    if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
        raise ValueError(f"PORT={wanted} is no port; give a number from 1024 to 65535.")
    if not is_free(int(wanted)):
        raise ValueError(
            f"Port {wanted} cannot be used, most likely because another program has it; "
            "give another with PORT=…"
        )
    return int(wanted)


def can_open_browser(environment: Mapping[str, str]) -> bool:
    """Whether a browser with a window can be opened from here."""
    if sys.platform.startswith("linux") and not (
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return False
    return not isinstance(found, webbrowser.GenericBrowser) or isinstance(
        found, webbrowser.BackgroundBrowser
    )


def command(notebook: Path, port: int, browser: bool, root_user: bool) -> list[str]:
    """The arguments of `jupyter lab`, served from the folder above the notebook's."""
    root = notebook.resolve().parent.parent
    arguments = [
        sys.executable, "-m", "jupyterlab",
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--LabApp.default_url=/lab/tree/{notebook.resolve().relative_to(root).as_posix()}",
    ]  # fmt: skip
    if not browser:
        arguments.append("--no-browser")
    if root_user:
        arguments.append("--allow-root")
    return arguments


def main() -> None:
    """The command; it becomes JupyterLab."""
    notebook = Path(sys.argv[1])
    if not notebook.is_file():
        sys.exit(f"There is no notebook {notebook}; run this from the root of the project.")
    try:
        port = choose_port(os.environ.get("PORT", ""))
    except ValueError as error:
        sys.exit(str(error))
    browser = can_open_browser(os.environ)
    # The server reads its token from the environment, so that it stands in no list of processes.
    token = os.environ.setdefault("JUPYTER_TOKEN", secrets.token_hex(16))
    root_user = hasattr(os, "geteuid") and os.geteuid() == 0
    arguments = command(notebook, port, browser, root_user)
    page = next(a for a in arguments if "default_url" in a).split("=", 1)[1]
    if not browser:
        print("No browser can be opened from here. Open this address in one:\n")
        print(f"    http://localhost:{port}{page}?token={token}\n")
    print("JupyterLab runs until Ctrl-C is pressed here.", flush=True)
    os.execv(arguments[0], arguments)


if __name__ == "__main__":
    main()
