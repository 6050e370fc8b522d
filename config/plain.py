"""Ways into the plain values of a config, for rules over several keys."""

from collections.abc import Iterator

from config.values import parse_duration

KEY = "[key]"
"""What a path ends with, here as in pydantic's errors, when it means a key and not its value."""

Path = tuple[str | int, ...]
Finding = tuple[Path, str]
"""Where something is wrong, and why."""


def mapping_at(value: object, *path: str) -> dict[str, object]:
    """Give the mapping at a path, an empty one if there is something else or nothing."""
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items_at(value: object, key: str) -> Iterator[tuple[int, dict[str, object]]]:
    """Give the mappings in the list under a key, each with its number."""
    found = mapping_at(value).get(key)
    for number, each in enumerate(found if isinstance(found, list) else ()):
        if isinstance(each, dict):
            yield number, each


def duration_at(value: object, *path: str | int) -> int | None:
    """Give the milliseconds of the duration at a path, None if there is none or it is wrong."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        else:
            fits = isinstance(value, list) and isinstance(part, int) and part < len(value)
            value = value[part] if fits else None  # type: ignore[index]
    try:
        return parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        return None
