"""Finds the kinds and the windows: every class in the modules of a package."""

from importlib import import_module
from inspect import isabstract
from pkgutil import iter_modules
from typing import ClassVar, Protocol, TypeVar


class Named(Protocol):
    """A class that says under which name plans know it."""

    name: ClassVar[str]


N = TypeVar("N", bound=Named)


def classes_in(package: str, path: list[str], base: type[N]) -> dict[str, type[N]]:
    """Return the concrete classes that a package's modules define, by name, sorted.

    Args:
        package: its name.
        path: where its modules are, the package's ``__path__``.
        base: what the classes have in common.
    """
    found: dict[str, type[N]] = {}
    for module_info in iter_modules(path):
        module = import_module(f"{package}.{module_info.name}")
        for member in vars(module).values():
            if not isinstance(member, type) or member.__module__ != module.__name__:
                continue
            if issubclass(member, base) and not isabstract(member):
                assert member.name not in found, f"two classes are named {member.name}"
                found[member.name] = member
    return dict(sorted(found.items()))
