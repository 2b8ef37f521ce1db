"""A driver that opens notebooks in a real JupyterLab and moves every control a learner can move.

A notebook marks what is to be tested with two CSS classes:

    slider.add_class("onedheat-control")     any slider, dropdown, toggle buttons, radio buttons, checkbox
    output.add_class("onedheat-output")      the Output, Image or HTML that the control changes

A control belongs to the `onedheat-output` of its own cell; where there are several, to the first that
follows it, or else to the last before it. The driver moves it, with the keyboard where it can, and waits
until what is shown there is another picture or another text. A control that changes nothing, a page error
or a cell that fails is an error that names the notebook and the control.

One server and one browser serve all notebooks: `with Lab() as lab: lab.move_everything(notebook)`.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, TimeoutError, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
CONTROL = ".jp-Notebook .onedheat-control"
# What a person sees in the output that goes with a control: its pictures and its words.
SEEN = """
control => {
  const outputs = [...control.closest('.jp-Cell').querySelectorAll('.onedheat-output')];
  const follows = o => control.compareDocumentPosition(o) & Node.DOCUMENT_POSITION_FOLLOWING;
  const mine = outputs.find(follows) || outputs.pop();
  if (!mine) return null;
  const canvases = [...mine.querySelectorAll('canvas')].map(c => c.toDataURL());
  const own = mine.tagName === 'IMG' ? [mine] : [...mine.querySelectorAll('img, svg image')];
  const paths = [...mine.querySelectorAll('svg path')].map(p => p.getAttribute('d'));
  return JSON.stringify([own.map(i => i.src || i.getAttribute('href')), canvases, paths, mine.innerText]);
}
"""
KIND = """
control => {
  if (control.querySelector('[role=slider]')) return 'slider';
  if (control.querySelector('select')) return 'dropdown';
  if (control.querySelector('input[type=radio]')) return 'radio buttons';
  if (control.querySelector('input[type=checkbox]')) return 'checkbox';
  if (control.matches('button')) return 'button';
  if (control.querySelector('button')) return 'toggle buttons';
  return 'unknown';
}
"""


class BrowserFault(AssertionError):
    """Something a learner would see go wrong."""


@dataclass(frozen=True)
class Move:
    """One control that was moved, and how long the new picture took to come."""

    kind: str
    label: str
    seconds: float


def find_chromium() -> str | None:
    """The path of a Chromium of this machine, or None."""
    return next((path for path in map(shutil.which, CHROMIUM_NAMES) if path), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lab:
    """JupyterLab on the loopback address and a headless Chromium, both started once.

    Args:
        cell_timeout: seconds for all cells of a notebook.
        move_timeout: seconds for the picture that a control changes.
        flags: further ones for Chromium.
    """

    def __init__(
        self, cell_timeout: float = 120, move_timeout: float = 15, flags: Sequence[str] = ()
    ):
        self.cell_timeout = cell_timeout
        self.move_timeout = move_timeout
        self.flags = [*FLAGS, *flags]

    def __enter__(self) -> "Lab":
        self.work = Path(tempfile.mkdtemp(prefix="onedheat_lab_"))
        self.log = self.work / "server.log"
        try:
            self._start_server()
            self._playwright = sync_playwright().start()
            self.browser = self._playwright.chromium.launch(
                executable_path=find_chromium(), args=self.flags, headless=True
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start_server(self) -> None:
        (self.work / "notebooks").mkdir()
        for name, value in {
            "notebook-extension/tracker": {"windowingMode": "none"},  # draw cells out of sight too
            "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        }.items():
            settings = self.work / f"settings/@jupyterlab/{name}.jupyterlab-settings"
            settings.parent.mkdir(parents=True)
            settings.write_text(json.dumps(value))
        self.url = f"http://127.0.0.1:{(port := _free_port())}"
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        environment = os.environ | {name: str(self.work / to) for name, to in folders.items()}
        arguments = [
            "--no-browser",
            "--allow-root",
            f"--ServerApp.root_dir={self.work / 'notebooks'}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            "--IdentityProvider.token=",
            "--ServerApp.password=",
            "--ServerApp.disable_check_xsrf=True",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.news_url=",
            "--LabApp.extension_manager=readonly",
        ]
        with self.log.open("w") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *arguments],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if self._server.poll() is not None:
                raise BrowserFault(f"JupyterLab ended at once:\n{self.log.read_text()[-2000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/api/status", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise BrowserFault(f"JupyterLab did not answer:\n{self.log.read_text()[-2000:]}")

    def __exit__(self, *_) -> None:
        if hasattr(self, "browser"):
            self.browser.close()
        if hasattr(self, "_playwright"):
            self._playwright.stop()
        if hasattr(self, "_server"):
            os.killpg(self._server.pid, signal.SIGTERM)
            try:
                self._server.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self._server.pid, signal.SIGKILL)
                self._server.wait(5)
        shutil.rmtree(self.work, ignore_errors=True)

    def move_everything(self, notebook: Path, screenshot: Path | None = None) -> list[Move]:
        """Run a notebook from top to bottom and move every marked control in it.

        Args:
            notebook: It is copied; the file itself stays as it is.
            screenshot: Where a picture of the page is written at the end, or at the fault.

        Returns:
            One `Move` for every control, in the order of the page.

        Raises:
            BrowserFault: A cell failed, a control moved nothing, or the page reported an error.
        """
        with self.opened(notebook, screenshot) as page:
            return [
                self._move(page, notebook.name, number)
                for number in range(page.locator(CONTROL).count())
            ]

    @contextmanager
    def opened(
        self, notebook: Path, screenshot: Path | None = None, permissions: Sequence[str] = ()
    ) -> Iterator[Page]:
        """A page with a copy of a notebook that was run from top to bottom.

        Args:
            notebook: It is copied; the file itself stays as it is.
            screenshot: Where a picture of the page is written at the end, or at the fault.
            permissions: What the page may use, e.g. ``"camera"``.

        Raises:
            BrowserFault: A cell failed, the page reported an error, or waiting for it took too long.
        """
        copy = nbformat.read(notebook, as_version=4)
        for cell in copy.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None  # nothing seen below is an old output
        copy.metadata.kernelspec = {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        }
        nbformat.write(copy, self.work / "notebooks" / notebook.name)
        context = self.browser.new_context(
            viewport={"width": 1280, "height": 2200}, permissions=list(permissions)
        )
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        try:
            self._run_all(page, notebook.name)
            yield page
            if errors:
                raise BrowserFault(f"{notebook.name}: the page reported {errors[0]}")
        except TimeoutError as error:
            first = str(error).splitlines()[0]
            raise BrowserFault(f"{notebook.name}: the page did not get there: {first}") from error
        finally:
            if screenshot:
                page.screenshot(path=screenshot)
            self._shut_down_kernels(page)
            context.close()

    def _run_all(self, page: Page, name: str) -> None:
        page.goto(f"{self.url}/lab/tree/{name}?reset", wait_until="domcontentloaded")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
        # The notebook's own mark says idle before there is a kernel; the status bar names the kernel.
        page.wait_for_function(
            r"/Python 3.*\| Idle/.test(document.querySelector('#jp-main-statusbar')?.textContent)",
            timeout=90_000,
        )
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        try:
            page.wait_for_function(
                """() => {
                  if (document.querySelector('.jp-Notebook [data-mime-type$=stderr]')) return true;
                  const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')]
                    .filter(c => c.querySelector('.cm-content')?.textContent.trim());
                  const marks = cells.map(c => c.querySelector('.jp-InputPrompt').textContent);
                  return marks.length > 0 && marks.every(m => /\\[\\d+\\]/.test(m));
                }""",
                timeout=self.cell_timeout * 1000,
            )
        except TimeoutError as error:
            raise BrowserFault(
                f"{name}: not every cell had run after {self.cell_timeout:.0f} s"
            ) from error
        failed = page.locator(".jp-Notebook [data-mime-type$=stderr]")
        if failed.count():
            raise BrowserFault(
                f"{name}: a cell failed or warned: {failed.first.inner_text().strip()[-400:]}"
            )
        page.locator(IDLE).first.wait_for(timeout=60_000, state="attached")

    def _move(self, page: Page, name: str, number: int) -> Move:
        control = page.locator(CONTROL).nth(number)
        control.scroll_into_view_if_needed()
        kind = control.evaluate(KIND)
        label = control.inner_text().strip().splitlines()
        what = f"{name}: {kind} {number + 1}" + (f" ({label[0]})" if label else "")
        before = self._settled(page, control)
        if before is None:
            raise BrowserFault(
                f"{what} has no element with the class onedheat-output after it in its cell"
            )
        if kind not in MOVES:
            raise BrowserFault(f"{what} is none of {', '.join(MOVES)}")
        started = time.monotonic()
        MOVES[kind](control)
        while time.monotonic() < started + self.move_timeout:
            if control.evaluate(SEEN) != before:
                seconds = time.monotonic() - started
                self._settled(page, control)
                return Move(kind, label[0] if label else "", seconds)
            time.sleep(0.02)
        raise BrowserFault(f"{what} was moved, and what it should change stayed the same")

    def _settled(self, page: Page, control: Locator) -> str | None:
        """What is shown once the kernel is idle and the picture has stopped changing."""
        page.locator(IDLE).first.wait_for(timeout=30_000, state="attached")
        last, end = control.evaluate(SEEN), time.monotonic() + 10
        while time.monotonic() < end:
            time.sleep(0.25)
            now = control.evaluate(SEEN)
            if now == last:
                return now
            last = now
        return last

    def _shut_down_kernels(self, page: Page) -> None:
        """Ends the notebook's kernel, so that several notebooks do not add up in memory."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/sessions", timeout=10) as answer:
                sessions = json.load(answer)
            for session in sessions:
                request = urllib.request.Request(
                    f"{self.url}/api/sessions/{session['id']}", method="DELETE"
                )
                urllib.request.urlopen(request, timeout=10).close()
        except OSError as error:
            raise BrowserFault(f"JupyterLab no longer answers: {error}") from error


