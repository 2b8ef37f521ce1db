"""What goes wrong in ways that a person can mend. Each message says what is wrong and what to do next.

Wrong arguments are a `ValueError` or a `TypeError`, as anywhere.
"""


class OnedheatError(Exception):
    """Any of them: `except onedheat.OnedheatError` catches what files, downloads and machines do."""


class CheckpointError(OnedheatError):
    """A checkpoint that is missing, incomplete, foreign or damaged."""


class DataError(OnedheatError, ValueError):
    """A data set that is not there or not as it should be."""


class EngineError(OnedheatError, RuntimeError):
    """An engine that cannot be had here, or an ONNX file that it cannot use."""


class FinderError(OnedheatError, RuntimeError):
    """A face finder that cannot be made, because its model is missing, damaged or out of reach."""


class ImageError(OnedheatError, ValueError):
    """A picture that cannot be used."""


class KeptError(OnedheatError):
    """Kept results that are missing, damaged, of another format, or of other faces."""


class SearchError(OnedheatError):
    """A search that is damaged, foreign or another's, workers that ended early, or optuna missing."""


class TableError(OnedheatError, ValueError):
    """A table that cannot be written."""


class VideoError(OnedheatError, ValueError):
    """A video that cannot be read, or not any further."""
