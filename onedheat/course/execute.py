"""Execute notebooks from a clean kernel and keep their outputs fit to be committed.

    python -m onedheat.course.execute                      every notebook of notebooks/, in place
    python -m onedheat.course.execute notebooks/01_*.ipynb these
    python -m onedheat.course.execute --check              which are stale, and why; exit 1 if any
    python -m onedheat.course.execute --out DIR NOTEBOOK   leave NOTEBOOK alone; executed copy, page, pictures

What is stored has no widget state, no timings and no trace of this machine; it carries a stamp of what
it came from (see `stamps`). A notebook whose cells fail, write to standard error, print a path of this
machine or draw a picture without alt text is not stored, and the cell is named.
"""

import argparse
import base64
import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from onedheat.course import WIDGET_NOTE, WIDGET_VIEW
from onedheat.course.stamps import stale, stamp

CELL_TIMEOUT = 300  # seconds; an execution without a limit can hang for ever
MAX_BYTES = 1_500_000
MIN_ALT = 30  # characters
WIDGET_REPR = re.compile(r"[A-Z]\w*\(")  # VBox(children=…: says nothing to a reader
NOISE = ("papermill", "execution", "ExecuteTime")
# Paths that begin at a folder where people or systems keep their files.
ABSOLUTE = re.compile(
    r"(?<![\w.:+=/~-])(/(home|Users|root|tmp|var|opt|mnt|private)/|[A-Z]:\\Users\\)\S*"
)


class NotebookFault(RuntimeError):
    """A notebook could not be executed, or what it gave is not fit to be stored."""


@contextlib.contextmanager
def _clean_kernel() -> Iterator[None]:
    """Kernels started inside see none of the user's own IPython and matplotlib settings."""
    with tempfile.TemporaryDirectory(prefix="onedheat_") as folder:
        was = {name: os.environ.get(name) for name in ("IPYTHONDIR", "MPLBACKEND", "MATPLOTLIBRC")}
        profile = Path(folder) / "profile_default"
        profile.mkdir()
        # Its warnings are about its own sockets, and it has nothing else to say to a learner.
        (profile / "ipython_kernel_config.py").write_text(
            "c.IPKernelApp.log_level = 40\n", encoding="utf-8"
        )
        os.environ["IPYTHONDIR"] = folder
        os.environ.pop("MPLBACKEND", None)
        os.environ.pop("MATPLOTLIBRC", None)
        try:
            yield
        finally:
            for name, value in was.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def run(
    path: Path,
    parameters: dict[str, Any] | None = None,
    timeout: int = CELL_TIMEOUT,
    progress: bool = True,
) -> NotebookNode:
    """Execute a notebook from a clean kernel, in its own folder; return it with its new outputs.

    Args:
        path: The notebook; it is not changed.
        parameters: Values set after the cell tagged `parameters`.
        timeout: Seconds one cell may take.
        progress: Whether a bar of cells is drawn on standard error.

    Raises:
        NotebookFault: A cell failed or took longer than `timeout`. The message names the cell.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    with _clean_kernel(), tempfile.TemporaryDirectory(prefix="onedheat_") as folder:
        executed = Path(folder) / path.name
        try:
            papermill.execute_notebook(
                str(path),
                str(executed),
                parameters=parameters or {},
                kernel_name="python3",
                cwd=str(path.resolve().parent),
                execution_timeout=timeout,
                start_timeout=60,
                progress_bar=progress,
                autosave_cell_every=0,
            )
        except papermill.PapermillExecutionError as error:
            lines = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback)).strip().splitlines()
            raise NotebookFault(
                f"{path.name}: cell {error.cell_index} failed with {error.ename}: {error.evalue}\n"
                + "\n".join(f"    {line}" for line in lines[-12:])
            ) from error
        except CellTimeoutError as error:
            cell = str(error).split("-------------------")[1].strip().splitlines()
            raise NotebookFault(
                f"{path.name}: a cell took longer than {timeout} s; it begins with: {cell[0] if cell else ''}"
            ) from error
        except DeadKernelError as error:
            raise NotebookFault(
                f"{path.name}: the kernel died; it may have run out of memory"
            ) from error
        return nbformat.read(executed, as_version=4)


def clean(notebook: NotebookNode) -> NotebookNode:
    """Take out, in place, what differs from run to run or from machine to machine."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.kernelspec = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    notebook.metadata.language_info = {"name": "python"}
    for noise in NOISE:
        notebook.metadata.pop(noise, None)
    for cell in notebook.cells:
        for noise in NOISE:
            cell.metadata.pop(noise, None)
        if cell.metadata.get("tags") == []:
            del cell.metadata["tags"]
        if cell.cell_type == "code":
            cell.outputs = _clean_outputs(cell.outputs)
    return notebook


