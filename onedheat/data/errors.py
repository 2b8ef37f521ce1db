"""What goes wrong with data, in words a person can act on."""


class DataError(ValueError):
    """A data set that is not there or not as it should be; the message says what to do."""
