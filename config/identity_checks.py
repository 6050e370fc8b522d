"""What must hold between the keys of identity, and those that they are about.

A part of ``checks``; the same rules: plain values in, and what is wrong in itself is passed over.
"""

from collections.abc import Iterator

from config.identity import external_type
from config.plain import Finding, Path, mapping_at
from config.wording import quote

KEEP_FOR: Path = ("identity", "keep", "for")
"""A duration below retention: whoever is not seen for so long is forgotten with all events."""


def check_identity(config: object) -> Iterator[Finding]:
    """Give the path of each value of identity that does not go with another one."""
    identity = mapping_at(config, "identity")
    for key in ("customer", "blocked"):
        seen: set[str] = set()
        for number, value in _texts(identity.get(key)):
            if value in seen:
                yield ("identity", key, number), f"{quote(value)} stands there twice"
            seen.add(value)
    paths = [path for _, path in _texts(identity.get("customer"))]
    for number, path in _texts(identity.get("customer")):
        for outer in paths:
            if path.startswith(f"{outer}.") and not external_type(path):
                yield (
                    ("identity", "customer", number),
                    f"{quote(outer)} is an id, so it has no {quote(path.removeprefix(outer)[1:])}",
                )


def _texts(values: object) -> Iterator[tuple[int, str]]:
    for number, value in enumerate(values if isinstance(values, list) else ()):
        if isinstance(value, str):
            yield number, value
