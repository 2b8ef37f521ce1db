"""`onedheat.course.execute` stores good notebooks, and refuses each kind of bad one in words."""

import json

import nbformat
import pytest
from nbformat import v4
from samples import PICTURE, write_notebook

from onedheat.course import execute

GOOD_ALT = "A single black dot, which stands for any picture."
pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """One good notebook, executed in place; shared, because a kernel takes seconds to start."""
    path = write_notebook(
        tmp_path_factory.mktemp("nb") / "good.ipynb",
        "#md # A lesson",
        "import ipywidgets\nfrom onedheat.course import stamps\nprint('six is', 2 * size)\nprint('more')",
        f"ALT = {GOOD_ALT!r}" + PICTURE,
        "ipywidgets.IntSlider()",
        "from onedheat.course.show import show_widget\n"
        "show_widget(ipywidgets.IntSlider(), 'Two sliders.')",
        parameters="size = 3",
    )
    execute.execute(path, timeout=60, progress=False)
    return path


def test_outputs_stand_in_the_file(stored):
    cells = nbformat.read(stored, as_version=4).cells
    assert cells[2].outputs[0].text == "six is 6\nmore\n"
    assert [cell.execution_count for cell in cells if cell.cell_type == "code"] == [1, 2, 3, 4, 5]


def test_nothing_that_differs_from_run_to_run_is_stored(stored):
    raw = json.loads(stored.read_text())
    assert set(raw["metadata"]) == {"kernelspec", "language_info", "onedheat"}
    assert raw["metadata"]["language_info"] == {"name": "python"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in raw["cells"])
    before = stored.read_text()
    execute.execute(stored, timeout=60, progress=False)
    assert stored.read_text() == before


def test_a_widget_is_stored_as_a_sentence(stored):
    *_, plain, described = nbformat.read(stored, as_version=4).cells
    assert plain.outputs[0].data == {"text/plain": execute.WIDGET_NOTE}
    assert described.outputs[0].data == {"text/plain": "Two sliders."}


def test_a_stored_notebook_has_no_fault_and_is_fresh(stored):
    notebook = nbformat.read(stored, as_version=4)
    assert execute.faults(notebook) == []
    assert execute.main(["--check", str(stored)]) == 0


def test_check_names_a_notebook_whose_cells_changed(stored, tmp_path, capsys):
    notebook = nbformat.read(stored, as_version=4)
    notebook.cells[2].source += "\nprint('changed')"
    nbformat.write(notebook, tmp_path / "changed.ipynb")
    assert execute.main(["--check", str(tmp_path / "changed.ipynb")]) == 1
    assert "changed.ipynb: stale (code cells)" in capsys.readouterr().out


def test_publish_leaves_the_notebook_alone_and_writes_page_and_pictures(stored, tmp_path, capsys):
    before = stored.read_bytes()
    assert execute.main(["--out", str(tmp_path / "demo"), str(stored)]) == 0
    assert stored.read_bytes() == before
    names = sorted(file.name for file in (tmp_path / "demo").iterdir())
    assert names == ["good.html", "good.ipynb", "good_01.png"]
    assert (tmp_path / "demo" / "good_01.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "demo" / "good.html").read_text()
    assert "six is 6" in page and GOOD_ALT in page
    assert str(tmp_path / "demo" / "good.html") in capsys.readouterr().out


def test_a_cell_that_fails_is_named_and_the_file_is_as_it_was(tmp_path, capsys):
    path = write_notebook(tmp_path / "bad.ipynb", "x = 1", "x / 0")
    before = path.read_bytes()
    assert execute.main([str(path)]) == 1
    said = capsys.readouterr().err
    assert "bad.ipynb: cell 1 failed with ZeroDivisionError: division by zero" in said
    assert path.read_bytes() == before


def test_a_cell_that_hangs_is_stopped(tmp_path):
    path = write_notebook(tmp_path / "slow.ipynb", "import time\ntime.sleep(60)")
    with pytest.raises(
        execute.NotebookFault, match=r"slow.ipynb: a cell took longer than 2 s.*import time"
    ):
        execute.run(path, timeout=2, progress=False)


def test_a_notebook_that_writes_to_standard_error_is_not_stored(tmp_path):
    path = write_notebook(tmp_path / "loud.ipynb", "import warnings\nwarnings.warn('look out')")
    before = path.read_bytes()
    with pytest.raises(execute.NotebookFault, match="cell 0 wrote to standard error: .*look out"):
        execute.execute(path, timeout=60, progress=False)
    assert path.read_bytes() == before


def _with_output(output, source="1"):
    return v4.new_notebook(cells=[v4.new_code_cell(source, outputs=[output])])


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        (v4.new_output("stream", name="stderr", text="hm"), "standard error: hm"),
        (
            v4.new_output("stream", name="stdout", text="saved /home/ann/x.png"),
            "a path of this machine: /home/ann/x.png",
        ),
        (
            v4.new_output("stream", name="stdout", text=r"saved C:\Users\ann\x.png"),
            "a path of this machine",
        ),
        (
            v4.new_output("display_data", data={"text/html": "<b>/tmp/a b</b>"}),
            "a path of this machine",
        ),
        (
            v4.new_output("error", ename="KeyError", evalue="'k'", traceback=[]),
            "ended with KeyError: 'k'",
        ),
        (v4.new_output("display_data", data={execute.WIDGET_VIEW: {}}), "view of a widget"),
        (v4.new_output("display_data", data={"image/png": "aGk="}), "alt text has 0 characters"),
        (
            v4.new_output(
                "display_data",
                data={"image/png": "aGk="},
                metadata={"image/png": {"alt": "A face."}},
            ),
            "alt text has 7 characters",
        ),
        (v4.new_output("stream", name="stdout", text="x" * 1_500_000), "1,500,000 are allowed"),
    ],
)
def test_each_fault_of_an_output_is_said(output, complaint):
    (found,) = execute.faults(_with_output(output))
    assert complaint in found


@pytest.mark.parametrize(
    "text",
    [
        "speed 12/tmp/s",
        "https://example.org/home/x",
        "a/b/opt/c",
        "onedheat/weights/tiny68",
        "~/home/x",
    ],
)
def test_what_only_looks_like_a_path_is_no_fault(text):
    assert execute.faults(_with_output(v4.new_output("stream", name="stdout", text=text))) == []


def test_widget_state_in_the_metadata_is_a_fault_and_is_cleaned():
    notebook = v4.new_notebook(metadata={"widgets": {"state": {}}})
    assert execute.faults(notebook) == ["it holds widget state"]
    assert execute.faults(execute.clean(notebook)) == []


def test_a_missing_notebook_is_named(tmp_path, capsys):
    assert execute.main([str(tmp_path / "none.ipynb")]) == 2
    assert "No such notebook" in capsys.readouterr().err
