"""Every control of every notebook, moved in a real JupyterLab; and the driver that does it, tested."""

import os

import pytest
from samples import write_notebook
from smalllessons import small_copy

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def lab():
    """One server and one browser for all tests of this file."""
    import browser

    if browser.find_chromium() is None:
        reason = "no Chromium on this machine (on Debian and Ubuntu: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI=true, and {reason}")
        pytest.skip(reason)
    with browser.Lab() as started:
        yield started


SETUP = """
import io
import ipywidgets as w
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
from IPython.display import display

def png(value):
    figure = plt.figure(figsize=(1, 1))
    figure.gca().bar([0], [value])
    figure.gca().set_ylim(0, 10)
    plt.close(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()

def marked(widget, name):
    widget.add_class(name)
    return widget
"""
ALIVE = """
slider = marked(w.IntSlider(value=3, min=0, max=3, description="height"), "onedheat-control")
image = marked(w.Image(value=png(3)), "onedheat-output")
slider.observe(lambda change: setattr(image, "value", png(change["new"])), "value")
w.VBox([slider, image])
""", """
choice = marked(w.Dropdown(options=[("one", 1), ("two", 2)]), "onedheat-control")
sign = marked(w.ToggleButtons(options=["+", "-"]), "onedheat-control")
way = marked(w.RadioButtons(options=["up", "down"]), "onedheat-control")
tick = marked(w.Checkbox(description="big"), "onedheat-control")
def show(choice, sign, way, tick):
    print(choice, sign, way, tick)
    display(plt.figure(figsize=(1, 1)))
    plt.close("all")
out = w.interactive_output(show, dict(choice=choice, sign=sign, way=way, tick=tick))
w.HBox([marked(out, "onedheat-output"), w.VBox([choice, sign, way, tick])])
"""  # fmt: skip
DEAD = """
dead = marked(w.FloatSlider(description="dead one"), "onedheat-control")
w.VBox([dead, marked(w.Image(value=png(1)), "onedheat-output")])
"""
FAILS_LATER = """
slider = marked(w.IntSlider(description="breaks"), "onedheat-control")
out = w.Output()
def redraw(change):
    raise ValueError("no such height")
slider.observe(redraw, "value")
w.VBox([slider, marked(out, "onedheat-output")])
"""


def test_every_kind_of_control_is_moved(lab, tmp_path):
    moves = lab.move_everything(write_notebook(tmp_path / "alive.ipynb", SETUP, *ALIVE))
    kinds = [move.kind for move in moves]
    assert kinds == ["slider", "dropdown", "toggle buttons", "radio buttons", "checkbox"]
    assert moves[0].label.startswith("height")
    assert all(0 < move.seconds < 10 for move in moves)


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        (
            DEAD,
            r"bad.ipynb: slider 1 \(dead one\) was moved, and what it should change stayed the same",
        ),
        ("1 / 0", "bad.ipynb: a cell failed or warned: .*ZeroDivisionError"),
        pytest.param(
            FAILS_LATER,
            r"slider 1 \(breaks\) was moved, and what it should change stayed the same",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "marked(w.IntSlider(), 'onedheat-control')",
            "has no element with the class onedheat-output",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_a_learner_would_miss_is_a_fault(lab, tmp_path, monkeypatch, cell, complaint):
    import browser

    monkeypatch.setattr(lab, "move_timeout", 3)
    with pytest.raises(browser.BrowserFault, match=rf"(?s){complaint}"):
        lab.move_everything(write_notebook(tmp_path / "bad.ipynb", SETUP, cell))


@pytest.mark.slow
def test_a_cell_that_hangs_is_a_fault(lab, tmp_path, monkeypatch):
    import browser

    monkeypatch.setattr(lab, "cell_timeout", 2)
    with pytest.raises(browser.BrowserFault, match="not every cell had run after 2 s"):
        lab.move_everything(write_notebook(tmp_path / "hangs.ipynb", "import time\ntime.sleep(30)"))


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        folder = metafunc.config.rootpath / "notebooks"
        found = sorted(folder.glob("[0-9]*.ipynb"))
        metafunc.parametrize("lesson", found, ids=[path.stem for path in found])


def test_every_control_of_the_lesson_changes_its_picture(lab, lesson, root, tmp_path):
    (root / "build").mkdir(exist_ok=True)
    small = small_copy(lesson, tmp_path)
    moves = lab.move_everything(small, screenshot=root / "build" / f"{lesson.stem}.browser.png")
    for move in moves:
        print(f"{lesson.name}: {move.kind} {move.label}: {1000 * move.seconds:.0f} ms")
    assert moves, f"{lesson.name} marks no control with the class onedheat-control"
