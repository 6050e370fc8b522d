"""Holds a table's header against the mapping: every column that is read has to be there, once."""

from collections.abc import Sequence

from connectors.importing.errors import MappingError
from connectors.importing.mapping import ImportMapping
from connectors.importing.mapping_text import Mistake
from connectors.importing.wording import listed, quote, suggestion

_DELIMITERS = {";": "';'", "\t": '"\\t"', "|": "'|'", ",": "','"}
"""What tables are often separated by, each as it is written in a mapping file."""


def check_header(header: Sequence[str], mapping: ImportMapping, file: str, line: int) -> None:
    """Refuse a header that lacks columns which the mapping reads, or has one of them twice.

    Raises:
        MappingError: every such column, where the mapping names it, and what the header has.
    """
    wrong = [(path, column) for path, column in mapping.used_columns() if header.count(column) != 1]
    if not wrong:
        return
    names = dict.fromkeys(column for _, column in wrong)
    hint = delimiter_hint(header, mapping)
    if hint:
        raise MappingError(
            f"{file}:{line}: found one column {quote(header[0])}, expected {listed(names)}{hint}"
        )
    summary = (
        f"{file}:{line}: found the columns {listed(header)}, expected {listed(names)} once; "
        "is it another format, or without a header?"
    )
    if mapping.source is None:  # a built-in mapping: no file of the user's to show
        raise MappingError(summary)
    mistakes = []
    for path, column in wrong:
        spot = mapping.source.locate(path)
        message = f"{spot.name}: found {quote(column)}, expected {_meant(column, header, file)}"
        mistakes.append(Mistake(spot.value, message))
    raise mapping.source.error(mistakes, summary)


def delimiter_hint(cells: Sequence[str], mapping: ImportMapping) -> str:
    """Offer another delimiter where a row is one cell that contains it."""
    if len(cells) != 1:
        return ""
    for delimiter, written in _DELIMITERS.items():
        if delimiter in cells[0] and delimiter != mapping.separator:
            return f"; perhaps delimiter: {written}"
    return ""


def _meant(column: str, header: Sequence[str], file: str) -> str:
    count = header.count(column)
    if count:
        return f"a column that {file} has once, not {count} times"
    return f"a column of {file}{suggestion(column, header)}"