def _clean_outputs(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    kept: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
            kept[-1].text += output.text
            continue
        data = output.get("data", {})
        if data.pop(WIDGET_VIEW, None) is not None:
            # A view without its state is an error message in JupyterLab. A sentence is not.
            if WIDGET_REPR.match(data.get("text/plain", "W()")):
                data["text/plain"] = WIDGET_NOTE
        kept.append(output)
    return kept


def _texts(output: NotebookNode) -> Iterator[str]:
    """Everything in an output that a reader could read; pictures are not."""
    for value in (output.get("text"), *output.get("traceback", [])):
        if value:
            yield value
    for mime, value in output.get("data", {}).items():
        if not mime.startswith("image/") or mime == "image/svg+xml":
            yield value if isinstance(value, str) else str(value)


def faults(notebook: NotebookNode) -> list[str]:
    """Why a notebook is not fit to be committed, one sentence each; empty where it is."""
    found = []
    if "widgets" in notebook.metadata:
        found.append("it holds widget state")
    here = [str(Path.home()), sys.prefix, tempfile.gettempdir(), str(Path.cwd())]
    here = [path for path in here if len(path) > 4]
    for number, cell in enumerate(notebook.cells):
        if any(path in cell.source for path in here if path != tempfile.gettempdir()):
            found.append(f"cell {number} holds a path of this machine")
        if cell.cell_type != "code":
            continue
        if any(noise in cell.metadata for noise in NOISE):
            found.append(f"cell {number} holds timings")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"cell {number} ended with {output.ename}: {output.evalue}")
            if output.get("name") == "stderr":
                found.append(f"cell {number} wrote to standard error: {output.text.strip()[:200]}")
            if WIDGET_VIEW in output.get("data", {}):
                found.append(f"cell {number} holds the view of a widget whose state is not stored")
            for text in _texts(output):
                path = next((p for p in here if p in text), None) or ABSOLUTE.search(text)
                if path:
                    path = path if isinstance(path, str) else path.group()
                    found.append(f"cell {number} shows a path of this machine: {path}")
                    break
            for mime in output.get("data", {}):
                alt = output.get("metadata", {}).get(mime, {}).get("alt", "")
                if mime in ("image/png", "image/jpeg") and len(alt.strip()) < MIN_ALT:
                    found.append(
                        f"cell {number} shows a picture whose alt text has {len(alt.strip())} characters; "
                        f"at least {MIN_ALT} are needed"
                    )
    size = len(nbformat.writes(notebook).encode())
    if size > MAX_BYTES:
        found.append(f"it has {size:,} bytes; at most {MAX_BYTES:,} are allowed")
    return found


def execute(path: Path, timeout: int = CELL_TIMEOUT, progress: bool = True) -> NotebookNode:
    """Execute a notebook and store its cleaned, stamped outputs in its own file.

    Raises:
        NotebookFault: It failed or is not fit to be stored; the file is as it was.
    """
    before = stamp(nbformat.read(path, as_version=4))
    notebook = clean(run(path, timeout=timeout, progress=progress))
    notebook.metadata["onedheat"] = before
    if bad := faults(notebook):
        raise NotebookFault(
            f"{path.name} is not stored:\n" + "\n".join(f"    {line}" for line in bad)
        )
    _write(notebook, path)
    return notebook


def _write(notebook: NotebookNode, path: Path) -> None:
    part = path.with_name(f".{path.name}.part")
    nbformat.write(notebook, part)
    os.replace(part, path)


def publish(path: Path, out: Path, timeout: int = CELL_TIMEOUT) -> list[Path]:
    """Execute a notebook and write the executed copy, an HTML page and its pictures into a folder.

    Returns:
        The files written: the notebook, the page, the pictures in order.
    """
    from nbconvert import HTMLExporter

    notebook = clean(run(path, timeout=timeout))
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob(f"{path.stem}*"):
        old.unlink()
    files = [out / path.name, out / f"{path.stem}.html"]
    _write(notebook, files[0])
    page, _ = HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": path.stem}})
    files[1].write_text(page, encoding="utf-8")
    pictures = [
        output.data["image/png"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    for number, picture in enumerate(pictures, start=1):
        files.append(out / f"{path.stem}_{number:02d}.png")
        files[-1].write_bytes(base64.b64decode(picture))
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m onedheat.course.execute", description=__doc__.split("\n")[0]
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every one in notebooks/")
    parser.add_argument("--check", action="store_true", help="execute nothing; say which are stale")
    parser.add_argument("--out", type=Path, help="write copies, pages and pictures there instead")
    parser.add_argument("--timeout", type=int, default=CELL_TIMEOUT, help="seconds for one cell")
    given = parser.parse_args(arguments)
    paths = given.notebooks or sorted(Path("notebooks").glob("[0-9]*.ipynb"))
    missing = [str(path) for path in paths if not path.is_file()]
    if missing or not paths:
        print(
            f"No such notebook: {', '.join(missing)}"
            if missing
            else "There is no notebook in notebooks/; run this from the root of the project.",
            file=sys.stderr,
        )
        return 2

    failed = 0
    for path in paths:
        started = time.perf_counter()
        try:
            if given.check:
                reasons = stale(nbformat.read(path, as_version=4))
                print(f"{path}: " + (f"stale ({', '.join(reasons)})" if reasons else "fresh"))
                failed += bool(reasons)
            elif given.out:
                print(f"{path}: running it cell by cell", flush=True)
                files = publish(path, given.out, given.timeout)
                print(f"{path}: done in {time.perf_counter() - started:.0f} s")
                print(f"  the page:      {files[1].resolve()}")
                print(f"  the notebook:  {files[0].resolve()}")
                print(
                    f"  {len(files) - 2} pictures:"
                    + "".join(f"\n    {file.resolve()}" for file in files[2:])
                )
            else:
                print(f"{path}: running it cell by cell", flush=True)
                execute(path, given.timeout)
                print(
                    f"{path}: stored, {path.stat().st_size:,} bytes, {time.perf_counter() - started:.0f} s"
                )
        except NotebookFault as error:
            print(error, file=sys.stderr)
            failed += 1
    if given.check and failed:
        print("Run `make notebooks`, look at the new outputs and commit them.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
