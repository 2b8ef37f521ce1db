"""How a lesson shows things, so that they also reach who cannot see or move them.

A widget is shown together with what stands for it where no widget can be: in a stored notebook, on
GitHub, on paper.
"""

import base64
import html

from IPython.display import display

from onedheat.course import WIDGET_VIEW
from onedheat.plots import Figure
from onedheat.plots.figure import BLUE, GREEN

RIGHT, OPEN = GREEN, BLUE  # colours of answers


def picture_of(figure: Figure) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """A figure and its metadata, alt text included, as `display` takes them raw."""
    encoded = base64.b64encode(figure.small_png()).decode()
    content = {"image/png": encoded, "text/plain": figure.alt}
    return content, {"image/png": {"alt": figure.alt}}


def show(figure: Figure) -> None:
    """Displays a figure with its alt text, and the text once more, folded, below it.

    JupyterLab 4.6 gives a stored picture no alt text, whatever its metadata say; web pages made by
    nbconvert do.
    """
    content, metadata = picture_of(figure)
    display(content, metadata=metadata, raw=True)
    show_html(
        folded("The picture in words", f"<p>{escaped(figure.alt)}</p>"), "(in words: see above)"
    )


def show_html(markup: str, text: str) -> None:
    """Displays HTML, with plain text for where there is none."""
    display({"text/html": markup, "text/plain": text}, raw=True)


def show_widget(widget, text: str, markup: str | None = None) -> None:
    """Displays a widget.

    Args:
        widget: an ipywidget.
        text: what stands for it without widgets.
        markup: the same as HTML, where it says more.
    """
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    bundle = {WIDGET_VIEW: view, "text/plain": text}
    if markup is not None:
        bundle["text/html"] = markup
    display(bundle, raw=True)


def escaped(text: str) -> str:
    """Text for HTML; what stands between backticks becomes code."""
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(parts))


def told(markup: str, colour: str) -> str:
    """HTML of an answer, which a screen reader says when it comes up."""
    return (
        f'<div role="status" style="border-left: 5px solid {colour}; padding: 0.2em 0.8em; '
        f'max-width: 48em; line-height: 1.4">{markup}</div>'
    )


def folded(summary: str, inner: str) -> str:
    """HTML that opens on a click."""
    return f"<details><summary><b>{escaped(summary)}</b></summary>{inner}</details>"
