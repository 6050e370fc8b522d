"""What an import may fail with, and what a single row may be refused for."""


class ImportingError(Exception):
    """The import as a whole cannot go on; the text names the file and what to do."""


class MappingError(ImportingError):
    """The mapping is wrong, or does not fit the file that it was given."""


class RowError(Exception):
    """One row cannot become an event; the text is the reason. The import goes on."""
