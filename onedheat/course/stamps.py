"""Which files a notebook's outputs came from, and whether they have changed since.

A notebook's committed outputs are true only as long as what made them is the same. Hashing the whole
package would call every notebook stale at every commit, so a stamp holds what this notebook can reach:

- `source`: one hash over its code cells. Prose can be mended without running anything again.
- `modules`: one hash for every module of the package that its cells import, directly or through other
  modules. This is read from the syntax trees; nothing is imported. A lazy name such as `onedheat.load`
  counts as the module that `onedheat/__init__.py` fetches it from. That file itself is left out: it
  holds names only. Blank lines and lines with only a comment do not count.
- `weights`: one hash for every shipped checkpoint the cells name, or for all of them where the cells
  can load one and name none; one over the whole atlas, one over the results kept from real faces, and one
  over those of studies, where they can reach them.

A change in `training.py` therefore makes the lesson on training stale, and not the one on rounding.
"""

import ast
import hashlib
import re
from pathlib import Path

from nbformat import NotebookNode

PACKAGE = Path(__file__).resolve().parent.parent
LOADS_WEIGHTS = {"onedheat.checkpoints", "onedheat.pipeline"}
ATLAS = "onedheat.atlas"
KEPT = "onedheat.kept"
STUDIES = "onedheat.studies"


def module_file(module: str, package: Path = PACKAGE) -> Path | None:
    """The file of a dotted module name within the package, or None where there is no such module.

    >>> module_file("onedheat.course.stamps").name
    'stamps.py'
    """
    path = package.joinpath(*module.split(".")[1:])
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file() and module.split(".")[0] == package.name:
            return file
    return None


def lazy_names(package: Path = PACKAGE) -> dict[str, str]:
    """Public name → module, from the one dict of strings in the package's `__init__.py`."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            found = ast.literal_eval(node.value)
            return {name: f"{package.name}.{module}" for name, module in found.items()}
    return {}


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _walk(node: ast.AST):
    """`ast.walk` without what stands under `if TYPE_CHECKING:`, which never runs."""
    yield node
    children = node.orelse if _is_type_checking(node) else ast.iter_child_nodes(node)
    for child in children:
        yield from _walk(child)


def _dotted(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := _dotted(node.value)):
        return f"{left}.{node.attr}"
    return None


def names_used(code: str, module: str = "", is_package: bool = False) -> set[str]:
    """Every dotted name that a piece of code imports, in whatever place, or reads off an imported module.

    `from a.b import c` gives `a.b` and `a.b.c`, since `c` may be a module; `import a` followed by `a.b.c`
    gives all three. A relative import is resolved against `module`.

    >>> sorted(names_used("from onedheat.heatmaps import decode"))
    ['onedheat.heatmaps', 'onedheat.heatmaps.decode']
    """
    found = set()
    for node in _walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join(parts + ([node.module] if node.module else []))
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and (name := _dotted(node)):
            found.add(name)
    return found


def modules_used(
    code: str, package: Path = PACKAGE, module: str = "", is_package: bool = False
) -> set[str]:
    """The package's own modules that a piece of code imports, lazy names and parent packages included."""
    lazy = lazy_names(package)
    found = set()
    for name in names_used(code, module, is_package):
        parts = name.split(".")
        if parts[0] != package.name:
            continue
        if len(parts) > 1 and parts[1] in lazy:
            parts = lazy[parts[1]].split(".")
        found |= {".".join(parts[:n]) for n in range(2, len(parts) + 1)}
    return {name for name in found if module_file(name, package)}


def reachable(code: str, package: Path = PACKAGE) -> set[str]:
    """The package's modules that a piece of code can reach through imports."""
    seen: set[str] = set()
    waiting = modules_used(code, package)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        file = module_file(name, package)
        used = modules_used(
            file.read_text(encoding="utf-8"), package, name, is_package=file.name == "__init__.py"
        )
        waiting |= used - seen
    return seen


def notebook_code(notebook: NotebookNode) -> str:
    """All code cells as one text, without the lines that are no Python (`%magic`, `!command`)."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    text = "\n".join(cell for cell in cells if not cell.startswith("%%"))
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", text, flags=re.MULTILINE)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def _module_digest(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    kept = [line.rstrip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return _digest("\n".join(kept).encode())


def stamp(notebook: NotebookNode, package: Path = PACKAGE) -> dict:
    """What the outputs of this notebook depend on; kept in its metadata under `onedheat`."""
    code = notebook_code(notebook)
    modules = reachable(code, package)
    weights = {}
    if modules & LOADS_WEIGHTS:
        folders = sorted(file.parent for file in package.glob("weights/*/config.json"))
        named = [folder for folder in folders if re.search(rf"[\"']{folder.name}[\"']", code)]
        for folder in named or folders:
            weights[folder.name] = _checkpoint_digest(folder)
    if ATLAS in modules:
        weights["atlas"] = _checkpoint_digest(package / "weights" / "atlas")
    if KEPT in modules:
        results = sorted((package / "kept").glob("*.npz"))
        weights["kept results"] = _digest(*(path.read_bytes() for path in results))
    if STUDIES in modules:
        results = sorted((package / "studies" / "measured").glob("*.json"))
        weights["studies"] = _digest(*(path.read_bytes() for path in results))
    sources = [cell.source.encode() for cell in notebook.cells if cell.cell_type == "code"]
    return {
        "source": _digest(*sources),
        "modules": {name: _module_digest(module_file(name, package)) for name in sorted(modules)},
        "weights": weights,
    }


def _checkpoint_digest(folder: Path) -> str:
    """Of everything in a folder of weights but what is written for people."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".safetensors"))
    return _digest(*(path.read_bytes() for path in files))


def stale(notebook: NotebookNode, package: Path = PACKAGE) -> list[str]:
    """Why the outputs are no longer true, one reason an entry; empty where they are.

    Reasons are the names of what changed: `code cells`, a module or a checkpoint.
    """
    was, now = notebook.metadata.get("onedheat"), stamp(notebook, package)
    if not was:
        return ["it was never executed by `make notebooks`"]
    reasons = [] if was.get("source") == now["source"] else ["code cells"]
    for kind in ("modules", "weights"):
        before, after = was.get(kind, {}), now[kind]
        reasons += [
            name for name in sorted({*before, *after}) if before.get(name) != after.get(name)
        ]
    return reasons
