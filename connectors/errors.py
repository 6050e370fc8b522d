"""What may be wrong with files that are read or written."""


class FileProblem(Exception):  # noqa: N818 (a problem of the file, not of the program)
    """A file cannot be read or written; the message names it and says what to do."""
