"""Every lesson: executed anew, its numbers compared, and what is committed fit to be read."""

import re
import subprocess
import sys

import nbformat
import pytest
from smalllessons import PARAMETERS

from onedheat.course import execute, stamps

MAX_MEMORY = 900  # MB, what DESIGN gives a lesson on Binder
CELL_TIMEOUT = 120
pytestmark = pytest.mark.timeout(300)


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        found = sorted((metafunc.config.rootpath / "notebooks").glob("*.ipynb"))
        metafunc.parametrize("lesson", found, ids=[path.stem for path in found])


def cells_tagged(path, tag):
    cells = nbformat.read(path, as_version=4).cells
    return [cell for cell in cells if tag in cell.metadata.get("tags", [])]


def test_every_notebook_has_a_row_of_parameters_and_a_number(root):
    names = {path.stem for path in (root / "notebooks").glob("*.ipynb")}
    assert names == set(PARAMETERS)
    assert all(re.match(r"\d\d_[a-z_]+$", name) for name in names)


def test_it_runs_with_small_parameters(lesson):
    notebook = execute.clean(
        execute.run(lesson, PARAMETERS[lesson.stem], timeout=CELL_TIMEOUT, progress=False)
    )
    assert execute.faults(notebook) == []
    said = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    memory = re.findall(r"peak memory (\d+) MB", said)
    assert memory, "the footer does not tell the peak memory"
    assert int(memory[-1]) <= MAX_MEMORY


def test_its_numbers_are_those_committed(lesson, tmp_path):
    """nbval runs the notebook as it is and compares the cells tagged `numeric`."""
    if not cells_tagged(lesson, "numeric"):
        pytest.skip("no cell is tagged numeric")
    run = run_nbval(lesson, tmp_path)
    assert run.returncode == 0, run.stdout[-3000:]


def run_nbval(path, tmp_path):
    """nbval on a copy in which the tag `numeric` is put in nbval's words."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if "numeric" in cell.metadata.get("tags", []):
            cell.metadata.tags.append("nbval-check-output")
    nbformat.write(notebook, tmp_path / path.name)
    command = [
        "-m",
        "pytest",
        "--nbval-lax",
        f"--nbval-cell-timeout={CELL_TIMEOUT}",
        "-q",
        "-c",
        "/dev/null",
    ]
    return subprocess.run(
        [
            sys.executable,
            *command,
            f"--rootdir={tmp_path}",
            "--nbval-current-env",
            str(tmp_path / path.name),
        ],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=tmp_path,
    )


def test_a_changed_number_is_noticed(tmp_path):
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "print(2 * 3.5)",
                execution_count=1,
                metadata={"tags": ["numeric"]},
                outputs=[nbformat.v4.new_output("stream", name="stdout", text="7.5\n")],
            )
        ]
    )
    nbformat.write(notebook, tmp_path / "one.ipynb")
    (tmp_path / "copy").mkdir()
    run = run_nbval(tmp_path / "one.ipynb", tmp_path / "copy")
    assert run.returncode == 1 and "7.5" in run.stdout and "7.0" in run.stdout


def test_what_is_committed_is_fit_to_be_read(lesson):
    notebook = nbformat.read(lesson, as_version=4)
    assert execute.faults(notebook) == []
    assert any(cell.get("outputs") for cell in notebook.cells)


def test_what_is_committed_came_from_one_clean_run(lesson):
    cells = nbformat.read(lesson, as_version=4).cells
    counts = [
        cell.execution_count for cell in cells if cell.cell_type == "code" and cell.source.strip()
    ]
    assert counts == list(range(1, len(counts) + 1))


def test_its_stamp_is_fresh(lesson):
    reasons = stamps.stale(nbformat.read(lesson, as_version=4))
    assert not reasons, f"{lesson.name} is stale ({', '.join(reasons)}): run `make notebooks`"


def test_parameters_come_first_and_the_bootstrap_cell_next(lesson):
    code = [cell for cell in nbformat.read(lesson, as_version=4).cells if cell.cell_type == "code"]
    assert code[0].metadata.tags == ["parameters"]
    assert code[1].metadata.tags == ["bootstrap"]


def test_the_bootstrap_cell_is_the_same_text_everywhere(root):
    texts = {
        cell.source
        for path in (root / "notebooks").glob("*.ipynb")
        for cell in cells_tagged(path, "bootstrap")
    }
    assert len(texts) == 1


def test_parameters_of_the_table_exist(lesson):
    (cell,) = cells_tagged(lesson, "parameters")
    for name in PARAMETERS[lesson.stem]:
        assert re.search(rf"^{name} = ", cell.source, re.MULTILINE), (
            f"{lesson.name} has no parameter {name}"
        )
