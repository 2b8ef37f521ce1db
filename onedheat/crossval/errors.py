"""What a search says that cannot go on."""


class SearchError(Exception):
    """A study that is damaged, foreign or another's, workers that ended early, or optuna missing."""