def _slide(control: Locator) -> None:
    """One step of the arrow key, to the right unless the handle stands at the end."""
    handle = control.locator("[role=slider]").first
    now, end = (float(handle.get_attribute(f"aria-value{name}")) for name in ("now", "max"))
    handle.focus()
    handle.press("ArrowRight" if now < end else "ArrowLeft")


def _tick(control: Locator) -> None:
    control.locator("input[type=checkbox]").first.press("Space")


def _next_choice(control: Locator) -> None:
    """The next choice that can be taken, in a select element, as the arrow keys do it."""
    select = control.locator("select").first
    count, now = select.evaluate("s => [s.options.length, s.selectedIndex]")
    select.focus()
    select.select_option(index=(now + 1) % count)


def _other_radio(control: Locator) -> None:
    control.locator("input[type=radio]:not(:checked)").first.check()


def _other_toggle(control: Locator) -> None:
    button = control.locator("button:not(.mod-active):not([disabled])").first
    button.focus()
    button.press("Enter")


def _press_self(control: Locator) -> None:
    control.focus()
    control.press("Enter")


MOVES = {
    "slider": _slide,
    "dropdown": _next_choice,
    "radio buttons": _other_radio,
    "checkbox": _tick,
    "toggle buttons": _other_toggle,
    "button": _press_self,
}
