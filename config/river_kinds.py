"""Which classes of River may be models: looked up, built and tried, only where one is named."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from config.wording import nearest, quote, shorten, suggestion

MOST_PARTS = 1_000
"""What a parameter such as ``n_models`` may be at most: trees take time and memory each."""

_RIVER = "river."
_TRIED = ({"a": 1.0, "b": 0.0}, {"a": 2.5, "b": 1.0}, {"a": 0.5, "b": 1.0})
"""Rows on which a model is tried, with inputs of its own."""


class KindError(ValueError):
    """A class of River cannot be a model, or not with these parameters.

    Attributes:
        parameter: the one at fault, None where it is the class, or several.
    """

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


def river_class(kind: str) -> type:
    """Find a class by its dotted name: ``tree.HoeffdingTreeClassifier``.

    Raises:
        KindError: there is none, or it is no classifier or regressor of one number.
    """
    if kind.startswith(_RIVER):
        message = "a class of River is named without river"
        raise KindError(f"{message}; did you mean {quote(kind.removeprefix(_RIVER))}?")
    module_name, _, name = kind.partition(".")
    if not name.isidentifier() or kind.startswith("_") or name.startswith("_"):
        example = "such as tree.HoeffdingTreeClassifier"
        raise KindError(
            f"found {quote(kind)}, expected a public module and class of River, {example}"
        )
    modules = [
        each.name for each in pkgutil.iter_modules(importlib.import_module("river").__path__)
    ]
    if module_name not in modules:
        near = suggestion(module_name, modules)
        raise KindError(f"River has no module {quote(module_name)}{near}")
    try:
        module = importlib.import_module(_RIVER + module_name)
    except Exception as error:  # noqa: BLE001 (some want libraries that are not here)
        raise KindError(
            f"River's {module_name} cannot be imported: {shorten(str(error))}"
        ) from None
    found = getattr(module, name, None)
    if not _can_be_model(found):
        valid = [each for each in dir(module) if _can_be_model(getattr(module, each))]
        meant = nearest(name, valid)
        end = f"; did you mean {quote(f'{module_name}.{meant}')}?" if meant else ""
        raise KindError(f"{shorten(kind)} is no classifier or regressor of River{end}")
    assert isinstance(found, type)
    return found


def is_classifier(kind: type) -> bool:
    """Say whether a class tells how likely something is; the others expect a number."""
    return issubclass(kind, importlib.import_module("river.base").Classifier)


def try_class(kind: type, parameters: Mapping[str, Any], *, hidden: bool = False) -> None:
    """Build a model, and let it learn and score a few rows.

    Args:
        kind: from ``river_class``.
        parameters: its own.
        hidden: whether parameters came from the environment; then no message of River's is told.

    Raises:
        KindError: it cannot be built or used with these parameters.
    """
    known = inspect.signature(kind).parameters
    for name, value in parameters.items():
        if name not in known:
            raise KindError(_unknown(kind, name, known), name)
        _check_value(name, value, known[name].default)
    missing = [
        name
        for name, each in known.items()
        if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    ]
    for name in missing:
        if name not in parameters:
            raise KindError(f"{kind.__name__} needs the parameter {name}")
    try:
        with redirect_stdout(StringIO()):  # some say there what they do not take
            model = kind(**parameters)
            _use(model, classifies=is_classifier(kind))
    except Exception as error:  # noqa: BLE001 (whatever a class of others may raise)
        told = "" if hidden else f": {type(error).__name__}: {shorten(str(error))}"
        raise KindError(f"{kind.__name__} does not work with these parameters{told}") from None
    for name, value in parameters.items():
        taken = getattr(model, name, value)
        if isinstance(value, str) and isinstance(taken, str) and taken != value:
            raise KindError(f"River does not know it, and would take {quote(taken)}", name)


def _can_be_model(found: object) -> bool:
    base = importlib.import_module("river.base")
    several = (base.MultiLabelClassifier, base.MultiTargetRegressor)
    return (
        isinstance(found, type)
        and found.__module__.startswith(_RIVER)
        and issubclass(found, (base.Classifier, base.Regressor))
        and not issubclass(found, several)
        and not inspect.isabstract(found)
    )


def _unknown(kind: type, name: str, known: Iterable[str]) -> str:
    near = suggestion(name, known)
    listed = ", ".join(known) or "none"
    return f"{kind.__name__} has no such parameter" + (near or f"; it has {listed}")


def _check_value(name: str, value: object, default: object) -> None:
    """Refuse a value of another type than the default's, which River would find out too late."""
    if name.startswith("n_") and isinstance(value, int | float) and not 1 <= value <= MOST_PARTS:
        raise KindError(f"found {value}, expected a number from 1 to {MOST_PARTS:,}", name)
    kinds: tuple[type, ...]
    match default:
        case bool():
            kinds, what = (bool,), "true or false"
        case int():
            kinds, what = (int,), "a whole number"
        case float():
            kinds, what = (int, float), "a number"
        case str():
            kinds, what = (str,), "a text"
        case _:
            return
    is_wrong_boolean = isinstance(value, bool) and bool not in kinds
    if not isinstance(value, kinds) or is_wrong_boolean:
        raise KindError(f"expected {what}; without it River takes {default}", name)


def _use(model: Any, *, classifies: bool) -> None:
    for number, row in enumerate(_TRIED):
        model.learn_one(row, number % 2 == 0 if classifies else float(number))
        told = model.predict_proba_one(row) if classifies else model.predict_one(row)
        float(told.get(True, 0.0) if classifies else told)
