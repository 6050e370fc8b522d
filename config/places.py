"""Where in the file a character of a value stands, so that a mistake inside one is shown there."""

from config.tree import Place, Scalar

_ESCAPED = frozenset({'"', "\\"})
"""What stands for itself behind a backslash."""


def place_in(scalar: Scalar, offset: int) -> Place:
    """Give the place of a character of a text; of white space and the end: behind what is before.

    Works for plain and quoted texts and for blocks (``>`` and ``|``), which differ from the file
    in their white space alone. Where it cannot be told (an escape, the environment) the place is
    that of the whole.

    Args:
        scalar: with a text as its value.
        offset: of the character, from 0; at most the text's length.
    """
    value = str(scalar.value)
    if not scalar.source:
        return scalar.place
    wanted = sum(not character.isspace() for character in value[:offset])
    is_shown = offset < len(value) and not value[offset].isspace()
    found = _positions(value, scalar.source)
    if found is None or not found[: wanted + 1]:
        return scalar.place
    at = found[wanted] if is_shown else found[wanted - 1] + 1 if wanted else found[0]
    before = scalar.source[:at]
    lines = before.count("\n")
    column = at - before.rfind("\n") if lines else scalar.place.column + at
    return Place(scalar.place.line + lines, column)


def _positions(value: str, source: str) -> list[int] | None:
    """Give where each visible character of a value stands in its source; None if it is unlike."""
    at = _header(source)
    result = []
    for character in value:
        if character.isspace():
            continue
        while at < len(source) and source[at].isspace():
            at += 1
        result.append(at)
        if source[0] == '"' and source[at : at + 1] == "\\" and character in _ESCAPED:
            at += 1
        if at == len(source) or source[at] != character:
            return None
        at += 2 if character == "'" == source[0] else 1  # written twice between such quotes
    return result


def _header(source: str) -> int:
    """Give where the text begins: behind its quote, or behind the line with its block sign."""
    if source[:1] in ("|", ">"):
        return source.find("\n") + 1
    return 1 if source[:1] in ('"', "'") else 0
