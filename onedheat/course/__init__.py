"""What only a learner needs: widgets, exercises and the commands that run the lessons."""

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_NOTE = (
    "Controls appear here when this cell is run. The figures in this notebook show the same."
)
"""What a page shows where there is no widget."""
