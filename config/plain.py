"""Ways into the plain values of a config, for rules over several keys."""

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
