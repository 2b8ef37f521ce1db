"""Small notebooks made on the spot, so that the tools that run notebooks can be seen to fail."""

from pathlib import Path

import nbformat
from nbformat import v4


def write_notebook(path: Path, *cells: str, parameters: str | None = None) -> Path:
    """A notebook of code cells; a cell that begins with `#md ` is prose."""
    made = [
        v4.new_markdown_cell(cell[4:]) if cell.startswith("#md ") else v4.new_code_cell(cell)
        for cell in cells
    ]
    if parameters is not None:
        made.insert(0, v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    for number, cell in enumerate(made):
        cell["id"] = f"cell-{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(v4.new_notebook(cells=made), path)
    return path


PICTURE = """
from IPython.display import Image, display
import base64
dot = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
display(Image(dot), metadata={"image/png": {"alt": ALT}})
"""
