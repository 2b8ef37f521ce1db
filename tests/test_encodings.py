"""Text is UTF-8 in every file that the package reads or writes, whatever the machine's own encoding."""

import ast
import os
import subprocess
import sys

import pytest

from onedheat.course.stamps import PACKAGE

NO_TEXT = {"Image", "av", "os"}
"""Modules whose `open` has no encoding to be told."""


def without_encoding(code: str) -> list[int]:
    """Lines of code where a text file is read or written in whatever encoding the machine has.

    (Ruff's PLW1514 sees only those whose path it can tell to be a `Path`, half of them.)
    """
    return [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and _is_text(node) and not _has_encoding(node)
    ]


def _is_text(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(attr="read_text" | "write_text"):
            return True
        case ast.Attribute(attr="open", value=ast.Name(id=module)) if module in NO_TEXT:
            return False
        case ast.Attribute(attr="open"):
            mode = call.args[:1]
        case ast.Name(id="open"):
            mode = call.args[1:2]
        case _:
            return False
    mode += [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    said = [
        node.value for part in mode for node in ast.walk(part) if isinstance(node, ast.Constant)
    ]
    return not any("b" in str(value) for value in said)


def _has_encoding(call: ast.Call) -> bool:
    return any(keyword.arg == "encoding" for keyword in call.keywords)


def test_every_text_file_of_the_package_is_read_and_written_as_utf_8():
    found = [
        f"{file.relative_to(PACKAGE.parent)}, line {line}: say encoding='utf-8'"
        for file in sorted(PACKAGE.rglob("*.py"))
        for line in without_encoding(file.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "path.read_text()",
        "(folder / name).write_text(card)",
        "open(path)",
        "open(path, 'w')",
        "path.open('a', newline='')",
        "Path(name).open(mode='r')",
    ],
)
def test_the_check_notices_one_without(code):
    assert without_encoding(code) == [1]


@pytest.mark.parametrize(
    "code",
    [
        "path.read_text(encoding='utf-8')",
        "open(path, 'rb')",
        "path.open('wb' if anew else 'ab')",
        "path.open(mode='xb')",
        "Image.open(stream)",
    ],
)
def test_the_check_lets_bytes_and_utf_8_pass(code):
    assert without_encoding(code) == []


_SAVED = """
import sys
from onedheat.checkpoints import save_detector
from onedheat.models import Detector, DetectorConfig
small = DetectorConfig(width=16, channels=16, size=64, compressed=4, landmarks=5)
save_detector(Detector(small), sys.argv[1], card=sys.argv[2].encode().decode("unicode_escape"))
"""


def test_a_card_with_greek_letters_is_saved_where_the_machine_knows_ascii_only(tmp_path, root):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    run = subprocess.run(
        [sys.executable, "-c", _SAVED, tmp_path / "net", r"\u03c3 in pixels"],
        cwd=root,
        env=os.environ | ascii_only,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "net" / "README.md").read_text(encoding="utf-8") == "σ in pixels"
