"""Numbers as they stand in rows."""

_BEYOND_64_BITS = 2.0**63


def row_number(value: float) -> float:
    """Return a whole number as int, so that it has one form; one beyond 64 bits stays a float."""
    whole = -_BEYOND_64_BITS < value < _BEYOND_64_BITS and value == int(value)
    return int(value) if whole else float(value)


def row_scalar(value: str | float) -> str | float:
    """Return a scalar as it stands in rows: numbers see above, text and booleans as they are."""
    return row_number(value) if type(value) is float else value
